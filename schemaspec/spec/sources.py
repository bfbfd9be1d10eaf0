"""The files of a spec: found by pattern, never outside the root, read once."""

from __future__ import annotations

import os
import stat

from schemaspec.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemaspec.model.position import Position

MAX_FILES = 2000
MAX_TOTAL = 64 << 20
"""Bytes of all files together."""
_MAX_FILE = 16 << 20
_GLOB = frozenset("*?[")


class Sources:
    """The files under one root.

    Args:
        named: the first file as the user named it.
        root: absolute path, without symbolic links, of the folder it lies in.
    """

    def __init__(self, named: str, root: str) -> None:
        self.named = named
        self.root = root
        self.contents: dict[str, bytes] = {}
        """What was read, by path relative to the root, in order."""
        self.patterns: list[str] = []
        """The patterns that were looked for, relative to the root."""
        self._total = 0

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Sources:
        """The files that belong to the one at `path`."""
        named = os.fspath(path)
        return cls(named=named, root=os.path.realpath(os.path.dirname(named) or "."))

    @property
    def first(self) -> str:
        """The first file, relative to the root."""
        return os.path.basename(self.named)

    def shown(self, relative: str) -> str:
        """A file as the user knows it."""
        folder = self.named[: len(self.named) - len(self.first)]
        return folder + relative

    def read(self, relative: str, where: Position | None = None) -> bytes:
        """The content of a file.

        Raises:
            InputError: it can't be read, is no file, or is too large.
        """
        if relative in self.contents:
            return self.contents[relative]
        if len(self.contents) >= MAX_FILES:
            raise InputError(f"more than {MAX_FILES} files", where=where, fix="put several domains into one file")
        data = read_file(os.path.join(self.root, relative), self.shown(relative), where)
        self._total += len(data)
        if self._total > MAX_TOTAL:
            raise InputError(f"the files are larger than {MAX_TOTAL >> 20} MB together", where=where)
        self.contents[relative] = data
        return data

    def find(self, pattern: str, beside: str, where: Position | None) -> list[str]:
        """The files that a pattern names, sorted, relative to the root.

        Args:
            pattern: a path, or one with `*`, `?`, `**`; relative to the folder of the file that holds it.
            beside: that file, relative to the root.
            where: where the pattern stands.

        Raises:
            InputError: it leads out of the root, or to nothing.
        """
        if "://" in pattern or os.path.isabs(pattern) or "\\" in pattern or "\0" in pattern or not pattern.strip():
            raise InputError(
                f"not a path inside this folder: {pattern!r}", where=where, fix="name files beside this one: specs/*.yaml"
            )
        joined = os.path.normpath(os.path.join(os.path.dirname(beside), pattern))
        if joined == ".." or joined.startswith("../"):
            raise InputError(f"{pattern!r} leads out of the folder of {self.first}", where=where, fix="move the file into it")
        if joined not in self.patterns:
            self.patterns.append(joined)
        found = expand(self.root, joined)
        if not found:
            fix = "check the name; it is seen from the file that says it"
            raise InputError(f"no file matches {pattern!r}", where=where, why=f"looked in {self.root}", fix=fix)
        for relative in found:
            self._check_inside(relative, where)
        return found

    def _check_inside(self, relative: str, where: Position | None) -> None:
        real = os.path.realpath(os.path.join(self.root, relative))
        if os.path.commonpath((real, self.root)) != self.root:
            raise InputError(
                f"{relative} is a link that leads out of the folder of {self.first}", where=where, fix="put the file itself there"
            )


def expand(root: str, pattern: str) -> list[str]:
    """The files that a normalized pattern names, relative to the root, sorted; `**` follows no symbolic links."""
    if not _GLOB.intersection(pattern):
        return [pattern] if os.path.lexists(os.path.join(root, pattern)) else []
    hidden = any(part.startswith(".") for part in pattern.split("/"))
    found = []
    for relative in _globbed(root, pattern):
        seen = hidden or not any(part.startswith(".") for part in relative.split("/"))
        if seen and not os.path.isdir(os.path.join(root, relative)):
            found.append(relative)
            if len(found) > MAX_FILES:
                break
    return sorted(found)


def _globbed(root: str, pattern: str) -> Iterator[str]:
    folder, slash, last = pattern.rpartition("/")
    try:
        if "**" not in last and not _GLOB.intersection(folder):
            yield from (folder + slash + name for name in _matching(os.listdir(os.path.join(root, folder)), last))
            return
        from pathlib import Path

        yield from (path.relative_to(root).as_posix() for path in Path(root).glob(pattern))
    except (ValueError, OSError, NotImplementedError, RecursionError):
        return


def _matching(names: list[str], pattern: str) -> list[str]:
    start, star, end = pattern.partition("*")
    if star and not _GLOB.intersection(start + end):  # most patterns are `*.yaml`, and ask for no regular expression
        return [name for name in names if len(name) >= len(start + end) and name.startswith(start) and name.endswith(end)]
    from fnmatch import filter

    return filter(names, pattern)


def read_file(path: str | os.PathLike[str], shown: str, where: Position | None = None, *, missing: str | None = None) -> bytes:
    """The content of a regular file.

    Raises:
        InputError: it can't be read, is no regular file, or is too large.
    """
    at = where or shown
    try:
        # Not to wait for ever on a pipe that somebody laid there.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{shown} is not a file", where=at)
            data = file.read(_MAX_FILE + 1)
    except FileNotFoundError:
        raise InputError(f"there is no file {shown}", where=where, fix=missing) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{shown} can't be read", where=where, why=why) from None
    if len(data) > _MAX_FILE:
        raise InputError(f"{shown} is larger than {_MAX_FILE >> 20} MB", where=at, fix="split it")
    return data
