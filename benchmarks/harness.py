"""Time commands side by side in one run: in turn, so that a machine that slows down slows both, and told as ratios."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PYTHON = sys.executable
SCHEMASPEC = (PYTHON, "-m", "schemaspec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One command's medians, in seconds: by the clock, and of processor time of it and its children."""

    name: str
    wall: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One command to be timed.

    Args:
        name: how the table calls it.
        command: what is run; its exit code must be one of `codes`.
        prepare: run before each round, not timed.
    """

    name: str
    command: Sequence[str]
    prepare: Callable[[], object] = lambda: None
    codes: tuple[int, ...] = (0,)
    folder: Path | None = None
    environment: Mapping[str, str] | None = None


def _environment(contender: Contender) -> dict[str, str]:
    """Ours with the contender's own. What Python compiles is kept, of a checkout as of what is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **(contender.environment or {})}


def _once(contender: Contender) -> tuple[float, float]:
    contender.prepare()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        contender.command,
        cwd=contender.folder,
        env=_environment(contender),
        capture_output=True,
        text=True,
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in contender.codes:
        raise SystemExit(f"{contender.name}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def race(contenders: Sequence[Contender], rounds: int = 5) -> list[Timing]:
    """Run all contenders in turn, once to warm up and then `rounds` times; the medians in their order."""
    for contender in contenders:
        _once(contender)
    samples: list[list[tuple[float, float]]] = [[] for _ in contenders]
    for _ in range(rounds):
        for row, contender in zip(samples, contenders, strict=True):
            row.append(_once(contender))
    return [
        Timing(
            name=contender.name,
            wall=statistics.median(wall for wall, _ in row),
            cpu=statistics.median(cpu for _, cpu in row),
        )
        for contender, row in zip(contenders, samples, strict=True)
    ]


def table(title: str, timings: Sequence[Timing]) -> str:
    """The timings as a Markdown table, each with its ratio to the first."""
    first = timings[0]
    lines = [f"### {title}", "", "| | wall s | CPU s | wall, times the first | CPU, times the first |", "|---|---|---|---|---|"]
    lines += [
        f"| {item.name} | {item.wall:.3f} | {item.cpu:.3f} | {item.wall / first.wall:.2f} | {item.cpu / first.cpu:.2f} |"
        for item in timings
    ]
    return "\n".join([*lines, ""])
