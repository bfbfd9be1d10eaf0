"""Runs the checks on real SQLite files: one made by a script, held against the schema of another script and a spec's rules."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from schemaspec.diff.policy import differences
from schemaspec.engines.registry import engine
from schemaspec.model.position import Position
from schemaspec.model.report import CheckResult
from schemaspec.model.spec import Spec
from schemaspec.model.url import DatabaseUrl
from schemaspec.verify.outcome import Checked
from schemaspec.verify.registry import run
from schemaspec.verify.subject import Subject

SQLITE = engine("sqlite")


def make(path: Path, script: str) -> DatabaseUrl:
    """A database file that the script made, in place of an older one."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.commit()
    connection.close()
    return DatabaseUrl(scheme="sqlite", database=str(path))


def schema_of(url: DatabaseUrl) -> Any:
    """What the file holds."""
    connection = SQLITE.connect(url)
    try:
        return SQLITE.introspect(connection)
    finally:
        connection.close()


class Lab:
    """Checks of one live file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.live = folder / "live.db"

    def check(
        self,
        live: str,
        desired: str | None = None,
        *,
        only: tuple[str, ...] = (),
        spec: dict[str, Any] | None = None,
        **extra: Any,
    ) -> Checked:
        """Run the checks on the file that `live` makes, held against the schema that `desired` makes (else the same)."""
        url = make(self.live, live)
        wanted = schema_of(make(self.folder / "desired.db", live if desired is None else desired))
        settings = Spec(file="expected_schema.yaml", root=str(self.folder), **(spec or {}))
        connection = SQLITE.connect(url)
        try:
            current = SQLITE.introspect(connection)
            subject = Subject(
                engine=SQLITE,
                url=url,
                spec=settings,
                connection=connection,
                current=current,
                desired=wanted,
                changes=tuple(change for change, _ in differences(current, wanted, settings)),
                positions=lambda id: Position("expected_schema.yaml", len(id.path), 3),
                **extra,
            )
            return run(subject, only=only)
        finally:
            connection.close()


def result(checked: Checked, id: str) -> CheckResult:
    """The result of one check."""
    return next(check for check in checked.checks if check.id == id)


def told(checked: Checked, id: str | None = None) -> list[tuple[str, str, str]]:
    """Code, severity and object of the findings, of one check or all."""
    checks = checked.checks if id is None else (result(checked, id),)
    return [(finding.code, finding.severity, finding.object) for check in checks for finding in check.findings]
