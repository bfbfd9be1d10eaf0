"""A plan, run on a copy of the database with its real data: how long each step takes, and what it does to the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from schemaspec.diff.policy import state
from schemaspec.engines.common.batches import run_batches
from schemaspec.errors import StatementError
from schemaspec.model.history import is_history
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import ORPHANS, Plan, Step
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.plan.clone import in_lock
from schemaspec.plan.content import Content, content
from schemaspec.plan.hazards import orphans_told
from schemaspec.plan.planner import check_fresh

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine, Progress
    from schemaspec.model.url import DatabaseUrl

Check = Callable[["Connection"], Sequence[str]]

_CHANGES_VALUES = frozenset({"not_null_violated", "value_conversion"})
"""Hazards of columns whose values a plan alters: NULLs take the default, values another type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedStep:
    """One step and how long its statements took, in seconds."""

    title: str
    statements: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOutcome:
    """What became of a table's rows.

    Args:
        table: its name for people, as it is called afterwards.
        before, after: how many rows.
        same: whether the rows are the same in all columns that the plan does not mean to change.
        left_out: columns that were not compared, because the plan changes their type, or tells that it changes values of theirs.
        meant: whether the plan changes the table; of others every column is compared.
    """

    table: str
    before: int
    after: int
    same: bool
    left_out: tuple[str, ...] = ()
    meant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came of a rehearsal.

    Args:
        steps: those that ran, in order.
        tables: the tables that were compared.
        faults: everything that is wrong, in sentences; empty when all is well.
        seconds: how long the steps took together, and `copy_seconds` how long the copy.
    """

    plan: Plan
    steps: tuple[TimedStep, ...]
    tables: tuple[TableOutcome, ...]
    faults: tuple[str, ...]
    seconds: float
    copy_seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def rehearse(
    engine: Engine,
    url: DatabaseUrl,
    plan: Plan,
    *,
    scratch_url: str | None = None,
    check: Check | None = None,
    progress: Progress | None = None,
) -> Rehearsal:
    """Copy the database, run the plan there, and compare. The database itself is only read.

    Args:
        scratch_url: a server for the copy.
        check: looks at the copy afterwards, and says what is wrong in sentences.
        progress: told how far the copy is.

    Raises:
        RefusedError: the database is not what the plan starts from.
        DatabaseError: no copy can be made.
    """
    began = perf_counter()
    with copies(engine, url, scratch_url, progress) as (kept, copy):
        copied = perf_counter() - began
        before = Side(engine, kept, engine.introspect(kept))
        check_fresh(plan, before.schema)
        known = _faults(engine, copy, before.schema, plan)
        steps, failure = _run(engine, copy, plan)
        if failure:
            return _result(plan, steps, (), (failure,), copied)
        after = Side(engine, copy, engine.introspect(copy))
        faults = [] if state(after.schema) == plan.end else ["the copy is not what the plan promised; see `schemaspec plan`"]
        faults += (_faults(engine, copy, after.schema, plan) - known).elements()
        tables = tuple(_compared(before, after, plan))
        faults += [_told(table) for table in tables if not table.same]
        faults += check(copy) if check is not None else ()
    return _result(plan, steps, tables, tuple(faults), copied)


def _result(
    plan: Plan, steps: tuple[TimedStep, ...], tables: tuple[TableOutcome, ...], faults: tuple[str, ...], copied: float
) -> Rehearsal:
    seconds = sum(step.seconds for step in steps)
    return Rehearsal(plan=plan, steps=steps, tables=tables, faults=faults, seconds=seconds, copy_seconds=copied)


@contextmanager
def copies(
    engine: Engine, url: DatabaseUrl, scratch_url: str | None, progress: Progress | None
) -> Iterator[tuple[Connection, Connection]]:
    """The database with its data twice, as it is and to work on; both gone afterwards."""
    from tempfile import TemporaryDirectory

    # A file is copied to its own folder, where there is room for such files, and nobody else may look.
    folder = str(Path(url.database).resolve().parent) if engine.features.file_based else None
    with TemporaryDirectory(prefix=".schemaspec-rehearsal-", dir=folder) as work:
        path = Path(work) / "copy"
        engine.copier.backup(url, path, progress=progress)
        with engine.copier.open(path, url, scratch_url=scratch_url) as kept, _worked_on(engine, url, path, scratch_url) as copy:
            yield kept, copy


@contextmanager
def _worked_on(engine: Engine, url: DatabaseUrl, path: Path, scratch_url: str | None) -> Iterator[Connection]:
    if engine.features.file_based:
        from shutil import copyfile

        target = path.with_name("work")
        copyfile(path, target)
        with closing(engine.connect(url.with_database(str(target)), mode="write")) as connection:
            yield connection
        return
    with engine.scratch(url, scratch_url=scratch_url) as scratch:
        engine.copier.restore(path, scratch.url)
        with closing(engine.connect(scratch.url, mode="write")) as connection:
            yield connection


def _run(engine: Engine, copy: Connection, plan: Plan) -> tuple[tuple[TimedStep, ...], str]:
    """The steps that ran, and why they did not go on."""
    timed: list[TimedStep] = []
    try:
        with in_lock(engine, copy, plan.statements, orphans=orphans_told(plan)):
            for step in plan.steps:
                began = perf_counter()
                for statement in step.statements:
                    if statement.repeat:
                        run_batches(engine, copy, statement)
                    else:
                        engine.run(copy, statement)
                timed.append(_timed(step, perf_counter() - began))
    except StatementError as error:
        return tuple(timed), f"step {len(timed) + 1} of {len(plan.steps)} fails: {error.why or error.what}"
    return tuple(timed), ""


def _timed(step: Step, seconds: float) -> TimedStep:
    title = f"{step.action} {KINDS[step.id.kind].title} {step.id}"
    return TimedStep(title=title, statements=tuple(statement.sql for statement in step.statements), seconds=seconds)


def _renamed(plan: Plan) -> dict[ObjectId, ObjectId]:
    """What each renamed table or column was called before all of it, by its new identity."""
    found: dict[ObjectId, ObjectId] = {}
    for step in plan.steps:
        if step.action == "rename":
            known = [change.before.id for change in step.changes if change.before is not None]
            old = next((id for id in (*known, *step.drops) if id.kind == step.id.kind and id != step.id), None)
            if old is not None:
                found[step.id] = found.pop(old, old)
    return found


@dataclass(frozen=True, slots=True)
class Side:
    """A database before or after what is rehearsed."""

    engine: Engine
    connection: Connection
    schema: Schema

    def columns(self, table: ObjectId) -> dict[str, object]:
        """Names and types of the table's columns."""
        return {item.id.name: item.get("type") for item in self.schema.children(table.path, "column")}

    def content(self, table: ObjectId, columns: Sequence[str]) -> Content:
        """Rows and hash of these columns."""
        return content(self.engine, self.connection, self.schema, table, columns)


