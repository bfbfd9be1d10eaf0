"""The command line: arguments → project → report → exit code. One file a command; `main.py` holds the table of them."""
