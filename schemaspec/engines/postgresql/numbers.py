"""The numbers that a sequence gives out: its settings, its bounds, and where it stands between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemaspec.engines.postgresql.facts import strings
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.schema import SchemaObject

_WHOLE = ("smallint", "integer", "bigint")
_USUAL = {
    "INCREMENT": "INCREMENT BY 1",
    "MINVALUE": "NO MINVALUE",
    "MAXVALUE": "NO MAXVALUE",
    "START": "START WITH 1",
    "CACHE": "CACHE 1",
    "CYCLE": "NO CYCLE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a sequence is told to give out.

    Args:
        type: the type of its numbers.
        options: what is not at its default, as `introspect_types.sequence_options` words it.
    """

    type: str
    options: tuple[str, ...]

    @property
    def descending(self) -> bool:
        """Whether it counts down."""
        return self._given.get("INCREMENT", "1").startswith("-")

    @property
    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest number."""
        limit = {"smallint": 2**15, "integer": 2**31}.get(self.type, 2**63)
        low, high = (-limit, -1) if self.descending else (1, limit - 1)
        return int(self._given.get("MINVALUE", low)), int(self._given.get("MAXVALUE", high))

    @property
    def settings(self) -> str:
        """All options, those at their default included."""
        given = {option.split()[0]: option for option in self.options}
        low, high = self.bounds
        usual = _USUAL | {"START": f"START WITH {high if self.descending else low}"}
        return " ".join(given.get(key, text) for key, text in usual.items())

    @property
    def _given(self) -> dict[str, str]:
        return {option.split()[0]: option.split()[-1] for option in self.options}


def numbers_of(item: SchemaObject) -> Numbers:
    """Those of a sequence, or of the one behind an identity column."""
    if item.id.kind == "sequence":
        return Numbers(type=str(item["type"]), options=strings(item, "options"))
    return Numbers(type=str(item.get("identity_type") or item["type"]), options=strings(item, "identity_options"))


def altered_settings(name: str, before: Numbers, after: Numbers, type: str = "") -> Iterator[str]:
    """ALTER SEQUENCE with all options, and what moves the sequence inside its new bounds first, where it may not be yet; they
    are refused otherwise.

    Args:
        name: the sequence, as SQL.
        type: `AS …` with a space behind it, where that changes, too.
    """
    (old_low, old_high), (low, high) = before.bounds, after.bounds
    apart = low > old_high or high < old_low
    restart = f" RESTART WITH {low if low > old_high else high}" if apart else ""
    if low > old_low and not apart:
        yield f"SELECT setval({literal(name)}, {low}, false) FROM {name} WHERE last_value < {low}"
    if high < old_high and not apart:
        yield f"SELECT setval({literal(name)}, {high}, false) FROM {name} WHERE last_value > {high}"
    yield f"ALTER SEQUENCE {name} {type}{after.settings}{restart}"


def set_to_last(sequence: str, column: SchemaObject, numbers: Numbers | None = None) -> Iterator[str]:
    """Sets a new sequence behind the last number that the column holds, as far as that is one of the sequence's own.

    Args:
        sequence: as SQL.
        column: a text that only has a number inside, say, tells nothing.
        numbers: what it gives out; None: as the identity column says.
    """
    if str(column["type"]) not in _WHOLE and not str(column["type"]).startswith("numeric"):
        return
    known = numbers or numbers_of(column)
    (low, high), name, table = known.bounds, identifier(column.id.name), dotted(column.id.owner)
    last = f"{'min' if known.descending else 'max'}({name})"
    value = last if column["type"] in _WHOLE else f"{last}::bigint"
    found = f"FROM {table} WHERE {name} BETWEEN {low} AND {high} HAVING {last} IS NOT NULL"
    yield f"SELECT setval({literal(sequence)}, {value}) {found}"
