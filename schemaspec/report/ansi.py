"""Colours for terminals, and none when they were not asked for."""

from __future__ import annotations

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}
STATUS_COLORS = {
    "pass": "green",
    "fail": "red",
    "error": "magenta",
    "warn": "yellow",
    "skip": "dim",
    "info": "blue",
    "applied": "green",
    "baseline": "green",
    "pending": "yellow",
    "running": "yellow",
    "edited": "red",
    "missing": "red",
    "failed": "red",
    "out_of_order": "red",
}


class Paint:
    """Wraps texts in ANSI codes when `on`."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles: bold, dim, or a colour."""
        if not self.on or not text:
            return text
        return f"\033[{';'.join(_CODES[style] for style in styles)}m{text}\033[0m"

    def status(self, word: str, status: str) -> str:
        """A word in the colour of a status."""
        return self(word, "bold", STATUS_COLORS[status]) if STATUS_COLORS[status] != "dim" else self(word, "dim")
