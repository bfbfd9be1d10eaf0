"""Migrations run from empty in scratch: what schema they lead to, and whether each finds its way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from schemaspec.diff.compare import diff
from schemaspec.diff.policy import differences as differences_of
from schemaspec.errors import SchemaspecError
from schemaspec.migrate import history
from schemaspec.migrate.job import Job
from schemaspec.migrate.state import ordered
from schemaspec.migrate.way_back import Irreversible, way_back
from schemaspec.migrate.work import Work
from schemaspec.model.history import comparable, without_history
from schemaspec.model.position import Position
from schemaspec.plan.clone import clone

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.change import Change
    from schemaspec.model.migration import Migration
    from schemaspec.model.schema import ObjectId, Schema
    from schemaspec.model.spec import Spec
    from schemaspec.model.url import DatabaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedMigration:
    """What became of one migration in a test: `irreversible` ones were only run forward."""

    version: int
    description: str
    status: Literal["pass", "fail", "irreversible"]
    position: Position | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What became of all of them.

    Args:
        migrations: those that were run, in order; the last one failed, if one did.
        differences: what differs between the schema at the end and the spec's.
        astray: the first migration that goes astray: the one that fails, or the last one that touched something that
            does not end as the spec says. None when all is well, or when the spec asks for what no migration touched.
        message: what is wrong, in one sentence; "" when nothing is.
        schema: the schema that they lead to; None when one failed.
    """

    migrations: tuple[TestedMigration, ...]
    differences: tuple[Change, ...] = ()
    astray: TestedMigration | None = None
    message: str = ""
    schema: Schema | None = None

    @property
    def passed(self) -> bool:
        """Whether every migration runs, finds back, and the end is what the spec says."""
        return not self.message


def replay(
    engine: Engine,
    migrations: Iterable[Migration],
    connection: Connection,
    *,
    types: Mapping[str, str] = MappingProxyType({}),
    allow_python: bool = False,
    check: bool = False,
    scratch_url: str | None = None,
) -> Schema:
    """Run migrations in an empty scratch database.

    Args:
        connection: the scratch database.
        check: whether `requires` and `verify` are asked.
        scratch_url: where further scratch databases are made, for operations; None for the connection's own server.

    Returns:
        the schema that they lead to, without the history table unless a migration makes it.

    Raises:
        SchemaspecError: one fails; with its position.
    """
    work = Work(
        engine=engine,
        connection=connection,
        types=types,
        allow_python=allow_python,
        live=False,
        check=check,
        scratch_url=scratch_url,
    )
    with closing(work):
        for migration in ordered(migrations):
            run_in_scratch(work, Job.up(migration))
        return work.current()


def run_in_scratch(work: Work, job: Job) -> None:
    """Run one job in scratch. A migration that writes into the history table finds one there."""
    job = job.split(work.engine)
    if job.mentions_history and not any(history.creates_it(text) for text in job.texts):
        known = history.read(work.engine, work.connection, schema=work.current())
        if not known.exists:
            work.connection.execute(history.create_statement(work.engine))
            work.forget()
    work.unrecorded(job)


def test_migrations(
    engine: Engine,
    migrations: Sequence[Migration],
    desired: Schema | None = None,
    *,
    spec: Spec | None = None,
    url: DatabaseUrl | None = None,
    types: Mapping[str, str] = MappingProxyType({}),
    allow_python: bool = False,
) -> TestResult:
    """Replay all migrations from empty, each up, down and up again.

    Args:
        desired: the spec's schema, that the end must equal; None leaves this out.
        spec: says what the end may have beside it, and where scratch databases are made.
        url: the live database, whose server a scratch database is made on; it is not touched.

    Raises:
        DatabaseError: no scratch database can be made.
    """
    done: list[TestedMigration] = []
    touched: dict[ObjectId, TestedMigration] = {}
    scratch_url = spec.scratch if spec else None
    with engine.scratch(url, scratch_url=scratch_url) as connection, ExitStack() as stack:
        work = Work(
            engine=engine,
            connection=connection,
            types=types,
            allow_python=allow_python,
            live=False,
            scratch_url=scratch_url,
        )
        stack.callback(work.close)
        before = work.current()
        for migration in ordered(migrations):
            tested, after = _tested(work, migration, before)
            done.append(tested)
            if tested.status == "fail":
                return TestResult(migrations=tuple(done), astray=tested, message=_named(tested))
            touched |= {change.id: tested for change in diff(before, after)}
            before = after
    return _against(tuple(done), before, desired, touched, spec)