def _compared(before: Side, after: Side, plan: Plan) -> Iterator[TableOutcome]:
    """Every table that was there before and still is."""
    renamed = _renamed(plan)
    meant = {id.path[:-1] if KINDS[id.kind].parent else id.path for step in plan.steps for id in (step.id, *step.creates)}
    told = {hazard.object for hazard in plan.all_hazards if hazard.code in _CHANGES_VALUES}
    gone = {id for step in plan.steps if step.action == "drop" for id in (step.id, *step.drops)}
    for table in sorted(after.schema.of_kind("table"), key=lambda item: item.id.path):
        old = renamed.get(table.id, table.id)
        if old in before.schema and old not in gone and not is_history(table.id):
            yield outcome(before, after, renamed, old, table.id, table.id.path in meant, told)


def outcome(
    before: Side,
    after: Side,
    renamed: Mapping[ObjectId, ObjectId],
    old: ObjectId,
    new: ObjectId,
    meant: bool,
    told: Collection[str] = (),
) -> TableOutcome:
    """Compare a table's rows in the columns that it has on both sides with the same type.

    Args:
        renamed: what was called otherwise before, by its new identity.
        old, new: the table before and after.
        meant: whether the table is to be changed.
        told: columns, as hazards call them, that are to have other values.
    """
    had, has = before.columns(old), after.columns(new)
    pairs = [(renamed.get(id := ObjectId("column", (*new.path, name)), id).name, name) for name in has]
    shared = [(was, now) for was, now in pairs if was in had]
    display = after.engine.dialect.display
    alike = [(was, now) for was, now in shared if had[was] == has[now] and display((*new.path, now)) not in told]
    first = before.content(old, [was for was, _ in alike])
    then = after.content(new, [now for _, now in alike])
    return TableOutcome(
        table=display(new.path),
        before=first.rows,
        after=then.rows,
        same=first == then,
        left_out=tuple(now for was, now in shared if (was, now) not in alike),
        meant=meant,
    )


def _told(table: TableOutcome) -> str:
    if table.before != table.after:
        return f"{table.table} has {table.after:,} rows afterwards, and had {table.before:,}"
    return f"rows of {table.table} have other values afterwards, in columns that the plan does not mean to change"


def _faults(engine: Engine, connection: Connection, schema: Schema, plan: Plan) -> Counter[str]:
    """What is wrong, without the orphans that the plan's own hazards tell of: these are for somebody to accept or not."""
    told = tuple(hazard.object for hazard in plan.all_hazards if hazard.code == ORPHANS)
    orphans = [
        fault
        for fault in engine.orphans(connection, schema)
        if not any(name.startswith(f"{fault.object.rpartition('.')[0]}.") for name in told)
    ]
    found = (*engine.integrity(connection), *orphans)
    return Counter(fault.message for fault in found if fault.severity == "fail")
