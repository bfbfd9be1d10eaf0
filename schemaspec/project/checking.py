"""`check`: the live database against its spec, made into a report."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from schemaspec.errors import DatabaseError, InputError, SchemaspecError, StatementError
from schemaspec.model.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemaspec.engines.protocol import Connection
    from schemaspec.model.change import Change
    from schemaspec.model.report import CheckResult, MigrationStatus, Report
    from schemaspec.model.schema import Schema
    from schemaspec.model.spec import Spec
    from schemaspec.project import Project
    from schemaspec.project.again import Found
    from schemaspec.verify.subject import Baseline, Subject


class Outcome(Value):
    """The report, and whether the database could not be reached or is not what it claims to be."""

    report: Report
    unreachable: bool


def run_checks(project: Project, *, only: Sequence[str], skip: Sequence[str], compare: str | None) -> Outcome:
    """Run the checks.

    A database that can't be opened or read is a finding, so that a report of it can be written.

    Raises:
        InputError, InputErrors: the spec, the migrations or a check's name are at fault.
        DatabaseError: no scratch database can be made; what `compare` names can't be read; the server refused to answer.
    """
    try:
        return _looked(project, only=only, skip=skip, compare=compare)
    except StatementError as error:  # what is only read can't fail like a migration
        raise DatabaseError(
            "the database refused to answer a question of the check",
            where=error.where or (project.url if compare is None else None),
            why=error.why or error.what,
            fix=error.fix or "see to it that the role may read all of the schema, and that no limit of time ends its queries",
        ) from error


def _looked(project: Project, *, only: Sequence[str], skip: Sequence[str], compare: str | None) -> Outcome:
    from schemaspec.model.report import Report

    began, started = time.monotonic(), datetime.now(UTC)
    connection, problem = _opened(project)
    try:
        if connection is None or compare is not None:
            found = _found(project, _subject(project, connection, problem, compare), only=only, skip=skip)
        else:
            found = _found_or_known(project, connection, only=only, skip=skip)
        report = Report(
            command="check",
            database=str(project.url),
            engine=project.engine.name,
            server_version=connection.server_version if connection else "",
            started_at=started,
            duration_ms=int((time.monotonic() - began) * 1000),
            checks=found.checks,
            counts=found.counts,
            migrations=found.migrations,
            title=found.title,
        )
    finally:
        if connection is not None:
            connection.close()
    return Outcome(report=report, unreachable=found.unreachable)


def _found_or_known(project: Project, connection: Connection, *, only: Sequence[str], skip: Sequence[str]) -> Found:
    """What there is to find; known already where neither a file nor an answer of the database has changed."""
    from schemaspec.project import again

    witness, options = again.Witness(connection), (",".join(only), ",".join(skip))
    known = again.told_again("check", project, witness, options)
    if known is not None and known.whole:
        return known
    subject = _subject(project, witness, None, None, as_wanted=known is not None)
    asked = len(witness.steps)
    found = _found(project, subject, only=only, skip=skip, known=known.checks if known is not None else ())
    as_wanted = subject.current is not None and not subject.changes
    again.keep("check", project, witness, found, options, of_schema=asked if as_wanted else None)
    return found


def _found(
    project: Project, subject: Subject, *, only: Sequence[str], skip: Sequence[str], known: Sequence[CheckResult] = ()
) -> Found:
    from schemaspec.project.again import Found
    from schemaspec.verify.registry import run

    checked = run(subject, only=only, skip=skip, known=known)
    return Found(
        checks=checked.checks,
        counts=checked.counts,
        migrations=subject.migrations or (),
        title=project.spec.title,
        unreachable=subject.current is None,
    )


def _opened(project: Project) -> tuple[Connection | None, DatabaseError | None]:
    try:
        return project.engine.connect(project.url, mode="read"), None
    except DatabaseError as error:
        return None, error


def _subject(
    project: Project,
    connection: Connection | None,
    problem: SchemaspecError | None,
    compare: str | None,
    *,
    as_wanted: bool = False,
) -> Subject:
    """What the checks look at; `as_wanted`: the schema is known to be the one that the spec wants."""
    from schemaspec.project.current import current_schema
    from schemaspec.verify.subject import Subject

    engine, spec = project.engine, project.spec
    project.migrations  # noqa: B018  their faults are told before anything is looked at
    if connection is None:
        return Subject(engine=engine, url=project.url, spec=spec, problem=problem)
    try:
        current = current_schema(engine, connection)
        migrations = _migrations(project, connection)
    except (DatabaseError, SchemaspecError) as error:
        if isinstance(error, InputError):
            raise
        return Subject(engine=engine, url=project.url, spec=spec, connection=connection, problem=error)
    from schemaspec.spec.positions import Positions

    desired = None if as_wanted else project.desired(connection.server_version)
    return Subject(
        engine=engine,
        url=project.url,
        spec=spec,
        connection=connection,
        current=current,
        desired=desired,
        changes=() if desired is None else _changes(current, desired, spec),
        positions=Positions(spec, engine.dialect).get,
        migrations=migrations,
        baseline=_baseline(project, compare) if compare else None,
    )


def _changes(current: Schema, desired: Schema, spec: Spec) -> tuple[Change, ...]:
    from schemaspec.diff.policy import differences

    return tuple(change for change, _ in differences(current, desired, spec))


def _migrations(project: Project, connection: Connection) -> tuple[MigrationStatus, ...] | None:
    if project.migrations_file is None:
        return None
    from schemaspec.migrate.state import migration_state

    return migration_state(project.engine, connection, project.migrations).statuses


def _baseline(project: Project, source: str) -> Baseline:
    from schemaspec.verify.compare import baseline_of

    if "://" in source:
        from schemaspec.project.sources import database_url

        url = database_url(source)
        connection = project.engine.connect(url, mode="read")
        try:
            return baseline_of(project.engine, connection, label=str(url))
        finally:
            connection.close()
    from pathlib import Path

    from schemaspec.backup.compression import plain_copy

    store = project.backups()
    newest = store.latest() if source == "latest" else None
    path = Path(source) if Path(source).is_file() else store.folder / (newest.name if newest else source)
    if not path.is_file():
        raise InputError(f"there is no backup {source}", fix="see `schemaspec backup list`, or name a file or a URL")

    with (
        plain_copy(path) as plain,
        project.engine.copier.open(plain, project.url, scratch_url=project.spec.scratch) as connection,
    ):
        return baseline_of(project.engine, connection, label=path.name if newest else source)
