"""YAML text to positioned data: strict about what is written, and safe against what was written to harm.

The file is read as a stream of events, so that nothing is built, recursed into or expanded before it was measured.
Plain scalars keep the text that was written; only `true`, `false`, `null`, `~`, whole numbers and decimal fractions
become values. Keys are always text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from schemaspec.errors import InputError
from schemaspec.model.position import Position
from schemaspec.spec.tree import Map, Seq, WrittenFloat
from schemaspec.spec.yaml_faults import MAX_DEPTH as MAX_DEPTH
from schemaspec.spec.yaml_faults import FatalFault, check_text, fatal, syntax_fault

MAX_NODES = 1_000_000
MAX_ALIASED = 100_000
"""Nodes that aliases may add, each counted as often as it is repeated."""
MAX_SCALAR = 1 << 20
"""Characters of one scalar."""
MAX_FAULTS = 100
"""Faults reported of one file."""

_MAX_REJOINED = 4096

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,99}")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]{0,99})\.[0-9]{1,100}(?:[eE][-+]?[0-9]{1,2})?")
_REJOINED = object()
_NUMBER_START = frozenset("-0123456789")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse_yaml(data: bytes, file: str) -> tuple[Any, list[InputError]]:
    """Read one document.

    Args:
        data: the file's content.
        file: its path as the user knows it, for positions.

    Returns:
        The content as `Map`, `Seq` and plain values, and the faults found. After a fault that leaves no telling what
        was meant, the content is None.
    """
    builder = _Builder(file)
    try:
        check_text(data, file)
        _feed(builder, data)
    except FatalFault as fault:
        builder.faults.append(fault.error)
        return None, builder.faults
    return builder.root, builder.faults


def _feed(builder: _Builder, data: bytes) -> None:
    import yaml

    try:
        from yaml._yaml import CParser

        parser: Any = CParser(data)
    except ImportError:
        parser = yaml.SafeLoader(data)
    handlers: dict[type, Any] = {
        yaml.ScalarEvent: builder.scalar,
        yaml.MappingStartEvent: builder.mapping,
        yaml.SequenceStartEvent: builder.sequence,
        yaml.MappingEndEvent: builder.end,
        yaml.SequenceEndEvent: builder.end,
        yaml.AliasEvent: builder.alias,
        yaml.DocumentStartEvent: builder.document,
    }
    builder.data = data
    find, end = handlers.get, yaml.StreamEndEvent
    try:
        while True:
            event = parser.get_event()
            handle = find(type(event))
            if handle is not None:
                handle(event)
            elif type(event) is end:
                return
    except yaml.YAMLError as error:
        raise syntax_fault(error, builder.file, data) from None


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is still open."""

    node: Any
    anchor: str | None
    before: int
    """Nodes counted before it."""
    key: str | None = None
    at: tuple[int, int] = (0, 0)
    deepest: int = 0
    """How many levels lie below it so far."""
    skipping: bool = False
    """The next value belongs to a key that is in error."""
    flow: bool = False
    """Written in `{ }` or `[ ]`."""
    waiting: tuple[str | int, str, int] | None = None
    """The key (or index) of a text whose bracket is still open, the text, and the column after it."""


@dataclass(slots=True)
class _Anchor:
    """What an alias can name: its value, how much there is in it and how deep; `open` while it is being read."""

    value: Any
    size: int
    height: int
    open: bool = False


