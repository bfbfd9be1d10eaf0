"""Reports: one file a format, and here the table of them. A format sees nothing but a `Report`."""

from __future__ import annotations

import os
from importlib import import_module

from schemaspec.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from schemaspec.model.report import Report

FORMATS: dict[str, tuple[str, ...]] = {
    "text": (".txt", ".log"),
    "json": (".json",),
    "html": (".html", ".htm"),
    "markdown": (".md", ".markdown"),
    "junit": (".junit.xml", ".xml"),
    "sarif": (".sarif", ".sarif.json"),
    "github": (".github.txt",),
    "gitlab": (".gitlab.json", ".codequality.json"),
}
"""Every report format, by the name of its module here, and the file endings that choose it."""


def render(report: Report, format: str, *, color: bool = False, verbose: bool = False, quiet: bool = False) -> str:
    """The report in one of `FORMATS`, without a line end at its end.

    Args:
        color: ANSI colours, in text only.
        verbose: leave nothing out, where the format shortens long lists.
        quiet: one line, in text only.

    Raises:
        InputError: there is no such format.
    """
    if format not in FORMATS:
        raise InputError(f"no report format {format!r}", fix=f"use one of {', '.join(FORMATS)}")
    module = import_module(f"schemaspec.report.{format}")
    if format == "text":
        return str(module.render(report, color=color, verbose=verbose, quiet=quiet))
    return str(module.render(report))


def format_of(path: str | os.PathLike[str]) -> str:
    """The format that a report file's ending asks for; the longest ending that fits wins.

    Raises:
        InputError: no format has that ending.
    """
    name = os.path.basename(path).lower()
    fitting = [(len(ending), key) for key, endings in FORMATS.items() for ending in endings if name.endswith(ending)]
    if not fitting:
        known = ", ".join(f"{endings[0]} ({key})" for key, endings in FORMATS.items())
        raise InputError(f"no report format is known by the ending of {os.path.basename(path)}", fix=f"end it in one of {known}")
    return max(fitting)[1]
