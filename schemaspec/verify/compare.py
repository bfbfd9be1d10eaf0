"""The database against an earlier copy of it: what has changed in the schema, and which tables have lost rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.diff.words import definition, difference, subject, value_text
from schemaspec.model.change import Change
from schemaspec.model.history import comparable
from schemaspec.model.report import Finding
from schemaspec.verify.outcome import Verdict, joined, plural
from schemaspec.verify.rules.data import Data, count_rows
from schemaspec.verify.subject import Baseline, Subject

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine

_WORDS = {"create": "is new since then", "drop": "was there then, and is gone", "rename": "had another name then"}


def baseline_of(engine: Engine, connection: Connection, *, label: str) -> Baseline:
    """What an earlier copy holds.

    Args:
        connection: the copy, open for reading.
        label: what the user calls it, without secrets.
    """
    schema = engine.introspect(connection)
    tables = [table.id for table in schema.of_kind("table")]
    counts = count_rows(connection, engine.dialect, tables)
    return Baseline(label=label, schema=schema, counts={table.path: rows for table, rows in counts.items()})


def run(subject: Subject, data: Data) -> Verdict:
    """Compare. What changed may well be meant, so it is a warning, and new rows are only told."""
    if subject.baseline is None:
        return Verdict(message="there is no earlier copy to compare with", skipped=True)
    if subject.current is None or subject.connection is None:
        return Verdict(message="the schema is not known", skipped=True)
    before, now = comparable(subject.baseline.schema, subject.current)
    changes = diff(before, now, ignore=subject.spec.ignore)
    schema = tuple(finding for change in changes for finding in _change(subject, change))
    rows = tuple(_rows(subject, data))
    label = subject.baseline.label
    if not schema and not rows:
        return Verdict(message=f"the same schema and row counts as {label}")
    told = joined(
        (
            plural(len(changes), "difference") + " in the schema" if changes else "",
            plural(len(rows), "table") + " with other row counts" if rows else "",
        )
    )
    return Verdict(message=f"since {label}: {told}", findings=(*schema, *rows))


def _change(subject_: Subject, change: Change) -> Iterator[Finding]:
    object_, where = subject_.display(change.id.path), subject_.position(change.id)
    if change.action != "alter":
        yield Finding(
            code=f"compare.{change.id.kind}_{'new' if change.action == 'create' else 'gone'}",
            severity="warn",
            object=object_,
            message=f"{subject(change.id, subject_.display)} {_WORDS[change.action]}",
            expected=definition(change.before) if change.before else "",
            actual=definition(change.after) if change.after else "",
            where=where,
        )
        return
    for item in change.attributes:
        yield Finding(
            code=f"compare.{change.id.kind}_{item.name}",
            severity="warn",
            object=object_,
            message=difference(change.id, item, subject_.display).replace(", expected ", ", was ").replace(" is ", " became "),
            expected=value_text(item.name, item.before),
            actual=value_text(item.name, item.after),
            where=where,
        )


def _rows(subject_: Subject, data: Data) -> Iterator[Finding]:
    assert subject_.baseline is not None
    assert subject_.connection is not None
    rows = data.rows
    if not rows and subject_.current is not None:
        rows = count_rows(subject_.connection, subject_.engine.dialect, [item.id for item in subject_.current.of_kind("table")])
    for table, now in rows.items():
        before = subject_.baseline.counts.get(table.path)
        if before is None or before == now:
            continue
        name = subject_.display(table.path)
        lost = now < before
        yield Finding(
            code="compare.rows_lost" if lost else "compare.rows_added",
            severity="warn" if lost else "info",
            object=name,
            message=f"{name} had {plural(before, 'row')} then, and has {now:,} now",
            expected=plural(before, "row"),
            actual=plural(now, "row"),
            fix="restore the copy if they should not be gone: `schemaspec backup restore`" if lost else "",
        )
