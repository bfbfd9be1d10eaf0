"""One folder an engine, each with the same file names; see `protocol.py` for what an engine has to do."""
