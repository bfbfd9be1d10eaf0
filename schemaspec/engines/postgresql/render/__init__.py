"""Changes → steps: what becomes of an object and of those that depend on it, by family."""