@dataclass(slots=True)
class _Builder:
    """Puts events together, counting as it goes."""

    file: str
    data: bytes = b""
    root: Any = None
    faults: list[InputError] = field(default_factory=list)
    _frames: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, _Anchor] = field(default_factory=dict)
    _nodes: int = 0
    _aliased: int = 0
    _documents: int = 0
    _lines: list[bytes] | None = None

    def document(self, event: Any) -> None:
        """The start of a document: there may be one."""
        self._documents += 1
        if self._documents > 1:
            mark = event.start_mark
            raise fatal(
                "a second document in one file", self.file, mark.line + 1, mark.column + 1, fix="make it a file of its own"
            )

    def scalar(self, event: Any) -> None:
        """A key or a value."""
        mark = event.start_mark
        line, column, text, style = mark.line + 1, mark.column + 1, event.value, event.style
        self._count(line, column)
        if len(text) > MAX_SCALAR:
            raise fatal(f"a text longer than {MAX_SCALAR >> 20} MB", self.file, line, column, fix="put it in a .sql file")
        if event.tag is not None:
            self._tag(event.tag, line, column)
        if style == '"' and _UNSTORABLE.search(text):
            self._fault("a NUL character or half a surrogate pair, which no database can store", line, column)
            text = _UNSTORABLE.sub("?", text)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.key is None and type(frame.node) is Map:
            self._key(frame, text, style, line, column)
            return
        value: Any = text
        if not style:
            value = _resolve(text)
        elif style == "|":
            line, column = self._block_start(line, column)
        if event.anchor:
            self._anchors[event.anchor] = _Anchor(value, 1, 0)
        if frame is not None and frame.flow:
            value = self._rejoined(frame, event, value, line, column)
            if value is _REJOINED:
                return
        self._put(value, line, column)

    def _rejoined(self, frame: _Frame, event: Any, value: Any, line: int, column: int) -> Any:
        """Put together what a comma inside brackets has split: `{references: other(a, b)}` says one thing, not two.

        Inside `{ }` and `[ ]` YAML ends a text at a comma; a text whose bracket is still open then goes on.
        """
        waiting, text, end = frame.waiting, event.value, event.end_mark.column + 1
        if event.style:
            frame.waiting = None
            return value
        if waiting is not None:
            key, so_far, last = waiting
            part = text if frame.key is None else frame.key if value is None else None
            if part is not None:
                start = column if frame.key is None else frame.at[1]
                joined = f"{so_far}{', ' if start > last + 1 else ','}{part}"
                frame.node[key] = joined
                frame.waiting = (key, joined, end) if _open_brackets(joined) else None
                frame.key, frame.skipping = None, False
                return _REJOINED
        frame.waiting = None
        if type(value) is str and _open_brackets(value):
            frame.waiting = (frame.key if frame.key is not None else len(frame.node), value, end)
        return value

    def mapping(self, event: Any) -> None:
        """The start of a mapping."""
        self._open(event, Map)

    def sequence(self, event: Any) -> None:
        """The start of a sequence."""
        self._open(event, Seq)

    def _open(self, event: Any, kind: type[Map] | type[Seq]) -> None:
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        self._count(line, column)
        if event.tag is not None:
            self._tag(event.tag, line, column)
        if len(self._frames) >= MAX_DEPTH:
            raise fatal(f"nested deeper than {MAX_DEPTH} levels", self.file, line, column)
        node = kind(self.file, line, column)
        if self._frames:
            self._frames[-1].waiting = None
        self._put(node, line, column)
        if event.anchor:
            self._anchors[event.anchor] = _Anchor(node, 0, 0, open=True)
        self._frames.append(_Frame(node, event.anchor, self._nodes, flow=bool(event.flow_style)))

    def end(self, _event: Any) -> None:
        """The end of a mapping or sequence."""
        frame = self._frames.pop()
        if frame.anchor and self._anchors[frame.anchor].value is frame.node:
            self._anchors[frame.anchor] = _Anchor(frame.node, self._nodes - frame.before + 1, frame.deepest + 1)
        if self._frames:
            parent = self._frames[-1]
            parent.deepest = max(parent.deepest, frame.deepest + 1)

    def alias(self, event: Any) -> None:
        """A repetition of what an anchor named; counted at its full size."""
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        anchor = self._anchors.get(event.anchor)
        if anchor is None or anchor.open:
            what = "an alias inside what it names" if anchor else "an alias of nothing"
            raise fatal(f"{what}: *{event.anchor}", self.file, line, column, fix="write it out")
        self._aliased += anchor.size
        self._nodes += anchor.size
        frame = self._frames[-1] if self._frames else None
        if self._aliased > MAX_ALIASED or self._nodes > MAX_NODES:
            raise fatal(
                "aliases repeat too much",
                self.file,
                line,
                column,
                why=f"more than {MAX_ALIASED} nodes in all",
                fix="write it out",
            )
        if len(self._frames) + anchor.height > MAX_DEPTH:
            raise fatal(f"nested deeper than {MAX_DEPTH} levels", self.file, line, column)
        if frame is not None:
            frame.deepest = max(frame.deepest, anchor.height)
            frame.waiting = None
            if frame.key is None and type(frame.node) is Map:
                self._key(frame, anchor.value, "*", line, column)
                return
        self._put(anchor.value, line, column)

    def _count(self, line: int, column: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise fatal(f"more than {MAX_NODES} keys and values in one file", self.file, line, column, fix="split the file")

    def _key(self, frame: _Frame, text: Any, style: str | None, line: int, column: int) -> None:
        node: Map = frame.node
        frame.at = line, column
        frame.key = text if isinstance(text, str) else str(text)
        if text in node.at:
            first = node.at[text]
            self._fault(
                f"the key `{text[:80]}` stands here twice", line, column,
                why=f"the first one is in line {first[0]}", fix="remove or rename one of them",
            )  # fmt: skip
            frame.skipping = True
        elif not isinstance(text, str) or style == "*":
            self._fault("a key must be text of its own", line, column, fix="write the key out")
            frame.skipping = True
        elif text == "<<" and not style:
            self._fault("merge keys (`<<`) are not read", line, column, fix="write the keys out")
            frame.skipping = True

    def _put(self, value: Any, line: int, column: int) -> None:
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        node, key = frame.node, frame.key
        if type(node) is Seq:
            node.append(value)
            node.at.append((line, column))
        elif key is None:
            self._fault(
                "a key must be text",
                line,
                column,
                why="here it is a mapping or a list",
                fix="put text that starts with { or [ in quotes",
            )
            frame.key, frame.at, frame.skipping = "", (line, column), True
        else:
            if frame.skipping:
                frame.skipping = False
            else:
                node[key] = value
                node.at[key] = (*frame.at, line, column)
            frame.key = None

    def _tag(self, tag: str, line: int, column: int) -> None:
        self._fault(
            f"tags are not read: {tag.replace('tag:yaml.org,2002:', '!!')[:80]}",
            line,
            column,
            fix="remove it; put text that starts with ! in quotes",
        )

    def _fault(self, what: str, line: int, column: int, *, why: str | None = None, fix: str | None = None) -> None:
        self.faults.append(InputError(what, where=Position(self.file, line, column), why=why, fix=fix))
        if len(self.faults) >= MAX_FAULTS:
            raise fatal("too many faults; the rest of the file was not read", self.file, line, column)

    def _block_start(self, line: int, column: int) -> tuple[int, int]:
        """Where the first line of a `|` text stands, so that faults within it are found at their own line."""
        if self._lines is None:
            self._lines = self.data.splitlines()
        for number in range(line, len(self._lines)):
            text = self._lines[number]
            if text.strip():
                return line + 1, len(text) - len(text.lstrip()) + 1
        return line, column


def _open_brackets(text: str) -> bool:
    return "(" in text and len(text) <= _MAX_REJOINED and text.count("(") > text.count(")")


def _resolve(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in _NUMBER_START:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FRACTION.fullmatch(text):
            return WrittenFloat(text)
    return text
