"""What is dangerous about migrations: measured on a scratch clone, and read from the schema before and after each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.engines.abilities import Foresees, ShutsOut
from schemaspec.errors import SchemaspecError
from schemaspec.migrate.accept import without_accepted
from schemaspec.migrate.actions import Prepared, Source, leaves_rows
from schemaspec.migrate.held import Observed, counted, held
from schemaspec.migrate.job import Job
from schemaspec.migrate.remaining import remaining
from schemaspec.migrate.replay import run_in_scratch
from schemaspec.migrate.values import altered_values
from schemaspec.migrate.work import Work
from schemaspec.model.change import Change
from schemaspec.model.history import is_history, without_history
from schemaspec.model.migration import Migration, Operation, PythonCall
from schemaspec.model.plan import Hazard, Statement
from schemaspec.model.schema import ObjectId
from schemaspec.plan.clone import clone
from schemaspec.plan.hazards import sized
from schemaspec.plan.inside import ask_inside
from schemaspec.plan.live import Live
from schemaspec.plan.losses import losses
from schemaspec.plan.tally import Tally

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.schema import Schema
    from schemaspec.plan.operations import OperationPlan

Path = tuple[str, ...]
_REMOVES = re.compile(r"\b(?:drop|rename|change)\b", re.IGNORECASE)
_RENAMING = re.compile(r"\s*alter\s+(?:table|view|materialized\s+view|schema)\b.*\brename\b", re.IGNORECASE | re.DOTALL)
_NAMED = ("schema", "table", "view", "materialized_view", "column")
_RENAMES = re.compile(r"\b(?:rename|change)\b", re.IGNORECASE)
_HARMLESS = re.compile(r"\s*(?:create\s+(?:temp(?:orary)?\s+)?(?:table|view|sequence|type|domain)|insert)\b", re.IGNORECASE)


def hazards_of(
    engine: Engine,
    connection: Connection,
    migrations: Sequence[Migration],
    *,
    types: Mapping[str, str] = MappingProxyType({}),
    scratch_url: str | None = None,
) -> tuple[Hazard, ...]:
    """What is dangerous about pending migrations; what a migration allows itself blocks no more, and is only told.

    They are run on a scratch clone without rows, where the engine measures every statement (locks, rewrites). What is gone
    from the schema afterwards is counted on the live database. What concerns tables that are empty, or that are not there
    yet, is no hazard. Python functions are not called; where later statements need what they do, the rest stays unmeasured
    and a hazard that does not block says so. Of a migration that stopped half-way, what is left of it is looked at.

    Args:
        connection: the live database; it is only read.
        migrations: the pending ones, in order.

    Raises:
        DatabaseError: no scratch database can be made.
    """
    jobs = [(Job.up(migration), frozenset(migration.allow)) for migration in migrations]
    return _reviewed(engine, connection, jobs, types, scratch_url)


def hazards_of_way_back(
    engine: Engine,
    connection: Connection,
    jobs: Sequence[Job],
    *,
    types: Mapping[str, str] = MappingProxyType({}),
    scratch_url: str | None = None,
) -> tuple[Hazard, ...]:
    """What is dangerous about taking migrations back; see `hazards_of`.

    Args:
        jobs: the ways back, in order.

    Raises:
        DatabaseError: no scratch database can be made.
    """
    return _reviewed(engine, connection, [(job, frozenset()) for job in jobs], types, scratch_url)


def _reviewed(
    engine: Engine,
    connection: Connection,
    jobs: Sequence[tuple[Job, frozenset[str]]],
    types: Mapping[str, str],
    scratch_url: str | None,
) -> tuple[Hazard, ...]:
    live = engine.introspect(connection)
    if not any(item for item in live.of_kind("table") if not is_history(item.id)):
        return ()
    review = _Review(engine=engine, connection=connection, live=live)
    with (
        engine.scratch(connection.url, scratch_url=scratch_url) as scratch,
        closing(
            Work(
                engine=engine,
                connection=scratch,
                types=types,
                live=False,
                check=False,
                observe=review.observe,
                scratch_url=scratch_url,
            )
        ) as work,
    ):
        clone(engine, scratch, live)
        for job, allowed in jobs:
            if not review.job(work, remaining(engine, connection, job), allowed):
                break
    return tuple(dict.fromkeys(review.found))


@dataclass(slots=True, kw_only=True)
class _Review:
    """The hazards found so far."""

    engine: Engine
    connection: Connection
    live: Schema
    found: list[Hazard] = field(default_factory=list)
    _observed: list[Observed] = field(default_factory=list)
    _seen: bool = True
    """Whether the values in the live tables are still those that the next step will meet, as far as is known."""
    _renames: list[tuple[Path, Path]] = field(default_factory=list)
    """What the statements of the job renamed, in order: paths of tables and columns, before and after."""
    _work: Work | None = None

    def observe(self, statement: Statement) -> None:
        assert self._work is not None
        connection = self._work.connection
        if _HARMLESS.match(statement.sql):
            connection.execute(statement.sql)
            return
        before = self.engine.introspect(connection) if _RENAMING.match(statement.sql) else None
        foreseen = self.engine.foreseen(self.connection, connection, statement) if isinstance(self.engine, Foresees) else ()
        measured = self.engine.measure(connection, statement)
        self._observed.append(
            Observed(
                sql=statement.sql,
                hazards=(*foreseen, *statement.hazards, *measured),
                shut=self.engine.shut(connection) if isinstance(self.engine, ShutsOut) else frozenset(),
                transactional=statement.transactional and not statement.repeat,
            )
        )
        if before is not None:
            self._renames += _moves(before, self.engine.introspect(connection))

    def job(self, work: Work, job: Job, allowed: frozenset[str]) -> bool:
        """Look at one job. False when it does not run in scratch, so that there is no going on."""
        self._work, self._observed, self._renames = work, [], []
        whole = job.split(self.engine)
        job = replace(whole, sources=tuple(s for s in whole.sources if not isinstance(s, PythonCall)))
        text = "\n".join(job.texts)
        before = without_history(work.current()) if _REMOVES.search(text) else None
        try:
            self._run(work, job)
        except SchemaspecError as error:
            message = f"what {job.name} does, and what comes after it, can't be measured: {error.why or error.what}"
            self.found.append(Hazard(code="unmeasured", object=str(job.version), message=message, blocking=False))
            return False
        hazards = [*self._on_rows(job), *self._names_gone(), *self._altered(whole.sources, work.plans)]
        if before is not None:
            hazards += self._losses(before, without_history(work.current()), renames=_RENAMES.search(text) is not None)
        where = f"{job.position}: " if job.position else ""
        told = (replace(hazard, message=f"{where}{job.name}: {hazard.message}") for hazard in counted(hazards))
        self.found += without_accepted(told, allowed)
        return True

    def _run(self, work: Work, job: Job) -> None:
        if self.engine.features.batch_transaction:
            run_in_scratch(work, job)
            return
        # Each by itself: what a statement locks is only seen in a transaction of its own.
        work.plans.clear()
        for source in job.sources:
            for piece in work.pieces(source):
                work.run(piece, job)

    def _on_rows(self, job: Job) -> Iterator[Hazard]:
        """What was measured, with the size of its table; not what is about a table that is empty or not there yet."""
        live = Live(self.engine, self.connection, self.live, self.live, ())
        tables = {self.engine.dialect.display(item.id.path): item.id for item in self.live.of_kind("table")}
        found = [replace(item, hazards=tuple(_sized(item.hazards, live, tables))) for item in self._observed]
        yield from (hazard for item in found for hazard in item.hazards)
        together = not job.in_steps(self.engine) and all(item.transactional for item in found)
        if together and not self.engine.features.batch_transaction:
            yield from held(found, lambda name: name in tables and live.has_rows(tables[name]))

    def _names_gone(self) -> Iterator[Hazard]:
        """Tables, columns, views and schemas that programs still look for under the names which they have now."""
        live = Live(self.engine, self.connection, self.live, self.live, ())
        for old, _ in self._renames:
            item = next((ObjectId(kind, old) for kind in _NAMED if ObjectId(kind, old) in self.live), None)
            if item is not None and (item.kind not in ("table", "column") or _holds_rows(live, item)):
                name = live.name(item)
                yield Hazard(
                    code=f"rename_{item.kind}",
                    object=name,
                    message=f"from then on nobody finds {name} under its old name",
                    safer="add the new name beside the old one, move the programs, then drop the old one in a later release",
                    blocking=False,
                )

    def _altered(self, sources: Sequence[Source], plans: Sequence[OperationPlan]) -> Iterator[Hazard]:
        """Values that operations would make others of, as far as it can be told now: just before each, it is asked again."""
        worked_out = iter(plans)
        for source in sources:
            if isinstance(source, Operation):
                plan = next(worked_out)
                if self._seen and plan.start is not None and plan.goal is not None:
                    yield from altered_values(self.engine, self.connection, plan.start, plan.goal, now=self.live)
                self._seen &= plan.goal is not None or all(map(leaves_rows, plan.up))
            else:
                self._seen &= isinstance(source, Prepared) and all(map(leaves_rows, source.statements))

    def _losses(self, before: Schema, after: Schema, *, renames: bool) -> Iterator[Hazard]:
        changes = diff(before, after)
        created = [change for change in changes if change.action == "create"]
        gone = [
            left
            for change in changes
            if change.action == "drop"
            and change.id.kind in ("table", "virtual_table", "column")
            and change.id in self.live
            and not (renames and any(_renamed(change, other, before, after) for other in created))
            for left in self._left(change, before, after)
        ]
        seen = Live(self.engine, self.connection, self.live, after, ())
        yield from (hazard for _, hazard in losses(seen, gone))
        tally = Tally(seen)
        ask_inside(seen, tally, [change for change in changes if change.id.kind == "composite" and change.id in self.live])
        yield from (hazard for _, hazard in tally.hazards())

    def _left(self, gone: Change, before: Schema, after: Schema) -> Iterator[Change]:
        """What is really lost of something that is not there any more under its name."""
        if ObjectId(gone.id.kind, self._now(gone.id.path)) not in after:
            yield gone
            return
        for column in before.children(gone.id.path, "column") if gone.id.kind != "column" else ():
            if ObjectId("column", self._now(column.id.path)) not in after:
                yield Change(action="drop", id=column.id, before=column)

    def _now(self, path: Path) -> Path:
        """What it is called after the renames."""
        for old, new in self._renames:
            if path[: len(old)] == old:
                path = new + path[len(old) :]
        return path


def _holds_rows(live: Live, item: ObjectId) -> bool:
    table = live.table_of(item) if item.kind == "column" else item
    return table is not None and live.has_rows(table)


def _sized(hazards: Iterable[Hazard], live: Live, tables: Mapping[str, ObjectId]) -> Iterator[Hazard]:
    for hazard in hazards:
        if hazard.code in ("drop_table", "drop_column"):
            continue  # counted on the live database afterwards
        name = hazard.object
        while name and name not in tables:
            name = name.rpartition(".")[0]
        if not name:
            yield hazard
        elif live.has_rows(tables[name]) and (known := sized(live, hazard, tables[name])) is not None:
            yield known


def _moves(before: Schema, after: Schema) -> Iterator[tuple[Path, Path]]:
    """The one object that a statement gave another name: what others are in goes first."""
    for kind in _NAMED:
        old = [item.id.path for item in before.of_kind(kind) if item.id not in after]
        new = [item.id.path for item in after.of_kind(kind) if item.id not in before]
        if old or new:
            if len(old) == len(new) == 1:
                yield old[0], new[0]
            return


def _renamed(gone: Change, new: Change, before: Schema, after: Schema) -> bool:
    """Whether something new has all that something gone had, so that the migration's RENAME is what happened."""
    if gone.id.kind != new.id.kind:
        return False
    if gone.id.kind == "column":
        old, same = gone.before, gone.id.owner == new.id.owner
        return same and old is not None and new.after is not None and old.attributes == new.after.attributes
    columns = {item.id.name for item in before.children(gone.id.path, "column")}
    return columns == {item.id.name for item in after.children(new.id.path, "column")}
