"""What is asked of rows: which values another type alters or refuses, which rows a key or a constraint would not have."""
