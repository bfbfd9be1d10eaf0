"""What several engines do in the same way."""
