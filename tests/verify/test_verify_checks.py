"""The checks on real SQLite files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from verify_lab import SQLITE, Lab, make, result, schema_of, told

from schemaspec.diff.policy import differences
from schemaspec.errors import DatabaseError, InputError
from schemaspec.model.report import MigrationStatus
from schemaspec.model.schema import ObjectId, Schema, SchemaObject
from schemaspec.model.spec import Spec
from schemaspec.model.url import DatabaseUrl
from schemaspec.verify import registry
from schemaspec.verify.compare import baseline_of
from schemaspec.verify.subject import Subject

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
SHOP = """
create table categories(id integer primary key, name text not null unique);
create table products(id integer primary key, name text not null, price real not null default 0 check (price >= 0),
  category_id integer references categories(id));
create index by_category on products(category_id);
create view cheap as select * from products where price < 10;
create trigger touched after insert on products begin select 1; end;
insert into categories(name) values ('fruit'), ('bread');
insert into products(name, price, category_id) values ('apple', 1, 1), ('rye', 3, 2);
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_differences(lab: Lab, case: dict[str, Any]) -> None:
    checked = lab.check(case.get("live", case["desired"]), case["desired"], spec=case.get("spec"))
    assert told(checked, case.get("check")) == [tuple(row) for row in case["findings"]]


def test_the_eleven_checks_and_their_messages(lab: Lab) -> None:
    checked = lab.check(SHOP)
    assert [(check.name, check.status) for check in checked.checks] == [
        (name, "pass")
        for name in (
            "File Exists",
            "Database Integrity",
            "Tables Exist",
            "Column Definitions",
            "Data Integrity",
            "Schema Versions",
            "Data Counts",
            "Constraints",
            "Indexes",
            "Views",
            "Triggers",
        )
    ]
    assert result(checked, "tables").message == "All 2 expected tables found"
    assert result(checked, "columns").message == "2 tables, 6 columns match"
    assert result(checked, "constraints").message == "All 5 constraints match"
    assert result(checked, "indexes").message == "The index matches"
    assert result(checked, "data_integrity").message == "1 foreign key holds"
    assert checked.counts == {"categories": 2, "products": 2}


def test_a_finding_says_expected_actual_position_and_how_to_mend(lab: Lab) -> None:
    checked = lab.check(SHOP, SHOP.replace("price real", "price integer"))
    finding = result(checked, "columns").findings[0]
    assert (finding.expected, finding.actual) == ("INTEGER", "REAL")
    assert finding.message == "column products.price: type is REAL, expected INTEGER"
    assert str(finding.where) == "expected_schema.yaml:2:3"
    assert "schemaspec plan" in finding.fix
    missing = result(lab.check("create table x(a)", "create table x(a, b text not null default 'n')"), "columns").findings[0]
    assert missing.expected == "TEXT not null default 'n'"


def test_what_is_missing_comes_by_apply_only_where_a_migration_is_pending(lab: Lab) -> None:
    def fix(*states: str) -> str:
        migrations = tuple(step(number, state) for number, state in enumerate(states, 1))
        checked = lab.check("create table x(a)", "create table x(a, b)", migrations=migrations)
        return result(checked, "columns").findings[0].fix

    assert "`schemaspec apply`" in fix("applied", "pending")
    assert "`schemaspec apply`" not in fix("applied") and "`schemaspec apply --direct`" in fix("applied")


def test_only_and_skip(lab: Lab) -> None:
    checked = lab.check(SHOP, only=("tables", "counts"))
    assert [check.id for check in checked.checks] == ["tables", "counts"]
    assert [check.id for check in registry.choose(skip=("compare", "objects"))] == [row.id for row in registry.CHECKS[:-2]]
    with pytest.raises(InputError, match="no check is called 'table'"):
        registry.choose(only=("table",))


def test_checking_never_writes(lab: Lab) -> None:
    make(lab.live, SHOP)
    before = hashlib.sha256(lab.live.read_bytes()).hexdigest()
    names = sorted(path.name for path in lab.folder.iterdir())
    url = DatabaseUrl(scheme="sqlite", database=str(lab.live))
    connection = SQLITE.connect(url)
    schema = SQLITE.introspect(connection)
    spec = Spec(file="s.yaml", root=str(lab.folder))
    registry.run(Subject(engine=SQLITE, url=url, spec=spec, connection=connection, current=schema, desired=schema))
    connection.close()
    assert hashlib.sha256(lab.live.read_bytes()).hexdigest() == before
    assert sorted(path.name for path in lab.folder.iterdir()) == names


# --- a database that can't be read --------------------------------------------------------------------------------


def unreadable(url: DatabaseUrl, folder: Path) -> Any:
    problem = None
    connection = current = None
    try:
        connection = SQLITE.connect(url)
        current = SQLITE.introspect(connection)
    except DatabaseError as error:
        problem = error
    spec = Spec(file="s.yaml", root=str(folder))
    table = SchemaObject(id=ObjectId("table", ("t",)))
    desired = Schema(engine="sqlite", server_version="3", objects={table.id: table})
    changes = tuple(change for change, _ in differences(current, desired, spec)) if current is not None else ()
    checked = registry.run(
        Subject(
            engine=SQLITE,
            url=url,
            spec=spec,
            connection=connection,
            current=current,
            desired=desired,
            changes=changes,
            problem=problem,
        )
    )
    if connection is not None:
        connection.close()
    return checked


