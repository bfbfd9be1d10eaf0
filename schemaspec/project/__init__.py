"""The library: what the command line does, for programs. `Project.open(...)` is the way in."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property

from schemaspec.errors import InputError
from schemaspec.model.url import DatabaseUrl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from schemaspec.backup.store import BackupStore
    from schemaspec.engines.protocol import Connection, Engine, Mode
    from schemaspec.migrate.outcome import ApplyResult, RollbackResult
    from schemaspec.migrate.replay import TestResult
    from schemaspec.model.migration import Migration
    from schemaspec.model.plan import Plan
    from schemaspec.model.report import MigrationStatus, Report
    from schemaspec.model.schema import Schema
    from schemaspec.model.spec import Spec
    from schemaspec.plan.rehearse import Rehearsal
    from schemaspec.project.ahead import Ahead
    from schemaspec.project.checking import Outcome
    from schemaspec.project.files import Head
    from schemaspec.project.kept import Kept
    from schemaspec.project.writing import Written

    StageProgress = Callable[[str, int, int], None]
    """Called with the stage of long work, the work done and the whole of it."""
    Bars = Callable[[], AbstractContextManager[StageProgress]]

SPEC_FILE = "expected_schema.yaml"


class Project:
    """A spec, its migrations and its database. Nothing is read before it is needed.

    Args:
        spec_file: path of expected_schema.yaml.
        migrations: path of migrations.yaml; None for the one beside the spec.
        database: a URL, or a SQLite file's path, that overrides the spec's own.
        allow_python: whether Python functions that migrations.yaml names may run.
        progress: shows progress bars for as long as its context is open; None shows none.
        tell: called with every message for people that is not a result.
    """

    def __init__(
        self,
        spec_file: str = SPEC_FILE,
        *,
        migrations: str | None = None,
        database: str | None = None,
        allow_python: bool = False,
        progress: Bars | None = None,
        tell: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.spec_file = spec_file
        self._migrations_file = migrations
        self._database = database
        self.allow_python = allow_python
        self.progress = progress
        self.tell = tell

    @classmethod
    def open(
        cls,
        spec: str | Path = SPEC_FILE,
        *,
        migrations: str | Path | None = None,
        database: str | None = None,
        allow_python: bool = False,
        progress: Bars | None = None,
        tell: Callable[[str], None] = lambda message: None,
    ) -> Project:
        """The project of that spec; see the class for the arguments.

        Raises:
            InputError: there is no such file.
        """
        if not os.path.isfile(spec):
            raise InputError(
                f"there is no {spec}", fix="name your spec with -s, or write one for a database with `schemaspec init -d URL`"
            )
        return cls(
            str(spec),
            migrations=None if migrations is None else str(migrations),
            database=database,
            allow_python=allow_python,
            progress=progress,
            tell=tell,
        )

    # --- what it is made of -----------------------------------------------------------------------------------------

    @cached_property
    def spec(self) -> Spec:
        """The spec, with its includes."""
        from schemaspec.project.files import read_spec

        return read_spec(self.spec_file, engine=None, database=self._override)

    @cached_property
    def known_head(self) -> Head | None:
        """What is known of the spec without reading it; None where it is another one than the last time."""
        from schemaspec.project.files import spec_head

        return spec_head(self.spec_file, engine=None, database=self._override)

    @cached_property
    def head(self) -> Head:
        """The same; read from the spec where it has to be."""
        from schemaspec.project.files import Head

        return self.known_head or Head(digest=self.spec.digest, database=self.spec.database)

    @cached_property
    def _override(self) -> str | None:
        if self._database is None or "://" in self._database:
            return self._database
        from schemaspec.model.url import file_url

        return file_url(self._database)

    @cached_property
    def url(self) -> DatabaseUrl:
        """The database.

        Raises:
            InputError: neither the spec nor the caller names one.
        """
        text = self._override or self.head.database
        if not text:
            raise InputError(
                "no database is named",
                where=self.spec_file,
                fix="write `database: sqlite:///store.db` in the spec, or use -d URL",
            )
        url = DatabaseUrl.parse(text)
        if self._override is None:
            from schemaspec.engines.registry import engine_for

            folder = os.path.dirname(self.spec_file)
            if engine_for(url).features.file_based and folder:
                return url.with_database(os.path.join(folder, url.database))  # a file is named from where the spec lies
        return url

    @cached_property
    def engine(self) -> Engine:
        """The engine of the database."""
        from schemaspec.engines.registry import engine_for

        return engine_for(self.url)

    @cached_property
    def migrations_file(self) -> str | None:
        """migrations.yaml, or None where there is none.

        Raises:
            InputError: one was named that does not exist.
        """
        if self._migrations_file is not None:
            if not os.path.isfile(self._migrations_file):
                raise InputError(f"there is no {self._migrations_file}", fix="name your migrations with -m")
            return self._migrations_file
        beside = os.path.join(os.path.dirname(self.spec_file), "migrations.yaml")
        return beside if os.path.isfile(beside) else None

    @cached_property
    def migrations(self) -> tuple[Migration, ...]:
        """The migrations, by version; empty where there is no file."""
        if self.migrations_file is None:
            return ()
        from schemaspec.project.files import read_migrations

        return read_migrations(self.migrations_file, engine=self.engine.name)

    @cached_property
    def types(self) -> dict[str, str]:
        """The spec's own type names with this engine's meaning."""
        return {name: texts[self.engine.name] for name, texts in self.spec.types.items() if self.engine.name in texts}

    def desired(self, server_version: str) -> Schema:
        """The schema that the spec describes, as a server of that version spells it."""
        from schemaspec.project.desired import desired_schema

        return desired_schema(self.engine, self.spec, self.url, server_version)

    def desired_parts(self, server_version: str, ahead: Ahead | None = None) -> Kept:
        """The same, to be read whole or in part; in a scratch database of `ahead` where one is needed."""
        from schemaspec.project.desired import desired

        return desired(self.engine, self.spec, self.url, server_version, ahead=ahead)

    @contextmanager
    def connected(self, mode: Mode = "read") -> Iterator[Connection]:
        """The database, opened and closed again.

        A file that was made for it stays, even when nothing is written to it: another process may have it open by now.
        """
        connection = self.engine.connect(self.url, mode=mode)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def working(self) -> Iterator[StageProgress | None]:
        """Shows the progress of what is done inside, where it is to be shown."""
        if self.progress is None:
            yield None
        else:
            with self.progress() as update:
                yield update

    # --- what it does -----------------------------------------------------------------------------------------------

    def check(self, *, only: Sequence[str] = (), skip: Sequence[str] = (), compare: str | None = None) -> Report:
        """Compare the database with the spec.

        Args:
            only, skip: ids of checks to run alone, or to leave out.
            compare: a backup or URL whose schema and row counts to compare with.
        """
        return self.check_outcome(only=only, skip=skip, compare=compare).report

    def check_outcome(self, *, only: Sequence[str] = (), skip: Sequence[str] = (), compare: str | None = None) -> Outcome:
        """Like `check`, and whether the database could not be reached."""
        from schemaspec.project.checking import run_checks

        return run_checks(self, only=only, skip=skip, compare=compare)

    def status(self) -> tuple[MigrationStatus, ...]:
        """Which migrations are applied, pending, edited, missing or failed."""
        from schemaspec.project.status import migration_status

        return migration_status(self)

    def plan(self) -> Plan:
        """The statements that would bring the database to the spec, with hazards and proof. Writes nothing."""
        from schemaspec.project.planning import plan_to_spec

        return plan_to_spec(self)

    def new(self, description: str, *, version: int | None = None, dry_run: bool = False) -> Written:
        """Write what the spec asks for beyond the migrations as the next migration, up and down, both proven."""
        from schemaspec.project.writing import write_migration

        return write_migration(self, description, version=version, dry_run=dry_run)

    def apply(
        self,
        *,
        to: int | None = None,
        dry_run: bool = False,
        backup: bool = True,
        allow: frozenset[str] = frozenset(),
        out_of_order: bool = False,
        timeout: float = 60.0,
    ) -> ApplyResult:
        """Run the pending migrations: lock, backup, run, verify.

        Args:
            to: the last version to run; None for all.
            dry_run: only say which statements would run.
            backup: make a verified backup first.
            allow: codes of hazards that are accepted.
            out_of_order: also run pending versions older than the last applied one.
            timeout: seconds to wait for the lock.
        """
        from schemaspec.project.applying import apply_migrations

        return apply_migrations(
            self, to=to, dry_run=dry_run, backup=backup, allow=allow, out_of_order=out_of_order, timeout=timeout
        )

    def record(self, *, to: int | None = None, allow: frozenset[str] = frozenset(), timeout: float = 60.0) -> ApplyResult:
        """Note the pending migrations as applied, where the database is seen to have them; none of them is run.

        Args:
            to: the last version to note; None for all.
            allow: `unproven` for those that change no schema, of which nothing can be seen.
            timeout: seconds to wait for the lock.
        """
        from schemaspec.project.applying import record_migrations

        return record_migrations(self, to=to, allow=allow, timeout=timeout)

    def apply_direct(
        self,
        kept: Plan | None = None,
        *,
        allow: frozenset[str] = frozenset(),
        backup: bool = True,
        approve: Callable[[Plan], bool] = lambda plan: True,
        timeout: float = 60.0,
    ) -> Plan | None:
        """Bring the database straight to the spec, or run a plan that was kept. None when `approve` said no."""
        from schemaspec.project.direct import apply_plan

        return apply_plan(self, kept, allow=allow, backup=backup, approve=approve, timeout=timeout)

    def rollback(
        self,
        *,
        to: int | None = None,
        steps: int | None = None,
        backup: bool = True,
        allow: frozenset[str] = frozenset(),
        dry_run: bool = False,
    ) -> RollbackResult:
        """Take migrations back: those after `to`, or the last `steps` (1 by default)."""
        from schemaspec.project.applying import roll_back

        return roll_back(self, to=to, steps=steps, backup=backup, allow=allow, dry_run=dry_run)

    def test(self) -> TestResult:
        """Replay all migrations from empty: each up, down, up; the end must equal the spec. No live database is touched."""
        from schemaspec.project.planning import replay_migrations

        return replay_migrations(self)

    def rehearse(self, kept: Plan | None = None) -> Rehearsal:
        """Run the plan on a copy of the database with its real data, and time it."""
        from schemaspec.project.rehearsing import rehearse_plan

        return rehearse_plan(self, kept)

    def rehearse_migrations(self, *, to: int | None = None) -> Rehearsal:
        """Run the pending migrations on a copy of the database with its real data, and time them."""
        from schemaspec.project.rehearsing import rehearse_migrations

        return rehearse_migrations(self, to=to)

    def backups(self, folder: str | None = None) -> BackupStore:
        """The backups of this database: in `folder`, or in `backups/` beside it."""
        from schemaspec.project.backing_up import backup_store

        return backup_store(self, folder)
