"""`python benchmarks [check|migrations|planning|servers …]`: run the benchmarks and print their tables as Markdown."""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path

PARTS = ("check", "migrations", "planning", "servers")


def run(names: list[str]) -> None:
    """Run the named parts, or all."""
    for name in names or PARTS:
        if name not in PARTS:
            raise SystemExit(f"no benchmark {name!r}: choose from {', '.join(PARTS)}")
        with tempfile.TemporaryDirectory() as folder:
            print(import_module(name).main(Path(folder)), flush=True)


if __name__ == "__main__":
    run(sys.argv[1:])