def test_on(
    engine: Engine,
    migration: Migration,
    start: Schema,
    desired: Schema,
    *,
    url: DatabaseUrl | None = None,
    scratch_url: str | None = None,
    types: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Run one migration up, down and up on a schema without rows.

    Args:
        start: the schema it is run on.
        desired: the schema that it must lead to.

    Returns:
        what goes astray, in a sentence; "" when nothing does.

    Raises:
        DatabaseError: no scratch database can be made.
    """
    with engine.scratch(url, scratch_url=scratch_url) as connection:
        fault = clone(engine, connection, start)
        if fault:
            return fault
        work = Work(engine=engine, connection=connection, types=types, allow_python=False, live=False, scratch_url=scratch_url)
        with closing(work):
            tested, end = _tested(work, migration, work.current())
    if tested.status == "fail":
        return tested.message
    differences = diff(*comparable(end, desired))
    return f"it does not lead to the spec: {told(differences)}" if differences else ""


def _tested(work: Work, migration: Migration, before: Schema) -> tuple[TestedMigration, Schema]:
    """Up, down, up; the second value is the schema afterwards."""

    def result(
        status: Literal["pass", "fail", "irreversible"], message: str = "", position: Position | None = None
    ) -> TestedMigration:
        return TestedMigration(
            version=migration.version,
            description=migration.description,
            status=status,
            position=position or migration.position,
            message=message,
        )

    after = before
    try:
        run_in_scratch(work, Job.up(migration))
        after = work.current()
        try:
            back = way_back(migration, tuple(work.plans))
        except Irreversible as error:
            return result("irreversible", error.what), after
        run_in_scratch(work, back)
        differences = diff(without_history(work.current()), without_history(before))
        if differences:
            return result("fail", f"its way back does not lead back: {told(differences)}"), after
        run_in_scratch(work, Job.up(migration))
        differences = diff(without_history(work.current()), without_history(after))
        if differences:
            return result("fail", f"run again after its way back it leads elsewhere: {told(differences)}"), after
    except SchemaspecError as error:
        return result("fail", str(error)), after
    return result("pass"), work.current()


def _against(
    done: tuple[TestedMigration, ...],
    end: Schema,
    desired: Schema | None,
    touched: Mapping[ObjectId, TestedMigration],
    spec: Spec | None,
) -> TestResult:
    differences = tuple(_unlike(end, desired, spec)) if desired is not None else ()
    if not differences:
        return TestResult(migrations=done, schema=end)
    guilty = [found for change in differences if (found := _who_touched(change.id, touched)) is not None]
    astray = min(guilty, key=lambda tested: tested.version) if guilty else None
    message = f"the migrations do not lead to the spec: {told(differences)}"
    if astray is not None:
        message += f"; the first to go astray is migration {astray.version} ({astray.description})"
    return TestResult(migrations=done, differences=differences, astray=astray, message=message, schema=end)


def _unlike(end: Schema, desired: Schema, spec: Spec | None) -> Iterator[Change]:
    """What differs, as far as it is more than the spec lets live beside it: that may be there, or not."""
    if spec is None:
        yield from diff(*comparable(end, desired))
    else:
        yield from (change for change, policy in differences_of(end, desired, spec) if policy == "fail")


def _who_touched(id: ObjectId, touched: Mapping[ObjectId, TestedMigration]) -> TestedMigration | None:
    """The last migration that touched the object, or else what it lives in, or something beside it in there."""
    if id in touched:
        return touched[id]
    near = [tested for other, tested in touched.items() if id.owner and other.path in (id.owner, (*id.owner, other.path[-1]))]
    return max(near, key=lambda tested: tested.version) if near else None


def told(differences: Sequence[Change], limit: int = 8) -> str:
    """Differences in a few words."""
    words = {"create": "missing", "drop": "too much", "alter": "differs", "rename": "has another name"}
    parts = [f"{change.id.kind} {change.id} {words[change.action]}" for change in differences[:limit]]
    parts += [f"and {len(differences) - limit} more"] if len(differences) > limit else []
    return ", ".join(parts)


def _named(tested: TestedMigration) -> str:
    return f"migration {tested.version} ({tested.description}) goes astray: {tested.message}"
