"""One spec for three engines: the grocery shop, from nothing to checked, described again, changed and brought back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemaspec.engines.registry import engine_for
from schemaspec.model.report import Report
from schemaspec.model.url import DatabaseUrl
from schemaspec.project import Project, again
from schemaspec.project.initialise import describe_database
from tests.servers_mysql import PrivateServer, products
from tests.servers_postgresql import PrivateCluster

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("sqlite", "postgresql", *products())


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    if request.param == "postgresql":
        cluster: PrivateCluster = request.getfixturevalue("postgresql")
        admin, text = cluster.url(), str(cluster.url("three_engines"))
    else:
        server: PrivateServer = request.getfixturevalue(request.param)
        admin, text = server.url("mysql"), str(server.url("three_engines"))
    _execute(admin, "CREATE DATABASE three_engines")
    yield text
    _execute(admin, "DROP DATABASE three_engines")


def _execute(url: DatabaseUrl, sql: str) -> None:
    connection = engine_for(url).connect(url, mode="write")
    try:
        connection.execute(sql)
    finally:
        connection.close()


@pytest.fixture
def shop(tmp_path: Path, url: str) -> Project:
    """The example of this repository, on that database."""
    for name in ("expected_schema.yaml", "migrations.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    return Project.open(tmp_path / "expected_schema.yaml", database=url)


def _failures(report: Report) -> list[str]:
    return [finding.message for check in report.checks for finding in check.findings if finding.severity == "fail"] + [
        check.message for check in report.checks if check.status == "error"
    ]


def test_the_shop_on_every_engine(shop: Project, url: str, tmp_path: Path) -> None:
    assert not shop.check().passed
    assert shop.apply(backup=False).applied == (1, 2, 3, 4, 5)
    assert shop.apply(backup=False).applied == ()
    report = shop.check()
    assert _failures(report) == []
    assert report.counts["products"] == 8
    assert report.counts["regions"] == 30
    assert shop.plan().steps == ()

    described = tmp_path / "described"
    described.mkdir()
    describe_database(url, str(described / "expected_schema.yaml"))
    again = Project.open(described / "expected_schema.yaml", database=url)
    assert _failures(again.check(skip=["versions"])) == []
    assert again.test().message == ""


def test_the_shop_on_every_engine_goes_back_and_forth(shop: Project) -> None:
    shop.apply(backup=False)
    assert shop.rollback(to=3, backup=False).rolled_back == (5, 4)
    assert not shop.check().passed
    assert shop.apply(backup=False).applied == (4, 5)
    assert _failures(shop.check()) == []


def test_migrations_of_the_shop_lead_to_its_spec_on_every_engine(shop: Project) -> None:
    assert shop.test().message == ""


def test_the_shop_is_built_straight_from_its_spec_on_every_engine(shop: Project) -> None:
    plan = shop.apply_direct(backup=False, allow=frozenset({"all"}))
    assert plan is not None
    assert plan.proof == "proven", plan.proof_message
    assert _failures(shop.check(skip=["versions", "counts"])) == []
    assert shop.plan().steps == ()


CHANGES = (
    "delete from regions where id = 30",
    "alter table suppliers add column fax varchar(20)",
    "create view late as select 1 as one",
    "create index late_users on users (name)",
    "drop trigger trg_orders_touch{on}",
    "update schema_version set checksum = 'v1:0' where version = 4",
)


def test_what_has_changed_since_the_last_check_is_seen(
    shop: Project, url: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    told: list[bool] = []
    real = again.told_again

    def told_again(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        told.append(found is not None)
        return found

    monkeypatch.setattr(again, "told_again", told_again)
    shop.apply(backup=False)
    on = " on orders" if shop.engine.name == "postgresql" else ""
    before = shop.check()
    assert _found(shop.check()) == _found(before)
    assert told == [False, True]
    for change in CHANGES:
        _execute(DatabaseUrl.parse(url), change.format(on=on))
        seen = shop.check()
        assert _found(seen) != _found(before), change
        before = seen
    with monkeypatch.context() as patch:
        patch.setenv("SCHEMASPEC_CACHE_DIR", "off")
        assert _found(shop.check()) == _found(before)


def _found(report: Report) -> object:
    return report.checks, dict(report.counts), report.migrations
