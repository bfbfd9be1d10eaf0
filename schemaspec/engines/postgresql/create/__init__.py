"""The statements that make an object from nothing, and what is said of it afterwards."""
