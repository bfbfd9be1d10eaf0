"""A schema as declarations, in the words in which a person would have written them."""
