"""Where something stands in a file."""

from __future__ import annotations

from operator import itemgetter


class Position(tuple[str, int, int]):
    """A place in an input file: path as the user knows it, line and column counted from 1.

    Written out instead of a `NamedTuple`, which would bring `typing` to every run that has a position to tell.
    """

    __slots__ = ()

    def __new__(cls, file: str, line: int, column: int) -> Position:
        """The place of that column in that line of that file."""
        return super().__new__(cls, (file, line, column))

    file: str = property(itemgetter(0))  # type: ignore[assignment]
    line: int = property(itemgetter(1))  # type: ignore[assignment]
    column: int = property(itemgetter(2))  # type: ignore[assignment]

    def __getnewargs__(self) -> tuple[str, int, int]:
        return self.file, self.line, self.column

    def __repr__(self) -> str:
        return f"Position(file={self.file!r}, line={self.line}, column={self.column})"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
