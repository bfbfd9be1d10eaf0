"""The Jinja2 environment of the HTML reports: everything is escaped, nothing undefined passes silently."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.report.safe import block, line
from schemaspec.report.words import duration, iso, moment, plural

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")


@cache
def environment() -> Environment:
    """The environment; its filters make text harmless (`line`, `block`) and speak of numbers and times."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(line=line, block=block, code=code, duration=duration, iso=iso, moment=moment, plural=plural)
    made.filters["thousands"] = lambda number: f"{number:,}"
    return made


def code(text: str) -> Markup:
    """The text on one line, escaped, with what stands between backticks as `<code>`."""
    from markupsafe import Markup

    parts = line(text).split("`")
    if len(parts) % 2 == 0:
        return Markup("{}").format(line(text))
    made = (Markup("<code>{}</code>" if index % 2 else "{}").format(part) for index, part in enumerate(parts))
    return Markup("").join(made)


def style_sheet(name: str) -> str:
    """A style sheet of `templates/`, for a `<style>` element."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def content_policy(css: str) -> str:
    """A Content-Security-Policy under which a page can load nothing and run nothing; only this style sheet counts."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
