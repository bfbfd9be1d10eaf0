"""The ways that leave a table to those who use it while it is changed."""
