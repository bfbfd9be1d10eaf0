"""What is seen only when all steps of a plan lie side by side: each pass takes them and gives them back."""
