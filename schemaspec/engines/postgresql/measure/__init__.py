"""What a statement does and what is dangerous about it: seen in scratch, or known by its words."""
