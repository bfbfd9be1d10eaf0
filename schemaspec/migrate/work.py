"""One migration's work on one database, in whatever way the engine allows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast

from schemaspec.engines.abilities import Held, Holds, Limits, Watches
from schemaspec.engines.common.batches import next_batch
from schemaspec.errors import RefusedError, SchemaspecError, StatementError
from schemaspec.migrate import actions
from schemaspec.migrate.accept import in_words, refuse_hazards
from schemaspec.migrate.actions import Call, Piece, Prepared, Source
from schemaspec.migrate.expectations import unmet
from schemaspec.migrate.guard import DriverGuard
from schemaspec.migrate.job import Job
from schemaspec.migrate.outcome import Event, EventKind, Listener
from schemaspec.migrate.scratches import SharedScratch
from schemaspec.model.migration import Operation
from schemaspec.model.plan import Hazard, Statement
from schemaspec.model.url import redact

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.migration import Expectation
    from schemaspec.model.schema import Schema
    from schemaspec.plan.operations import OperationPlan


_ASKED_EVERY = 200
"""After so many statements it is asked again whether the transaction can take more."""
_CROWDED = (
    "takes more locks than one transaction can have on this server (max_locks_per_transaction), so it runs in recorded steps; "
    "should one fail, those before it stay done, and the next run goes on from there"
)


class PieceError(SchemaspecError):
    """One statement, function or check of a migration failed. `piece` is None for a check.

    `uncertain`: its transaction was ended inside it, and nobody knows what was committed.
    """

    exit_code = 4
    uncertain = False

    def __init__(self, what: str, *, piece: Piece | None, where: object = None, why: str | None = None, fix: str | None = None):
        super().__init__(what, where=where, why=why, fix=fix)
        self.piece = piece


class Boundary(BaseException):
    """Raised inside a transaction that turns out to be of the wrong kind for the migration, so that it is begun again.

    Not an Exception: no handler of errors may swallow it.
    """

    def __init__(self, *, steps: bool = False, foreign_keys: bool = True, why: str = "") -> None:
        super().__init__()
        self.steps = steps
        self.foreign_keys = foreign_keys
        self.why = why


@dataclass(slots=True, kw_only=True)
class Work:
    """A connection with all that is needed to run migrations on it.

    Args:
        live: a real database: statements are run with the engine's lock timeouts and retries.
        check: whether `requires` and `verify` are asked (not on a clone without data).
        observe: runs a statement instead, and looks at what it does.
        scratch_url: where scratch databases are made; None for the database's own server.
        allow: codes of hazards that were accepted for the whole run.
        orphans: how many rows may newly violate a foreign key where none are enforced, see `Engine.exclusive`.
        plans: the operations of the migration that was run last, as they were worked out.
        place: where the next batch begins, of a statement that is run in batches.
    """

    engine: Engine
    connection: Connection
    types: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    allow_python: bool = False
    live: bool = True
    check: bool = True
    timeout: float = 60.0
    listener: Listener | None = None
    observe: Callable[[Statement], object] | None = None
    plans: list[OperationPlan] = field(default_factory=list)
    scratch_url: str | None = None
    allow: frozenset[str] = frozenset()
    orphans: int = 0
    place: str = ""
    _schema: Schema | None = None
    _scratches: SharedScratch | None = None

    def close(self) -> None:
        """Remove the scratch database that operations were read in, if there is one."""
        if self._scratches is not None:
            self._scratches.close()

    def tell(self, kind: EventKind, job: Job | None = None, message: str = "", **numbers: int) -> None:
        """Tell the listener, if there is one."""
        if self.listener is not None:
            version, description = (job.version, job.description) if job else (0, "")
            self.listener(Event(kind=kind, version=version, description=description, message=message, **numbers))

    def tell_hazards(self, hazards: Iterable[Hazard]) -> None:
        """Tell of what is dangerous and does not stop the run."""
        for hazard in hazards:
            self.tell("hazard", message=in_words(hazard))

    def current(self) -> Schema:
        """The schema as it is now; asked for again only after something was run."""
        if self._schema is None:
            self._schema = self.engine.introspect(self.connection)
        return self._schema

    def forget(self) -> None:
        """The schema may have changed."""
        self._schema = None

    def pieces(self, source: Source) -> tuple[Piece, ...]:
        """What an action runs now; of an operation, how to undo it is kept in `plans`.

        Raises:
            InputError, UnsupportedError, RefusedError: it can't be worked out, or is Python that was not allowed.
        """
        if not isinstance(source, Operation):
            return actions.pieces(self.engine, source, allow_python=self.allow_python)
        from schemaspec.plan.operations import operation_statements

        reader = cast("Engine", self._reader())
        plan = operation_statements(
            reader, source, self.current(), self.types, url=self.connection.url, scratch_url=self.scratch_url
        )
        self.plans.append(plan)
        return plan.up

    def _reader(self) -> SharedScratch:
        if self._scratches is None:
            self._scratches = SharedScratch(self.engine)
        return self._scratches

    def ready_for_operations(self) -> None:
        """Make the scratch database that operations are worked out in.

        Raises:
            DatabaseError: none can be made.
        """
        with self._reader().scratch(self.connection.url, scratch_url=self.scratch_url):
            pass

    def spare_values(self, source: Source, job: Job) -> None:
        """Stop before an action that would silently make other values of those that are there now, unless it was accepted.

        Asked just before it runs: by then the steps before it have seen to the values that they were written for.

        Args:
            source: what `pieces` was asked for last.

        Raises:
            RefusedError: names the hazards that were not accepted.
        """
        goal, position = None, job.position
        if isinstance(source, Operation):
            goal, position = self.plans[-1].goal, source.position or position
        elif isinstance(source, Prepared):
            goal = source.goal
        if goal is None or not self.live:
            return
        from schemaspec.migrate.values import accepted, altered_values

        allow = self.allow | job.allow
        if accepted(allow):
            return
        found = altered_values(self.engine, self.connection, self.current(), goal)
        try:
            refuse_hazards(found, allow, in_file=job.direction == "up")
        except RefusedError as error:
            error.where = str(position) if position else None
            raise

    def run(self, piece: Piece, job: Job, *, can_restart: bool = False) -> bool:
        """Run one statement or function.

        Args:
            can_restart: whether the transaction can be begun again without foreign keys.

        Returns:
            whether it has to be run again: a batch that touched rows.

        Raises:
            PieceError: it failed.
            Boundary: a function has to be run without foreign keys, and the transaction can be begun again.
        """
        try:
            if isinstance(piece, Call):
                self.tell("statement", job, f"-- python: {piece.target}")
                self._call(piece, job, can_restart=can_restart)
                return False
            self.tell("statement", job, piece.sql)
            if self.observe is not None:
                self.observe(piece)
            elif piece.repeat:
                found = next_batch(self.engine, self.connection, piece, self.place)
                self.place = found or ""
                return found is not None
            elif self.live:
                self.engine.run(self.connection, piece)
            else:
                self.connection.execute(piece.sql)
            return False
        except StatementError as error:
            raise PieceError(
                "the database refused a statement",
                piece=piece,
                where=piece.position or job.position,
                why=f"{error.why or error.what} [{_shortened(error.statement)}]",
                fix=error.fix,
            ) from error
        except SchemaspecError:
            raise
        finally:
            self.forget()

    def _call(self, piece: Call, job: Job, *, can_restart: bool) -> None:
        """Run a function, which must leave the transaction open that it is in."""
        inside, connection = self.connection.in_transaction, self.connection
        with (
            connection.held() if inside and isinstance(connection, Holds) else nullcontext() as held,
            connection.watched() if inside and isinstance(connection, Watches) else nullcontext() as watched,
        ):
            error = _error_of(piece, DriverGuard(connection.driver, self.engine.dialect))
        if held is not None and held.endangered and can_restart:
            raise Boundary(foreign_keys=False)  # even if it went on after the refusal
        ended = inside and (not connection.in_transaction or (watched is not None and watched.ended))
        by_ddl = ended and watched is not None and watched.by_ddl
        if error is None and not (ended or (held is not None and (held.endangered or held.refused))):
            return
        if error is None and by_ddl:
            return  # there is no other way to run DDL on this engine
        what, why, fix = _blame(piece, error, held, "ddl" if by_ddl else "itself" if ended else "")
        fault = PieceError(what, piece=piece, where=piece.position or job.position, why=why, fix=fix)
        fault.uncertain = ended and held is None
        raise fault from error

    def expect(self, expectations: Sequence[Expectation], job: Job, *, after: bool) -> None:
        """Ask the `requires` or the `verify` of a migration.

        Raises:
            PieceError: one is not met.
        """
        if not self.check:
            return
        for expectation in expectations:
            wrong = unmet(self.connection, expectation)
            if wrong:
                what = "a check after the migration is not met" if after else "what the migration requires is not so"
                raise PieceError(what, piece=None, where=expectation.position or job.position, why=redact(wrong))

    def lock(self, *, foreign_keys: bool = True) -> AbstractContextManager[None]:
        """The migration lock, see `Engine.exclusive`."""
        return self.engine.exclusive(self.connection, timeout=self.timeout, foreign_keys=foreign_keys, orphans=self.orphans)

    @contextmanager
    def atomic(self, *, foreign_keys: bool = True) -> Iterator[None]:
        """A transaction of its own: on engines whose lock is one, the lock is taken for it."""
        if self.engine.features.batch_transaction:
            with self.lock(foreign_keys=foreign_keys):
                yield
        else:
            with self.connection.transaction():
                yield

    def straight(self, job: Job, *, foreign_keys: bool) -> None:
        """Run the whole job inside the transaction that is open.

        Raises:
            Boundary: it needs another kind of transaction, or none.
            PieceError: something failed.
        """
        self.plans.clear()
        self.expect(job.requires, job, after=False)
        batch, done = self.engine.features.batch_transaction, 0
        for source in job.sources:
            found = self.pieces(source)
            self.spare_values(source, job)
            for piece in found:
                if not actions.is_atomic(self.engine, piece) or (actions.is_repeated(piece) and not batch):
                    raise Boundary(steps=True)
                if batch and foreign_keys and not actions.keeps_foreign_keys(piece):
                    raise Boundary(foreign_keys=False)
                while self.run(piece, job, can_restart=batch and foreign_keys):
                    pass
                done += 1
                if done % _ASKED_EVERY == 0 and isinstance(self.engine, Limits) and self.engine.crowded(self.connection):
                    raise Boundary(steps=True, why=f"{job.name} {_CROWDED}")
        self.expect(job.verify, job, after=True)

    def unrecorded(self, job: Job) -> None:
        """Run the job on a database that nobody else sees, without history and journal, otherwise as on a live one.

        Raises:
            PieceError: something failed.
        """
        foreign_keys, steps = job.foreign_keys, job.in_steps(self.engine)
        while not steps:
            try:
                with self.atomic(foreign_keys=foreign_keys):
                    self.straight(job, foreign_keys=foreign_keys)
            except Boundary as boundary:
                self.forget()  # what was run so far is rolled back
                foreign_keys, steps = foreign_keys and boundary.foreign_keys, boundary.steps
            else:
                return
        self.plans.clear()
        self.expect(job.requires, job, after=False)
        for source in job.sources:
            for unit in actions.units(self.engine, self.pieces(source), together=not actions.is_written(source)):
                with self.atomic(foreign_keys=unit.foreign_keys) if unit.atomic else nullcontext():
                    for piece in unit.pieces:
                        while self.run(piece, job):
                            pass
        self.expect(job.verify, job, after=True)


def _error_of(piece: Call, driver: DriverGuard) -> Exception | SystemExit | None:
    """Run the function; what it raised, unless that is an error of our own."""
    try:
        piece.function(driver)
    except SchemaspecError:
        raise
    except (Exception, SystemExit) as error:
        return error
    return None


def _blame(
    piece: Call, error: BaseException | None, held: Held | None, ended: Literal["", "ddl", "itself"]
) -> tuple[str, str, str | None]:
    """What a function did wrong, why, and how to mend it; `ended` is what ended the transaction, if anything did."""
    what = f"the function {piece.target} failed"
    told = redact(f"{type(error).__name__}: {error}") if error else ""
    if ended == "ddl":
        why = f"{told}; a statement of it that can't be rolled back committed what came before"
        return what, why, "look at what it did and put it right, or let it skip what is done; then run the command again"
    if ended:
        what = f"the function {piece.target} ended the transaction that it ran in"
        why = told or "it committed or rolled back by itself"
        return what, why, "look at what it did, put it right, and take COMMIT and ROLLBACK out of the function"
    if held is not None and held.endangered:
        why = "foreign keys are enforced: the table that it drops would take the rows with it that refer to it"
        return what, why, "take `transaction: false` away; the rows are checked at the end instead then"
    if held is not None and held.refused:
        fix = f"take {held.refused} out of it: the runner commits the migration with its history row"
        return what, f"it tried to {held.refused}", fix
    return what, told, None


class Clock:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def ms(self) -> int:
        """Milliseconds since it was made."""
        return round((time.monotonic() - self._start) * 1000)


def _shortened(sql: str) -> str:
    text = redact(" ".join(sql.split()))
    return text if len(text) <= 300 else text[:299] + "…"
