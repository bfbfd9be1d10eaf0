"""Names in the spec that must be those of tables and columns in it; silent wherever the spec can't know them all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from schemaspec.model.position import Position
from schemaspec.model.spec import Constraint, Declaration, Index, Object, Rule, Script, Table
from schemaspec.spec.nearest import did_you_mean
from schemaspec.spec.reading import Reading, split_list

_MAKES_TABLES = frozenset({"extension", "function", "procedure"})
_READABLE = frozenset({"view", "materialized_view", "foreign_table"})
_INHERITS = re.compile(r"inherit|partition|like|\bof\b|period|versioning", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_REFERENCES = re.compile(
    r"""\breferences\s+(?P<table>(?:"[^"]+"|`[^`]+`|\w+)(?:\.(?:"[^"]+"|`[^`]+`|\w+))?)\s*(?:\((?P<columns>[^()]*)\))?""",
    re.IGNORECASE,
)
_INDEX_KEY = re.compile(r"([^\W\d]\w*)(?:\s*\(\d+\))?(?:\s+(?:asc|desc))?(?:\s+nulls\s+(?:first|last))?", re.IGNORECASE)
_NO_COLUMNS = frozenset(
    (
        *("null", "true", "false", "rowid", "oid", "_rowid_", "ctid", "xmin", "xmax", "tableoid", "row_start", "row_end"),
        *("user", "current_user", "session_user", "current_date", "current_time", "current_timestamp"),
        *("localtime", "localtimestamp"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A table, and columns of it, that something in the spec names."""

    table: str
    columns: tuple[str, ...] = ()
    by: str = ""
    position: Position | None = None


def check_references(
    reading: Reading, declarations: Sequence[Declaration], rules: Sequence[Rule], ignore: Iterable[str] = ()
) -> None:
    """Note a fault for each name that is certainly wrong.

    Args:
        reading: where faults go.
        declarations, rules: the whole spec.
        ignore: patterns of names, `table` or `table.column`, that may be missing: what the spec calls ignored or absent.
    """
    known = Known.of(declarations)
    patterns = tuple(ignore)
    for reference in [*references_of(declarations), *_rule_references(rules)]:
        fault = known.fault(reference)
        if fault is None or any(fnmatchcase(fault.name, pattern) for pattern in patterns):
            continue
        reading.fault(fault.what, reference.position, fix=fault.fix)


def unmet(declarations: Sequence[Declaration]) -> tuple[str, ...]:
    """What the declarations name but do not have, as `table` or `table.column`: what `check_references` would find."""
    known = Known.of(declarations)
    faults = (known.fault(reference) for reference in references_of(declarations))
    return tuple(dict.fromkeys(fault.name for fault in faults if fault is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A name that is wrong: the name itself, what to say of it, and the right one."""

    name: str
    what: str
    fix: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names that the spec knows.

    Args:
        tables: by folded name without its schema: the declared tables; their columns, None where they can't be known.
        complete: whether there can be no others.
    """

    tables: dict[str, list[tuple[str, dict[str, str] | None]]]
    complete: bool

    @classmethod
    def of(cls, declarations: Sequence[Declaration]) -> Known:
        """The names in these declarations."""
        tables: dict[str, list[tuple[str, dict[str, str] | None]]] = {}
        complete = True
        for item in declarations:
            match item:
                case Script():
                    complete = False
                case Object():
                    complete = complete and item.kind not in _MAKES_TABLES
                    if item.kind in _READABLE:
                        tables.setdefault(_last(item.name), []).append((item.name, None))
                case Table():
                    tables.setdefault(_last(item.name), []).append((item.name, _columns(item)))
        return cls(tables=tables, complete=complete)

    def fault(self, reference: Reference) -> Fault | None:
        """What is wrong with a reference; None when nothing is, or when that can't be known."""
        found = self.tables.get(_last(reference.table))
        if found is None:
            if not self.complete:
                return None
            names = [name for entries in self.tables.values() for name, _ in entries]
            return Fault(
                name=reference.table,
                what=f"{reference.by} names the table {reference.table}, which the spec does not have",
                fix=did_you_mean(reference.table, names),
            )
        if any(columns is None for _, columns in found):
            return None
        for column in reference.columns:
            if not any(column.casefold() in (columns or {}) for _, columns in found):
                table, columns = found[0]
                return Fault(
                    name=f"{reference.table}.{column}",
                    what=f"{reference.by} names the column {column}, which the table {table} does not have",
                    fix=did_you_mean(column, (columns or {}).values()),
                )
        return None


def _last(name: str) -> str:
    return _bare(name.rpartition(".")[2])


def _bare(name: str) -> str:
    name = name.strip()
    return (name[1:-1] if len(name) > 1 and name[0] == name[-1] and name[0] in '"`' else name).casefold()


def _columns(table: Table) -> dict[str, str] | None:
    """The table's columns by folded name; None where it has more than it declares."""
    if table.sql or not table.columns or any(_INHERITS.search(str(key)) for key in table.options):
        return None
    if any(item.kind in ("", "period") for item in table.constraints):
        return None
    return {column.name.casefold(): column.name for column in table.columns}


def references_of(declarations: Sequence[Declaration]) -> Iterator[Reference]:
    """Every table and column that constraints, indexes and column definitions name."""
    for item in declarations:
        if isinstance(item, Table) and not item.sql:
            for column in item.columns:
                yield from _in_text(column.definition, f"column {item.name}.{column.name}", column.position)
            for constraint in item.constraints:
                yield from _constraint(item, constraint)
            for index in item.indexes:
                yield from _index(item, index)


def _in_text(text: str, by: str, position: Position | None) -> Iterator[Reference]:
    if "references" not in text.lower() or "\\" in text or "$" in text:
        return  # escapes and dollar quotes are read in another way by each engine
    for found in _REFERENCES.finditer(_QUOTED.sub("''", text)):
        columns = _plain(map(_bare, split_list(found["columns"] or "")))
        yield Reference(table=_unquoted(found["table"]), columns=columns, by=by, position=position)


def _unquoted(name: str) -> str:
    return re.sub(r'["`]([^"`]*)["`]', r"\1", name)


def _constraint(table: Table, constraint: Constraint) -> Iterator[Reference]:
    by = f"{constraint.kind.replace('_', ' ') or 'constraint'} {constraint.name or ''}".strip() + f" of {table.name}"
    at = constraint.position
    if constraint.definition is not None:
        if constraint.kind == "foreign_key":
            yield from _in_text(constraint.definition, by, at)
        return
    yield Reference(table=table.name, columns=_plain(constraint.columns), by=by, position=at)
    if constraint.references:
        yield Reference(table=constraint.references, columns=_plain(constraint.reference_columns), by=by, position=at)


def _index(table: Table, index: Index) -> Iterator[Reference]:
    if index.definition is None:
        by = f"index {index.name or ''}".strip() + f" of {table.name}"
        yield Reference(table=table.name, columns=_plain(index.on), by=by, position=index.position)


def _plain(keys: Iterable[str]) -> tuple[str, ...]:
    """Those keys that are plain column names, without their order."""
    found = (_INDEX_KEY.fullmatch(key) for key in keys)
    return tuple(match[1] for match in found if match and match[1].casefold() not in _NO_COLUMNS)


def _rule_references(rules: Sequence[Rule]) -> Iterator[Reference]:
    for rule in rules:
        by = f"the rule on {', '.join(rule.columns)} of {rule.table}"
        yield Reference(table=rule.table, columns=rule.columns, by=by, position=rule.position)
        if rule.kind == "references":
            targets = rule.argument if isinstance(rule.argument, tuple) else (rule.argument,)
            for target in targets:
                table, _, column = str(target).rpartition(".")
                yield Reference(table=table, columns=(column,), by=by, position=rule.position)
