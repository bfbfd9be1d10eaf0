"""Reports: one file a format, and here the table of them. A format sees nothing but a `Report`."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from schemaspec.errors import InputError

if TYPE_CHECKING:
    from schemaspec.model.report import Report


class Format(NamedTuple):
    """One report format: the module in `schemaspec.report` with its `render`, and the file endings that choose it."""

    module: str
    endings: tuple[str, ...]


FORMATS: dict[str, Format] = {
    "text": Format("text", (".txt", ".log")),
    "json": Format("json", (".json",)),
    "html": Format("html", (".html", ".htm")),
    "markdown": Format("markdown", (".md", ".markdown")),
    "junit": Format("junit", (".junit.xml", ".xml")),
    "sarif": Format("sarif", (".sarif", ".sarif.json")),
    "github": Format("github", (".github.txt",)),
    "gitlab": Format("gitlab", (".gitlab.json", ".codequality.json")),
}


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
    module = import_module(f"schemaspec.report.{FORMATS[format].module}")
    if format == "text":
        return str(module.render(report, color=color, verbose=verbose, quiet=quiet))
    return str(module.render(report))


def format_of(path: str | os.PathLike[str]) -> str:
    """The format that a report file's ending asks for; the longest ending that fits wins.

    Raises:
        InputError: no format has that ending.
    """
    name = os.path.basename(path).lower()
    fitting = [(len(ending), key) for key, row in FORMATS.items() for ending in row.endings if name.endswith(ending)]
    if not fitting:
        known = ", ".join(f"{row.endings[0]} ({key})" for key, row in FORMATS.items())
        raise InputError(f"no report format is known by the ending of {os.path.basename(path)}", fix=f"end it in one of {known}")
    return max(fitting)[1]
