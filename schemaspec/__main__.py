"""`python -m schemaspec` and the `schemaspec` command."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    # A short life with many small objects and little garbage: looking for it early would cost more than it frees.
    gc.set_threshold(1_000_000, 50, 50)
    _import_inspect_late()
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


def _import_inspect_late() -> None:
    """Let `inspect` be loaded when something in it is asked for. `dataclasses` imports it for classes without a docstring only,
    and it would take a fifth of the time that a small command takes.
    """
    if "inspect" in sys.modules:
        return
    from importlib import import_module
    from types import ModuleType

    def real(name: str) -> object:
        if sys.modules.get("inspect") is stand_in:
            del sys.modules["inspect"]
        return getattr(import_module("inspect"), name)

    stand_in = ModuleType("inspect")
    vars(stand_in)["__getattr__"] = real
    sys.modules["inspect"] = stand_in


if __name__ == "__main__":
    run()
