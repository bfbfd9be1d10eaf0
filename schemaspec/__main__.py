"""`python -m schemaspec` and the `schemaspec` command."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    # A short life with many small objects and little garbage: looking for it early would cost more than it frees.
    gc.set_threshold(1_000_000, 50, 50)
    _import_dataclasses_alone()
    _prepare_output()
    from schemaspec.cli.main import main

    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    # Every file and connection is closed. To take the interpreter apart object by object would only take time.
    os._exit(code)


def _prepare_output() -> None:
    """Nothing that is said may fail because a terminal knows no UTF-8, or because nobody listens."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _import_dataclasses_alone() -> None:
    """Import `dataclasses` without `inspect`, which it needs for classes without a docstring only: it would take a fifth of
    the time that a small command takes. What asks for it later gets the real one.
    """
    if "inspect" in sys.modules:
        return
    from importlib import import_module
    from types import ModuleType

    stand_in = ModuleType("inspect")
    vars(stand_in)["__getattr__"] = lambda name: getattr(import_module("inspect"), name)
    sys.modules["inspect"] = stand_in
    try:
        import dataclasses  # noqa: F401
    finally:
        del sys.modules["inspect"]


if __name__ == "__main__":
    run()
