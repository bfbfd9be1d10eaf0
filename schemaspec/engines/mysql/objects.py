"""What the catalogs tell, as objects of a schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemaspec.engines.mysql import show
from schemaspec.engines.mysql.defaults import COLLATION, KIND
from schemaspec.engines.mysql.features import LEASE_TABLE
from schemaspec.engines.mysql.words import unquote, without_qualifier
from schemaspec.model.schema import ObjectId, SchemaObject, Value

if TYPE_CHECKING:
    from schemaspec.engines.mysql.connect import MysqlConnection

_DEFINER = re.compile(
    r"""\bDEFINER\s*=\s*((?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|'[^']*'|[^\s@`"']+)(?:@(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|'[^']*'|[^\s`"']+))?)\s*"""
)
_VIEW = re.compile(
    r"CREATE\s+(?:ALGORITHM=(?P<algorithm>\w+)\s+)?(?:SQL SECURITY (?P<security>\w+)\s+)?VIEW\s+"
    r"(?P<name>`(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`)?)\s*(?P<columns>\((?:`(?:[^`]|``)*`|[,\s])*\)\s*)?AS\s+(?P<body>.*)",
    re.DOTALL,
)
_CHECK_OPTION = re.compile(r"\s+WITH (CASCADED|LOCAL) CHECK OPTION\s*\Z")
_SEQUENCE = re.compile(r"CREATE SEQUENCE `(?:[^`]|``)*`\s*(.*)", re.DOTALL)
_TABLE_NAME = re.compile(r"(?:\b(?:from|join|straight_join)|[(,])\s*\(*\s*`((?:[^`]|``)*)`(?![.(`])", re.IGNORECASE)
_FUNCTION_NAME = re.compile(r"`((?:[^`]|``)*)`\(")
_SEQUENCE_NAME = re.compile(
    r"\b(?:nextval|lastval|setval)\(\s*`((?:[^`]|``)*)`|\bnext value for\s+`((?:[^`]|``)*)`", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What objects have when they do not say otherwise."""

    database: str
    collation: str
    engine: str
    time_zone: str
    collations: Mapping[str, str]
    compare_definers: bool = False
    remembers_stated_collation: bool = False


