"""The database is there and can be opened."""

from __future__ import annotations

from pathlib import Path

from schemaspec.errors import LockedError
from schemaspec.model.report import Finding
from schemaspec.model.url import redact
from schemaspec.verify.outcome import Verdict
from schemaspec.verify.rules.data import Data
from schemaspec.verify.subject import Subject

SERVER_NAME = "Server Reachable"
"""The check's name on engines whose databases are no files."""


def run(subject: Subject, data: Data) -> Verdict:
    """Look at the file, or at what the server said when it was asked."""
    if subject.connection is None:
        return _unreachable(subject)
    if not subject.engine.features.file_based:
        return Verdict(message=f"{subject.url.host or 'the local server'} answers, version {subject.connection.server_version}")
    path = Path(subject.url.database)
    if not path.is_file():
        return Verdict(message="the database lives in memory")
    size = path.stat().st_size
    if size == 0 and subject.desired is not None and len(subject.desired):
        finding = Finding(
            code="file.empty",
            severity="fail",
            object=path.name,
            message=f"the file {path} is empty: it holds no database yet",
            expected="a database",
            actual="0 bytes",
            fix="run `schemaspec apply` to create the schema in it, or restore a backup: `schemaspec backup list`",
        )
        return Verdict(message=f"{path.name} is empty", findings=(finding,))
    return Verdict(message=f"{path.name}, {_size(size)}")


def _unreachable(subject: Subject) -> Verdict:
    problem = subject.problem
    what = problem.what if problem else "the database could not be opened"
    code = "file" if subject.engine.features.file_based else "server"
    state = "locked" if isinstance(problem, LockedError) else "missing" if _absent(subject) else "unreachable"
    finding = Finding(
        code=f"{code}.{state}",
        severity="fail",
        object=str(subject.url),
        message=redact(f"{what}: {problem.why}" if problem and problem.why else what),
        fix=(problem.fix if problem else None) or "",
    )
    return Verdict(message=redact(what), findings=(finding,))


def _absent(subject: Subject) -> bool:
    return subject.engine.features.file_based and not Path(subject.url.database).exists()


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
