"""Progress bars for long work, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemaspec.project import StageProgress

_TITLES = {
    "copy": "Copying",
    "verify": "Verifying",
    "compress": "Compressing",
    "checksum": "Summing up",
    "unpack": "Unpacking",
    "restore": "Restoring",
}


@contextmanager
def bars() -> Iterator[StageProgress]:
    """Bars on standard error, one a stage, gone when the work is done.

    Yields:
        A function to call with the stage, the work done and the whole of it.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, done: int, whole: int) -> None:
            if stage not in tasks:
                tasks[stage] = display.add_task(_TITLES.get(stage, stage.capitalize()), total=None)
            display.update(tasks[stage], completed=done, total=whole or None)

        yield update