class Reader:
    """Collects objects; those that depend on others learn it when all are known."""

    def __init__(self, facts: Facts, connection: MysqlConnection) -> None:
        self.facts = facts
        self._mode = connection.sql_mode
        self._user = connection.current_user
        self._collation = connection.collation
        self._own = tuple(dict.fromkeys((facts.database, connection.stands_for)))
        self._objects: list[SchemaObject] = []

    # --- in -----------------------------------------------------------------------------------------------------------

    def default(self, name: str, value: str) -> None:
        """What objects of the database have that do not say otherwise."""
        self._add(KIND, (name,), {"value": value})

    def shown(self, kind: str, name: str, text: str | None, sql_mode: str, message: str, collation: str = "") -> None:
        """What SHOW CREATE told of one object."""
        if name == LEASE_TABLE:
            return  # our own lock, not the user's
        if text is None:
            self._unmodelled(f"{kind.lower()} {name}", message)
        elif kind == "TABLE":
            self._objects += self._table(show.read_table(text), text)
        elif kind == "VIEW":
            self._view(name, text, collation)
        elif kind == "SEQUENCE":
            found = _SEQUENCE.match(text)
            definition = found[1].strip() if found else text
            self._add("sequence", (name,), {"definition": definition})
        elif kind in ("PROCEDURE", "FUNCTION"):
            self._routine(kind.lower(), name, text, sql_mode)
        else:
            self._unmodelled(f"{kind.lower()} {name}", text)

    def triggers(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of `triggers.sql`."""
        before: dict[tuple[str, str, str], str] = {}
        for name, table, timing, event, statement, _order, mode, definer in rows:
            group = (table, timing, event)
            attributes: dict[str, Value] = {
                "timing": timing,
                "event": event,
                "statement": _text(statement),
                "follows": before.get(group),
                **self._context(mode, None),
                **self._definer(definer),
            }
            needs = [ObjectId("table", (table,))]
            if group in before:
                needs.append(ObjectId("trigger", (table, before[group])))
            self._add("trigger", (table, name), attributes, notes=self._definer_note(definer), depends_on=needs)
            before[group] = name

    def events(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of `events.sql`."""
        for name, body, type, at, value, unit, starts, ends, status, completion, comment, mode, zone, definer in rows:
            if type == "ONE TIME":
                schedule = f"AT '{at}'"
            else:
                schedule = f"EVERY {value} {unit}"
                schedule += f" STARTS '{starts}'" if starts is not None else ""
                schedule += f" ENDS '{ends}'" if ends is not None else ""
            attributes: dict[str, Value] = {
                "schedule": schedule,
                "on_completion": completion,
                "status": status,
                "comment": comment or None,
                "statement": _text(body),
                **self._context(mode, zone),
                **self._definer(definer),
            }
            self._add("event", (name,), attributes, notes=self._definer_note(definer))

    # --- out ----------------------------------------------------------------------------------------------------------

    def finished(self) -> Iterator[SchemaObject]:
        """All objects, tables with what lives in them first, and what they depend on."""
        known = {item.id for item in self._objects}
        order = {KIND: 0, "sequence": 0, "function": 2, "procedure": 2, "view": 3, "trigger": 4, "event": 5}
        for item in sorted(self._objects, key=lambda item: order.get(item.id.kind, 1)):
            # What says no collation of its own is made with the database's.
            general = (COLLATION,) if len(item.id.path) == 1 else ()
            needs = dict.fromkeys((*item.depends_on, *_mentioned(item, known), *general))
            yield SchemaObject(
                id=item.id,
                attributes=item.attributes,
                notes=item.notes,
                depends_on=tuple(id for id in needs if id in known and id != item.id),
            )

    # --- one kind each ------------------------------------------------------------------------------------------------

    def _add(
        self,
        kind: str,
        path: tuple[str, ...],
        attributes: Mapping[str, Value],
        *,
        notes: Mapping[str, Value] | None = None,
        depends_on: Sequence[ObjectId] = (),
    ) -> None:
        kept = {key: value for key, value in attributes.items() if value is not None}
        self._objects.append(
            SchemaObject(id=ObjectId(kind, path), attributes=kept, notes=notes or {}, depends_on=tuple(depends_on))
        )

    def _unmodelled(self, name: str, text: str) -> None:
        self._add("unmodelled", (name,), {"definition": text})

    def _context(self, mode: str, zone: str | None) -> dict[str, Value]:
        """What a program remembers of the session that made it, where that is not what our own sessions have."""
        context: dict[str, Value] = {}
        if mode != self._mode:
            context["sql_mode"] = mode
        if zone is not None and zone != self.facts.time_zone:
            context["time_zone"] = zone
        return context

    def _definer(self, definer: str) -> dict[str, Value]:
        return {"definer": definer} if self.facts.compare_definers and definer != self._user else {}

    def _definer_note(self, definer: str) -> dict[str, Value]:
        return {"definer": definer} if definer and definer != self._user else {}

    def _routine(self, kind: str, name: str, text: str, mode: str) -> None:
        found = _DEFINER.search(text[:400])
        definer = _account(found[1]) if found else ""
        if found:
            text = text[: found.start()] + text[found.end() :]
        attributes = {"definition": text, **self._context(mode, None), **self._definer(definer)}
        self._add(kind, (name,), attributes, notes=self._definer_note(definer))

    def _view(self, name: str, text: str, collation: str) -> None:
        definer = _DEFINER.search(text)
        owner = _account(definer[1]) if definer else ""
        found = _VIEW.match(text[: definer.start()] + text[definer.end() :] if definer else text)
        if found is None:
            self._unmodelled(f"view {name}", text)
            return
        body = found["body"]
        option = _CHECK_OPTION.search(body)
        attributes: dict[str, Value] = {
            "algorithm": found["algorithm"] or "UNDEFINED",
            "security": found["security"] or "DEFINER",
            "columns": (found["columns"] or "").strip() or None,
            "definition": without_qualifier(body[: option.start()] if option else body, *self._own).strip(),
            "check_option": option[1] if option else None,
            **self._definer(owner),
        }
        notes = self._definer_note(owner)
        if collation and collation != self._collation:
            notes["collation_connection"] = collation
        self._add("view", (name,), attributes, notes=notes)

    def _table(self, table: show.ShownTable, text: str) -> Iterator[SchemaObject]:
        from schemaspec.engines.mysql.tables import TableReader

        return TableReader(table, self.facts, self._own, text).objects()


def _mentioned(item: SchemaObject, known: set[ObjectId]) -> Iterator[ObjectId]:
    """What the text of a view, or a column's default, needs."""
    if item.id.kind == "view":
        text = str(item.get("definition"))
        for name in _TABLE_NAME.findall(text):
            for kind in ("table", "view", "sequence"):
                id = ObjectId(kind, (unquote(f"`{name}`"),))
                if id in known:
                    yield id
        for name in _FUNCTION_NAME.findall(text):
            yield ObjectId("function", (unquote(f"`{name}`"),))
    elif item.id.kind == "column":
        for first, second in _SEQUENCE_NAME.findall(str(item.get("default") or "")):
            yield ObjectId("sequence", (unquote(f"`{first or second}`"),))


def _account(text: str) -> str:
    """user@host from a quoted account."""
    parts = re.findall(r"""`((?:[^`]|``)*)`|"((?:[^"]|"")*)"|'([^']*)'|([^\s@`"']+)""", text)
    return "@".join(next(filter(None, part), "") for part in parts)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
