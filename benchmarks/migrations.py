"""500 migrations applied, then `status` and an `apply` with nothing to do; beside dbmate, Alembic and yoyo where installed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from harness import PYTHON, SCHEMASPEC, Contender, race, table

COUNT = 500


def _sql(number: int) -> tuple[str, str]:
    return (
        f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL DEFAULT 0)",
        f"DROP TABLE t{number}",
    )


def _schemaspec(folder: Path) -> None:
    lines = ["schemaspec: 1", "migrations:"]
    for number in range(1, COUNT + 1):
        up, down = _sql(number)
        lines += [f"  - version: {number}", f"    description: table {number}", f"    up: {up}", f"    down: {down}"]
    (folder / "migrations.yaml").write_text("\n".join(lines) + "\n")
    (folder / "expected_schema.yaml").write_text("schemaspec: 1\ndatabase: sqlite:///app.db\ntables: {}\n")


def _dbmate(folder: Path) -> None:
    (folder / "db" / "migrations").mkdir(parents=True)
    for number in range(1, COUNT + 1):
        up, down = _sql(number)
        (folder / "db" / "migrations" / f"{20260000000000 + number}_t{number}.sql").write_text(
            f"-- migrate:up\n{up};\n\n-- migrate:down\n{down};\n"
        )


def _alembic(folder: Path) -> None:
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = alembic\nsqlalchemy.url = sqlite:///app.db\n")
    (folder / "alembic" / "env.py").write_text(
        "from alembic import context\nfrom sqlalchemy import create_engine\n"
        "with create_engine('sqlite:///app.db').connect() as c:\n"
        "    context.configure(connection=c, target_metadata=None)\n"
        "    with context.begin_transaction():\n        context.run_migrations()\n    c.commit()\n"
    )
    for number in range(1, COUNT + 1):
        up, down = _sql(number)
        before = repr(f"r{number - 1}") if number > 1 else None
        (versions / f"r{number}.py").write_text(
            f"from alembic import op\nrevision = 'r{number}'\ndown_revision = {before}\n"
            f"def upgrade():\n    op.execute({up!r})\ndef downgrade():\n    op.execute({down!r})\n"
        )


def _yoyo(folder: Path) -> None:
    (folder / "migrations").mkdir()
    for number in range(1, COUNT + 1):
        up, down = _sql(number)
        (folder / "migrations" / f"{number:04}.sql").write_text(up + ";\n")
        (folder / "migrations" / f"{number:04}.rollback.sql").write_text(down + ";\n")


def _tools() -> dict[str, tuple[Callable[[Path], None], dict[str, tuple[str, ...]]]]:
    url = "sqlite:///app.db"
    beside = Path(sys.executable).parent
    tools = {
        "schemaspec": (
            _schemaspec,
            {
                "apply": (*SCHEMASPEC, "apply", "--yes", "--no-backup"),
                "status": (*SCHEMASPEC, "status"),
                "nothing": (*SCHEMASPEC, "apply", "--yes", "--no-backup"),
            },
        )
    }
    if (dbmate := shutil.which("dbmate")) is not None:
        base = (dbmate, "--url", "sqlite:app.db", "--no-dump-schema")
        tools["dbmate"] = (_dbmate, {"apply": (*base, "up"), "status": (*base, "status"), "nothing": (*base, "up")})
    if (beside / "alembic").exists():
        base = (PYTHON, "-m", "alembic.config")
        tools["Alembic"] = (
            _alembic,
            {
                "apply": (*base, "upgrade", "head"),
                "status": (*base, "history", "--indicate-current"),
                "nothing": (*base, "upgrade", "head"),
            },
        )
    if (beside / "yoyo").exists():
        base = (str(beside / "yoyo"),)
        tail = ("--no-config-file", "--batch", "--database", url, "migrations")
        tools["yoyo"] = (
            _yoyo,
            {"apply": (*base, "apply", *tail), "status": (*base, "list", *tail), "nothing": (*base, "apply", *tail)},
        )
    return tools


def main(work: Path) -> str:
    """Run all of it in an empty folder; the tables for docs/benchmarks.md."""
    tools = _tools()
    for name, (write, _) in tools.items():
        (work / name).mkdir()
        write(work / name)
    parts = []
    titles = {
        "apply": f"{COUNT} migrations applied to an empty database",
        "status": "`status` after them",
        "nothing": "`apply` with nothing to do",
    }
    for action, title in titles.items():
        contenders = []
        for name, (_, commands) in tools.items():
            database = work / name / "app.db"
            prepare = (lambda path=database: path.unlink(missing_ok=True)) if action == "apply" else (lambda: None)
            contenders.append(Contender(name=name, command=commands[action], prepare=prepare, folder=work / name))
        parts.append(table(title, race(contenders, rounds=3)))
    return "\n".join(parts)
