"""What docs/python.md shows, as a program of somebody else; only its types are looked at, by test_typing.py."""

import sqlite3

from schemaspec import Migration, Project, run_migrations
from schemaspec.errors import RefusedError, SchemaspecError
from schemaspec.report import render


def fill(connection: sqlite3.Connection) -> None:
    connection.executemany("insert into products (name) values (?)", [("Bananas",), ("Milk",)])


migrations = [
    Migration(
        version=1,
        description="Products",
        up="create table products (id integer primary key, name text)",
        down="drop table products",
    ),
    Migration(version=2, description="Two", up_func=fill, down=["delete from products"]),
    Migration(
        version=3, description="One", up=["select 1", "select 2"], up_func=lambda connection: connection.execute("select 1")
    ),
]
result = run_migrations(migrations, "sqlite:///app.db", allow=frozenset({"edited"}))
applied: list[int] = result["applied"]

project = Project.open("expected_schema.yaml", database="sqlite:///app.db", tell=print)
report = project.check(only=["tables"])
for check in report.checks:
    for finding in check.findings:
        words: str = finding.code + finding.query + str(finding.where)
plan = project.plan()
codes: list[str] = [hazard.code for hazard in plan.all_hazards]
texts: list[str] = [statement.sql for statement in plan.statements]
done = project.apply_direct(plan, allow=frozenset({"all"}), approve=lambda plan: bool(plan.steps))
versions: tuple[int, ...] = project.apply(to=3, backup=False).applied
states: list[tuple[int, str]] = [(row.version, row.status) for row in project.status()]
back: tuple[int, ...] = project.rollback(steps=1).rolled_back
written: str = project.new("More", dry_run=True).text
passed: bool = project.test().passed and project.rehearse(plan).passed and report.passed
store = project.backups()
name: str = store.create(compress=True).name
store.verify(name, "full")
store.restore(name, force=True)
names: list[str] = [backup.name for backup in store.list()]
html: str = render(report, "html")
try:
    project.rollback(to=0)
except RefusedError as error:
    print(error.what, error.where, error.why, error.fix)
except SchemaspecError as error:
    raise SystemExit(error.exit_code) from error
