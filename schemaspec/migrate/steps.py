"""Migrations that can't be one transaction: step by step, each step recorded, resumed after a kill.

An atomic unit is committed together with the record that it is done. One that can't be is recorded before and after; when
the record after it is missing, the live schema tells whether it took effect.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Settles, begun_again
from schemaspec.engines.common.batches import rest
from schemaspec.errors import MigrationError, RefusedError, SchemaspecError
from schemaspec.migrate import actions, history, journal
from schemaspec.migrate.actions import Piece, Prepared, Source, Unit
from schemaspec.migrate.checksum import chained
from schemaspec.migrate.job import Job
from schemaspec.migrate.journal import Owner, Progress
from schemaspec.migrate.work import Clock, PieceError, Work
from schemaspec.model.plan import Statement
from schemaspec.model.url import redact

if TYPE_CHECKING:
    from schemaspec.migrate.history import History
    from schemaspec.model.migration import HistoryRow


class StepsError(MigrationError):
    """A migration in steps failed. `undone` says that the database is as it was before it."""

    def __init__(self, what: str, *, undone: bool, where: object = None, why: str | None = None, fix: str | None = None) -> None:
        super().__init__(what, where=where, why=why, fix=fix)
        self.undone = undone


@dataclass(slots=True, kw_only=True)
class Steps:
    """One migration in steps.

    Args:
        row: its history row once it is done (forward), or as it is (back).
        known: the history as read under the lock, complete.
        owner: who works on it, for others to see.
        resumed: what the row said about an interrupted run.
    """

    work: Work
    job: Job
    row: HistoryRow
    known: History
    owner: Owner
    resumed: Progress | None = None
    _progress: Progress = field(default_factory=Progress)
    _done: list[Piece] = field(default_factory=list)
    _fresh: bool = True
    _inserted: bool = False

    def claim(self) -> None:
        """Note in the history that this process works on the migration; called inside a transaction, before `run`.

        Raises:
            PieceError: what the migration requires is not so.
        """
        engine, connection, me = self.work.engine, self.work.connection, self.owner
        if self.resumed is not None:
            self._save(replace(self.resumed, owner=me), status="running")
            return
        self.work.expect(self.job.requires, self.job, after=False)
        self._progress = Progress(direction=self.job.direction, owner=me)
        self._inserted = self.known.row(self.job.version) is None
        if self.job.direction == "up":
            row = replace(self.row, status="running", progress=self._progress.to_json())
            self.known = history.write(engine, connection, row, self.known)
        else:
            self._save(self._progress, status="running")

    def run(self) -> History:
        """Begin or go on, to the end.

        Returns:
            the history as it is then.

        Raises:
            StepsError: it stopped; says where, and what the database is like.
            RefusedError: its steps that are done were edited; nothing more was done.
        """
        clock = Clock()
        if self.resumed is not None:
            self._resume(self.resumed)
        try:
            self._units()
            self.work.expect(self.job.verify, self.job, after=True)
        except SchemaspecError as error:
            raise self._stopped(error) from error
        with self.work.atomic():
            if self.job.direction == "down":
                return history.delete(self.work.engine, self.work.connection, self.job.version, self.known)
            row = replace(self.row, status="applied", progress=None, duration_ms=clock.ms)
            return history.write(self.work.engine, self.work.connection, row, self.known)

    # --- the record -------------------------------------------------------------------------------------------------

    def _save(self, progress: Progress, status: str | None = None) -> None:
        values: dict[str, object] = {"progress": progress.to_json()}
        if status is not None:
            values["status"] = status
        history.set_columns(self.work.engine, self.work.connection, self.job.version, values)

    # --- the steps --------------------------------------------------------------------------------------------------

    def _units(self) -> None:
        start = self._progress
        for number, source in enumerate(self.job.sources):
            if number < start.action:
                continue
            going_on = number == start.action
            written = actions.is_written(source)
            found = (start.statements if going_on else ()) or self.work.pieces(source)
            if not going_on or not (start.statements or start.unit or start.begun):
                self.work.spare_values(source, self.job)
            groups = actions.units(self.work.engine, found, together=not written)
            if not going_on or not (start.prefix or start.begun):
                self._enter(number, source, found)
            for unit in groups[self._progress.unit :]:
                self._unit(unit, written=written)

    def _enter(self, number: int, source: Source, found: tuple[Piece, ...]) -> None:
        """Note which action comes now. What was worked out from the schema is kept: it can't be worked out again half-way."""
        worked_out = tuple(piece for piece in found if isinstance(piece, Statement) and not actions.is_written(source))
        self._progress = replace(
            self._progress, action=number, unit=0, statements=worked_out, prefix=self._entered(self._progress.prefix, source)
        )

    def _entered(self, prefix: str, source: Source) -> str:
        dialect = self.work.engine.dialect
        if isinstance(source, Prepared):
            for statement in () if source.written else source.statements:
                prefix = chained(prefix, statement, dialect)
            return prefix
        return chained(prefix, source, dialect)

    def _unit(self, unit: Unit, *, written: bool) -> None:
        after = self._after(unit, written=written)
        if actions.is_repeated(unit.pieces[0]):
            self._in_batches(unit.pieces[0], after)
        elif unit.atomic:
            self._at_once(unit, after)
        else:
            before = journal.fingerprint(self.work.engine, self.work.connection)
            with self.work.atomic():
                self._save(replace(self._progress, begun=True, before=before))
            self._run(unit)
            with self.work.atomic():
                self._save(after)
        self._progress = after
        self._done += unit.pieces

    def _in_batches(self, piece: Piece, after: Progress) -> None:
        """Each batch together with the note where the next one begins, in one transaction."""

        def attempt() -> bool:
            self.work.place = self._progress.place
            with self.work.atomic():
                again = self.work.run(piece, self.job)
                if not again:
                    self._save(after)
                elif self.work.place:
                    self._save(replace(self._progress, place=self.work.place))
            return again

        began = time.monotonic()
        while begun_again(self.work.engine, self.work.connection, attempt):
            self._progress = replace(self._progress, place=self.work.place)
            rest(time.monotonic() - began)
            began = time.monotonic()

    def _at_once(self, unit: Unit, after: Progress) -> None:
        """A unit and the record that it is done, in one transaction."""

        def attempt() -> None:
            with self.work.atomic(foreign_keys=unit.foreign_keys):
                self._run(unit)
                self._save(after)

        if all(isinstance(piece, Statement) for piece in unit.pieces):
            begun_again(self.work.engine, self.work.connection, attempt)
        else:
            attempt()

    def _run(self, unit: Unit) -> None:
        for piece in unit.pieces:
            # The history table has to be there before the first step, so this one is done.
            if not (isinstance(piece, Statement) and history.creates_it(piece.sql)):
                self.work.run(piece, self.job)

    def _after(self, unit: Unit, *, written: bool) -> Progress:
        prefix = self._progress.prefix
        for piece in unit.pieces:
            if written and isinstance(piece, Statement):
                prefix = chained(prefix, piece, self.work.engine.dialect)
        return replace(
            self._progress,
            unit=self._progress.unit + 1,
            begun=False,
            before="",
            place="",
            done=self._progress.done + len(unit.pieces),
            prefix=prefix,
        )

    # --- going on ---------------------------------------------------------------------------------------------------

    def _resume(self, progress: Progress) -> None:
        engine, connection = self.work.engine, self.work.connection
        done = self._done_before(progress)
        if progress.begun:
            unit = self._doubtful(progress)
            if unit is None:
                raise self._edited()
            first = unit.pieces[0]
            statement = first if isinstance(first, Statement) else None
            self._progress = progress
            after = self._after(unit, written=actions.is_written(self.job.sources[progress.action]))
            if journal.took_effect(engine, connection, progress, statement, self.work.timeout):
                progress = after
                done.append(first)
        self._fresh = not progress.done
        self._progress = replace(progress, begun=False, before="", error="", owner=self.owner)
        with self.work.atomic():
            self._save(self._progress, status="running")
        steps = "1 step that is" if progress.done == 1 else f"{progress.done} steps that are"
        self.work.tell("resumed", self.job, f"going on after {steps} done")
        for piece in done:
            if actions.is_session(piece):
                self.work.run(piece, self.job)

    def _done_before(self, progress: Progress) -> list[Piece]:
        """The user's own statements that are done.

        Raises:
            RefusedError: what is done is not what the files say any more.
        """
        prefix, done, dialect = "", list[Piece](), self.work.engine.dialect
        for number, source in enumerate(self.job.sources[: progress.action + 1]):
            prefix = self._entered(prefix, source)
            if isinstance(source, Prepared) and source.written:
                statements = source.statements
                if number == progress.action:
                    groups = actions.units(self.work.engine, statements, together=False)
                    statements = statements[: sum(len(unit.pieces) for unit in groups[: progress.unit])]
                for statement in statements:
                    prefix = chained(prefix, statement, dialect)
                done += statements
        if progress.prefix and progress.prefix != prefix:
            raise self._edited()
        return done

    def _doubtful(self, progress: Progress) -> Unit | None:
        source = self.job.sources[progress.action] if progress.action < len(self.job.sources) else None
        if source is None:
            return None
        found = progress.statements or self.work.pieces(source)
        groups = actions.units(self.work.engine, found, together=not actions.is_written(source))
        return groups[progress.unit] if progress.unit < len(groups) else None

    def _edited(self) -> RefusedError:
        return RefusedError(
            f"{self.job.name} was edited in steps that are done already",
            where=self.job.position,
            fix="bring back its first steps as they were; those that are not done yet may be changed",
        )

    # --- when it stops ----------------------------------------------------------------------------------------------

    def _stopped(self, error: SchemaspecError) -> StepsError:
        """Undo what is done if all of it can be undone; else leave the record for the next run."""
        uncertain = isinstance(error, PieceError) and error.uncertain
        try:
            self._clear_up(error)
            undone = self._undo(f"{error.what}: {error.why}" if error.why else error.what, uncertain=uncertain)
        except SchemaspecError as second:
            return StepsError(
                f"{self.job.name} stopped: {error.what}; the history could not be brought up to date either",
                undone=False,
                where=error.where,
                why=f"{error.why or error.what}; then: {second.why or second.what}",
                fix="see that the database can be reached and run the command again: it finds out by itself where to go on",
            )
        total = self._progress.done
        if undone:
            state = "the database is as it was before it"
            fix = error.fix or "mend it and run the command again"
        else:
            steps = "1 step is" if total == 1 else f"{total} steps are"
            state = f"{steps} done and stay; the history has the step that it reached"
            fix = "mend what failed (the steps done must stay as they are) and run the command again: it goes on there"
            if uncertain:
                state += "; what the function did until then may be committed, too"
                fix = error.fix or fix
        return StepsError(
            f"{self.job.name} failed: {error.what}; {state}", undone=undone, where=error.where, why=error.why, fix=fix
        )

    def _clear_up(self, error: SchemaspecError) -> None:
        """What a statement that can't be rolled back left half made is removed."""
        engine, piece = self.work.engine, error.piece if isinstance(error, PieceError) else None
        if isinstance(piece, Statement) and isinstance(engine, Settles) and not actions.is_atomic(engine, piece):
            engine.settle(self.work.connection, piece, timeout=self.work.timeout)

    def _undo(self, reason: str, *, uncertain: bool) -> bool:
        ways = [piece.undo if isinstance(piece, Statement) else "" for piece in reversed(self._done)]
        undone = self._fresh and all(ways) and not uncertain
        for sql in ways if undone else ():
            self.work.connection.execute(sql)
        engine, connection, version = self.work.engine, self.work.connection, self.job.version
        with self.work.atomic():
            if not undone:
                self._save(replace(self._progress, error=redact(reason)), status="failed")
            elif self.job.direction == "down":
                history.set_columns(engine, connection, version, {"status": self.row.status, "progress": None})
            elif self._inserted or self.resumed is not None:
                history.delete(engine, connection, version, self.known)
            else:
                history.set_columns(engine, connection, version, {"status": "failed", "progress": None})
        return undone
