"""Backup: a dump by the server's own programs, looked through, and brought back in one transaction."""
