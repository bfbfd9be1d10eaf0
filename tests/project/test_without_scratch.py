"""A role that may make no scratch database does all of its work that needs none, and is told what does."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemaspec.cli.main import main
from schemaspec.engines.postgresql.connect import PostgresConnection, connect
from schemaspec.errors import NoScratchError, RefusedError, RiskWarning
from schemaspec.project import Project
from schemaspec.project.deploying import deploy
from schemaspec.project.initialise import describe_database
from tests.servers_postgresql import PrivateCluster, private_cluster

_SQL = "  - {version: 2, description: Add c, up: alter table shops add column c text, down: alter table shops drop column c}\n"
_OPERATION = "  - {version: 3, description: Add d, up: [{add_column: {table: shops, column: d text}}]}\n"


class Shop:
    """A database whose owner may make no other."""

    def __init__(self, cluster: PrivateCluster, folder: Path) -> None:
        self.able = str(cluster.url("weak_shop"))
        self.weak = self.able.replace("postgres@", "weak_owner@")
        self.spec = folder / "expected_schema.yaml"
        self.migrations = folder / "migrations.yaml"
        self.snapshot = folder / "expected_schema.snapshot.json"

    def describe(self) -> None:
        with pytest.warns(RiskWarning, match=r"NOT PROVEN: no scratch .* run `schemaspec check` on this database once"):
            describe_database(self.weak, str(self.spec))

    def run(self, sql: str) -> None:
        connection = connect(Project(database=self.weak).url, mode="write")
        connection.execute(sql)
        connection.close()

    def project(self) -> Project:
        return Project.open(self.spec, database=self.weak)


@pytest.fixture
def shop(postgresql: PrivateCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    admin = connect(postgresql.url(), mode="write")
    admin.execute("CREATE ROLE weak_owner LOGIN")
    admin.execute("CREATE DATABASE weak_shop OWNER weak_owner")
    shop = Shop(postgresql, tmp_path)
    shop.run("CREATE TABLE shops (id integer primary key, name text not null)")
    yield shop
    admin.execute("DROP DATABASE weak_shop WITH (FORCE)")
    admin.execute("DROP ROLE weak_owner")
    admin.close()


def test_init_writes_what_is_there_and_says_that_it_is_not_proven(shop: Shop) -> None:
    shop.describe()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert shop.project().check().passed
        shop.run("ALTER TABLE shops DROP COLUMN name")
        assert not shop.project().check().passed


def test_a_run_that_can_proves_it(shop: Shop) -> None:
    shop.describe()
    assert '"proven": false' in shop.snapshot.read_text()
    with pytest.warns(RiskWarning, match="as a superuser"):
        assert Project.open(shop.spec, database=shop.able).check().passed
    assert '"proven"' not in shop.snapshot.read_text()


def test_a_direct_apply_asks_for_the_hazard_to_be_accepted(shop: Shop) -> None:
    shop.describe()
    shop.run("ALTER TABLE shops ADD COLUMN extra text")
    with pytest.raises(RefusedError, match="could not be tried out"):
        shop.project().apply_direct(allow=frozenset({"drop_column"}), backup=False)
    shop.project().apply_direct(allow=frozenset({"drop_column", "unproven"}), backup=False)
    assert shop.project().check().passed


def test_pending_migrations_ask_for_it_too(shop: Shop) -> None:
    shop.describe()
    shop.migrations.write_text(shop.migrations.read_text() + _SQL)
    with pytest.raises(RefusedError, match="could not be tried out") as refused:
        shop.project().apply(backup=False)
    for way in ("CREATEDB", "scratch:", "--allow unproven"):
        assert way in str(refused.value)
    assert shop.project().apply(backup=False, allow=frozenset({"unproven"})).applied == (2,)
    assert [row.status for row in shop.project().status()] == ["baseline", "applied"]


def test_operations_need_one_and_nothing_is_done_before_that_is_said(shop: Shop) -> None:
    shop.describe()
    shop.migrations.write_text(shop.migrations.read_text() + _SQL + _OPERATION)
    with pytest.raises(NoScratchError):
        shop.project().apply(backup=False, allow=frozenset({"all"}))
    assert [row.status for row in shop.project().status()] == ["baseline", "pending", "pending"]


def test_nor_before_it_is_said_where_there_is_nothing_yet(shop: Shop) -> None:
    shop.run("DROP TABLE shops")
    shop.spec.write_text("schemaspec: 1\n")
    first = "schemaspec: 1\nmigrations:\n  - {version: 1, description: Shops, up: create table shops (id int), down: drop table shops}\n"
    shop.migrations.write_text(first + _OPERATION)
    with pytest.raises(NoScratchError, match=r"(?s)CREATEDB.*scratch:.*a snapshot .* here statements are run"):
        shop.project().apply(backup=False)
    assert [row.status for row in shop.project().status()] == ["pending", "pending"]


def test_a_written_way_back_asks_for_it_and_one_that_is_worked_out_needs_it(shop: Shop) -> None:
    shop.describe()
    shop.migrations.write_text(shop.migrations.read_text() + _SQL)
    shop.project().apply(backup=False, allow=frozenset({"unproven"}))
    shown = shop.project().rollback(dry_run=True)
    assert [preview.statements for preview in shown.previews] == [("alter table shops drop column c",)]
    assert [(hazard.code, hazard.blocking) for hazard in shown.hazards] == [("unproven", True)]
    with pytest.raises(RefusedError, match="nor what is lost be counted"):
        shop.project().rollback(backup=False)
    done = shop.project().rollback(backup=False, allow=frozenset({"unproven"}))
    assert (done.rolled_back, done.proven) == ((2,), False)
    with pytest.warns(RiskWarning, match="as a superuser"):
        shop.migrations.write_text(shop.migrations.read_text() + _OPERATION)
        Project.open(shop.spec, database=shop.able).apply(backup=False)
    with pytest.raises(NoScratchError, match="here statements are run"):
        shop.project().rollback(backup=False, allow=frozenset({"all"}))


def test_a_deployment_that_needs_it_is_refused_before_the_backup(shop: Shop) -> None:
    shop.describe()
    shop.migrations.write_text(shop.migrations.read_text() + _OPERATION)
    deployment = deploy(shop.project(), allow=frozenset(), report=None)
    assert deployment.result == "refused"
    assert "CREATEDB" in deployment.messages[0]
    assert not any("Backup" in message for message in deployment.messages)


@pytest.mark.usefixtures("postgresql_client")
def test_a_copy_is_looked_at_on_another_server_where_none_can_be_made_on_its_own(shop: Shop) -> None:
    shop.describe()
    shop.run("INSERT INTO shops VALUES (1, 'a'), (2, 'b')")
    with private_cluster() as other:
        shop.spec.write_text(shop.spec.read_text() + f"scratch: {other.url()}\n")
        strange = shop.project().backups().create()
        assert strange.details["cannot_verify"] == 'owners and privileges (role "weak_owner" does not exist)'
        admin = connect(other.url(), mode="write")
        admin.execute("CREATE ROLE weak_owner")
        made = shop.project().backups().create()
        assert "cannot_verify" not in made.details
        checked = shop.project().backups().verify(made.name, level="full")
        assert checked.facts is not None and checked.facts.row_counts["shops"] == 2
        assert admin.query("select count(*) from pg_database where datname like 'schemaspec%'") == [(0,)]
        shop.migrations.write_text(shop.migrations.read_text() + _SQL)
        assert shop.project().rehearse_migrations().passed
        admin.close()


@pytest.mark.usefixtures("postgresql_client")
def test_a_backup_needs_no_spec(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "create", "-d", shop.weak]) == 0
    assert main(["backup", "list", "-d", shop.weak]) == 0
    assert "1 verified" in capsys.readouterr().out
    assert main(["backup", "create", "-d", shop.weak, "-s", "nowhere.yaml"]) == 2


def test_a_refused_question_of_a_check_is_no_failed_migration(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.spec.write_text("schemaspec: 1\n")
    query = PostgresConnection.query
    late = {"rolsuper": "select pg_sleep(5)"}  # as a URL with a statement_timeout may meet with on a busy server
    monkeypatch.setattr(
        PostgresConnection,
        "query",
        lambda self, sql, *more: query(self, next((text for word, text in late.items() if word in sql), sql), *more),
    )
    assert main(["check", "-s", str(shop.spec), "-d", f"{shop.able}?options=-c%20statement_timeout%3D1500"]) == 3
    told = capsys.readouterr().err
    assert "statement timeout" in told
    assert "fix: " in told