def test_a_missing_file(tmp_path: Path) -> None:
    checked = unreadable(DatabaseUrl(scheme="sqlite", database=str(tmp_path / "none.db")), tmp_path)
    assert result(checked, "file").status == "fail"
    assert told(checked, "file")[0][0] == "file.missing"
    assert result(checked, "tables").status == "skip"
    assert not (tmp_path / "none.db").exists()


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    checked = unreadable(DatabaseUrl(scheme="sqlite", database=str(tmp_path / "empty.db")), tmp_path)
    assert told(checked, "file") == [("file.empty", "fail", "empty.db")]


def test_no_database_at_all(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_bytes(b"dear diary, " * 1000)
    checked = unreadable(DatabaseUrl(scheme="sqlite", database=str(tmp_path / "text.db")), tmp_path)
    states = {check.id: check.status for check in checked.checks}
    assert "fail" in (states["file"], states["integrity"])
    assert states["columns"] == "skip"


def test_a_damaged_file(tmp_path: Path) -> None:
    url = make(tmp_path / "bad.db", SHOP + "".join(f"create table t{n}(a text, b text);" for n in range(80)))
    content = bytearray(Path(url.database).read_bytes())
    content[4096:9000] = b"\xa5" * (9000 - 4096)
    Path(url.database).write_bytes(content)
    checked = unreadable(url, tmp_path)
    states = {check.id: check.status for check in checked.checks}
    assert "fail" in (states["file"], states["integrity"]) or "error" in (states["file"], states["integrity"])


def test_a_fault_of_ours_is_an_error_and_costs_no_other_check(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    import schemaspec.verify.tables as module

    def broken(*_: object) -> None:
        raise KeyError("password=hunter2")

    monkeypatch.setattr(module, "run", broken)
    checked = lab.check(SHOP)
    assert result(checked, "tables").status == "error"
    assert "hunter2" not in result(checked, "tables").message
    assert result(checked, "columns").status == "pass"


# --- versions and earlier copies ------------------------------------------------------------------------------------


def step(version: int, status: Any) -> MigrationStatus:
    return MigrationStatus(version=version, description=f"step {version}", status=status)


def test_versions(lab: Lab) -> None:
    checked = lab.check(SHOP, only=("versions",), migrations=(step(1, "applied"), step(2, "applied")))
    assert result(checked, "versions").message == "All 2 migrations applied, the newest is 2"
    rows = (step(1, "applied"), step(2, "edited"), step(3, "pending"), step(4, "running"))
    checked = lab.check(SHOP, only=("versions",), migrations=rows)
    assert told(checked) == [
        ("migration.edited", "fail", "2"),
        ("migration.pending", "fail", "3"),
        ("migration.running", "warn", "4"),
    ]


def test_the_history_table_is_expected_where_there_are_migrations(lab: Lab) -> None:
    history = "create table schema_version(id integer primary key, version integer unique, description, applied_at, status);"
    checked = lab.check(SHOP + history, SHOP, migrations=(step(1, "applied"),))
    assert result(checked, "tables").message == "All 3 expected tables found"
    assert result(checked, "tables").status == "pass"


def test_what_belongs_to_missing_tables_is_not_said_to_match(lab: Lab) -> None:
    checked = lab.check("create table x(a)", SHOP + "create table x(a);")
    assert result(checked, "columns").message == "The column matches; 6 more belong to missing tables"
    checked = lab.check("select 1", SHOP)
    assert (result(checked, "columns").status, result(checked, "indexes").status) == ("skip", "skip")
    assert result(checked, "columns").message == "Nothing to compare: 6 columns of missing tables"


def test_compare_with_an_earlier_copy(lab: Lab, tmp_path: Path) -> None:
    older = make(tmp_path / "older.db", SHOP + "insert into products(name) values ('gone'); create table old(a);")
    connection = SQLITE.connect(older)
    baseline = baseline_of(SQLITE, connection, label="older.db")
    connection.close()
    live = SHOP + "insert into categories(name) values ('new'); alter table products add column size text;"
    checked = lab.check(live, baseline=baseline)
    assert told(checked, "compare") == [
        ("compare.table_gone", "warn", "old"),
        ("compare.column_new", "warn", "products.size"),
        ("compare.rows_added", "info", "categories"),
        ("compare.rows_lost", "warn", "products"),
    ]
    assert result(checked, "compare").status == "warn"


def test_compare_with_an_equal_copy(lab: Lab, tmp_path: Path) -> None:
    connection = SQLITE.connect(make(tmp_path / "same.db", SHOP))
    baseline = baseline_of(SQLITE, connection, label="same.db")
    connection.close()
    checked = lab.check(SHOP, baseline=baseline)
    assert result(checked, "compare").message == "the same schema and row counts as same.db"


def test_five_hundred_tables_take_few_statements(tmp_path: Path) -> None:
    url = make(tmp_path / "big.db", "".join(f"create table t{number}(a integer, b text);" for number in range(500)))
    schema = schema_of(url)
    connection = SQLITE.connect(url)
    statements: list[str] = []
    connection.driver.set_trace_callback(statements.append)
    spec = Spec(file="s.yaml", root=str(tmp_path))
    registry.run(
        Subject(engine=SQLITE, url=url, spec=spec, connection=connection, current=schema, desired=schema),
        only=("counts", "tables"),
    )
    connection.close()
    assert sum("count(*)" in statement for statement in statements) <= 5
