"""Reads the pages of the manual: their fenced blocks, in order, and what the blocks ask to be done with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
ANYTHING = "…"
_FENCE = re.compile(r"^( *)(`{3,})(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, the words behind it (`file=shop.yaml`, `entry`), its text, and its first line's number."""

    page: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def word(self, name: str) -> str:
        """The value of `name=value` behind the language, "" where it has none."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), "")

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a console block, and the lines that it must print."""

    command: str
    expected: tuple[str, ...]
    line: int


def pages() -> list[Path]:
    """Every page of the manual, and the README."""
    return [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        number += 1
        if opened is None:
            continue
        start, body, indent = number + 1, [], len(opened[1])
        while number < len(lines) and lines[number].strip() != opened[2]:
            body.append(lines[number][indent:])
            number += 1
        number += 1
        language, *words = opened[3].split() or [""]
        text = "\n".join(body) + "\n"
        yield Block(page=page.name, line=start, language=language, words=tuple(words), text=text)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block: `$ ` begins one, a backslash at its end goes on with the next line."""
    lines = block.text.splitlines()
    number = 0
    while number < len(lines):
        assert lines[number].startswith("$ "), f"{block}: a console block begins with a command, not {lines[number]!r}"
        start, command = number, lines[number][2:]
        number += 1
        while command.endswith("\\") or _open_heredoc(command):
            command += "\n" + lines[number]
            number += 1
        output = []
        while number < len(lines) and not lines[number].startswith("$ "):
            output.append(lines[number])
            number += 1
        yield Command(command=command, expected=tuple(output), line=block.line + start)


def _open_heredoc(command: str) -> bool:
    found = re.search(r"<<'?(\w+)'?", command)
    return found is not None and not re.search(rf"^{found[1]}$", command, re.MULTILINE)


def matches(expected: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether the lines printed are those expected. `…` stands for anything in a line, and alone for any lines."""
    if not expected:
        return not printed
    if expected[0].strip() == ANYTHING:
        return any(matches(expected[1:], printed[start:]) for start in range(len(printed) + 1))
    if not printed:
        return False
    pattern = ".*?".join(map(re.escape, expected[0].rstrip().split(ANYTHING)))
    return re.fullmatch(pattern, printed[0].rstrip()) is not None and matches(expected[1:], printed[1:])
