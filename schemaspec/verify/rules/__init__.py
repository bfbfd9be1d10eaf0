"""What the spec says about the data, compiled to one scan a table."""
