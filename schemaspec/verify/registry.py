"""The table of checks, and how a run goes through it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from schemaspec.errors import InputError, SchemaspecError
from schemaspec.model.report import CheckResult
from schemaspec.model.url import redact
from schemaspec.verify.outcome import Checked, Verdict
from schemaspec.verify.rules.data import NO_DATA, Data, read_data
from schemaspec.verify.subject import Subject

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection
    from schemaspec.model.schema import ObjectId

_MANY_TABLES = 100
Run = Callable[[Subject, Data], Verdict]


class Check(NamedTuple):
    """One check: its id (what --only and --skip take), its name in reports, and the module in `schemaspec.verify` with `run`.

    `of_schema`: what it finds follows from the schema and the spec alone.
    """

    id: str
    name: str
    module: str
    of_schema: bool = False


CHECKS = (
    Check("file", "File Exists", "file"),
    Check("integrity", "Database Integrity", "integrity"),
    Check("tables", "Tables Exist", "tables", of_schema=True),
    Check("columns", "Column Definitions", "columns", of_schema=True),
    Check("data_integrity", "Data Integrity", "data_integrity"),
    Check("versions", "Schema Versions", "versions"),
    Check("counts", "Data Counts", "counts"),
    Check("constraints", "Constraints", "constraints", of_schema=True),
    Check("indexes", "Indexes", "indexes", of_schema=True),
    Check("views", "Views", "views", of_schema=True),
    Check("triggers", "Triggers", "triggers", of_schema=True),
    Check("objects", "Other Objects", "objects", of_schema=True),
    Check("compare", "Earlier Copy", "compare"),
)
_WITHOUT_SCHEMA = ("file", "integrity", "versions")
"""The checks that have something to say even where the schema can't be read."""


def run(subject: Subject, *, only: Sequence[str] = (), skip: Sequence[str] = (), known: Sequence[CheckResult] = ()) -> Checked:
    """Run the checks.

    Args:
        only: ids of the checks to run; empty for all that apply.
        skip: ids of checks to leave out.
        known: what was found of this very schema before; what follows from the schema alone is taken from there.

    Returns:
        A result a check, in the order of `CHECKS`. A check that ends in an error of ours is an `error`, not an exception.

    Raises:
        InputError: an id is not known, or no check is left: what looked at nothing must not pass.
    """
    chosen = choose(only, skip)
    if "compare" in only and subject.baseline is None:
        raise InputError("the check `compare` needs an earlier copy", fix="name one: --compare BACKUP, or --compare latest")
    present = [check for check in chosen if _applies(check, subject) or check.id in only]
    if not present:
        raise InputError("no check is left to run", fix="take a name out of --skip, or add one to --only")
    try:
        data = _data(subject, {check.id for check in present})
        problem = None
    except SchemaspecError as error:
        data, problem = NO_DATA, error
    before = {result.id: result for result in known}
    results = tuple(
        before[check.id] if check.of_schema and check.id in before else _result(check, subject, data, problem)
        for check in present
    )
    counted = data.rows.items() if any(check.id == "counts" for check in present) else ()
    counts = {subject.display(table.path): rows for table, rows in counted if table.kind == "table"}
    return Checked(checks=results, counts=counts)


def choose(only: Sequence[str] = (), skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks that these ids leave. Raises InputError for an id that is not known."""
    known = [check.id for check in CHECKS]
    for name in (*only, *skip):
        if name not in known:
            raise InputError(f"no check is called {name!r}", fix=f"use one of {', '.join(known)}")
    return tuple(check for check in CHECKS if (not only or check.id in only) and check.id not in skip)


def _applies(check: Check, subject: Subject) -> bool:
    if check.id == "compare":
        return subject.baseline is not None
    if check.id == "objects":
        from schemaspec.verify.objects import applies

        return applies(subject)
    return True


def _data(subject: Subject, ids: set[str]) -> Data:
    rules, counts = "data_integrity" in ids, "counts" in ids
    if subject.connection is None or subject.current is None or not (rules or counts):
        return NO_DATA
    tables = [table.id for table in subject.current.of_kind("table")] if counts else []
    if subject.spec.ignore:
        from schemaspec.diff.ignore import Ignored

        ignored = Ignored(subject.spec.ignore)
        tables = [table for table in tables if not ignored(table)]
    return read_data(
        subject.connection,
        subject.engine.dialect,
        subject.current,
        subject.spec,
        tables,
        rules=rules,
        counts=counts,
        empty=_empty(subject, subject.connection, tables),
    )


def _empty(subject: Subject, connection: Connection, tables: Sequence[ObjectId]) -> Collection[ObjectId]:
    """Where there are many tables, those that need not be counted one by one."""
    if len(tables) < _MANY_TABLES:
        return ()
    from schemaspec.engines.abilities import KnowsEmpty

    return subject.engine.empty_tables(connection) if isinstance(subject.engine, KnowsEmpty) else ()


def _result(check: Check, subject: Subject, data: Data, problem: SchemaspecError | None) -> CheckResult:
    name = check.name
    if check.id == "file" and not subject.engine.features.file_based:
        from schemaspec.verify.file import SERVER_NAME

        name = SERVER_NAME
    if subject.current is None and check.id not in _WITHOUT_SCHEMA:
        return CheckResult(id=check.id, name=name, status="skip", message="not looked at: the schema could not be read")
    if problem is not None and check.id in ("data_integrity", "counts"):
        return CheckResult(id=check.id, name=name, status="error", message=_words(problem))
    try:
        verify: Run = import_module(f"schemaspec.verify.{check.module}").run
        verdict = verify(subject, data)
    except SchemaspecError as error:
        return CheckResult(id=check.id, name=name, status="error", message=_words(error))
    except Exception as error:
        # One check must not take the others down with it; the message says that the fault is ours.
        words = redact(str(error)) or type(error).__name__
        message = f"a fault of schemaspec: {type(error).__name__}: {words}; please report it"
        return CheckResult(id=check.id, name=name, status="error", message=message)
    return CheckResult(id=check.id, name=name, status=verdict.status, message=verdict.message, findings=verdict.findings)


def _words(error: SchemaspecError) -> str:
    return redact(f"{error.what}: {error.why}" if error.why else error.what)
