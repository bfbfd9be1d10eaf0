"""What a database has and its history does not is noted, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from schemaspec.cli.main import main
from schemaspec.engines.protocol import Engine
from schemaspec.engines.registry import engine_for
from schemaspec.errors import RefusedError
from schemaspec.model.url import DatabaseUrl
from schemaspec.project import Project
from tests.engines.postgresql.databases import database
from tests.servers_postgresql import PrivateCluster

_MIGRATIONS = """
schemaspec: 1
migrations:
  - {version: 1, description: Shops, up: create table shops (id integer), down: drop table shops}
  - {version: 2, description: Name, up: [{add_column: {table: shops, column: name text}}]}
  - {version: 3, description: Fill, up: "update shops set name = 'x'", down: "update shops set name = null"}
  - {version: 4, description: Index, up: create index shops_name on shops (name), down: drop index shops_name}
"""


class Shop:
    """A project whose migrations are applied."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "expected_schema.yaml").write_text("schemaspec: 1\nextra: ignore\n")
        (folder / "migrations.yaml").write_text(_MIGRATIONS)
        self.spec, self.url = str(folder / "expected_schema.yaml"), url
        self.engine: Engine = engine_for(DatabaseUrl.parse(url))
        self.project().apply(backup=False)

    def project(self) -> Project:
        return Project.open(self.spec, database=self.url)

    def run(self, sql: str) -> None:
        with closing(self.engine.connect(DatabaseUrl.parse(self.url), mode="write")) as connection:
            connection.execute(sql)

    @property
    def words(self) -> list[str]:
        return [row.status for row in self.project().status()]


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    if request.param == "sqlite":
        yield Shop(tmp_path, f"sqlite:///{tmp_path}/shop.db")
        return
    cluster: PrivateCluster = request.getfixturevalue("postgresql")
    with database(cluster) as url:
        yield Shop(tmp_path, str(url))


@pytest.mark.filterwarnings("ignore:the spec is tried out")
def test_rows_that_were_lost_are_noted_again(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.run("delete from schema_version where version in (2, 4)")
    shop.run("create table something_else (id integer)")
    assert shop.words == ["applied", "out_of_order", "applied", "pending"]
    assert main(["apply", "--record", "-s", shop.spec, "-d", shop.url]) == 0
    assert capsys.readouterr().out == "Noted 2 migrations as applied: 2, 4; nothing was run\n"
    assert shop.words == ["applied"] * 4
    assert shop.project().record().applied == ()


@pytest.mark.filterwarnings("ignore:the spec is tried out")
def test_what_the_database_has_not_is_not_noted(shop: Shop) -> None:
    shop.run("delete from schema_version where version in (2, 4)")
    shop.run("drop index shops_name")
    with pytest.raises(RefusedError, match=r"(?s)lead to.*index .*shops_name"):
        shop.project().record()
    assert shop.project().record(to=2).applied == (2,)
    assert shop.words == ["applied", "applied", "applied", "pending"]


@pytest.mark.filterwarnings("ignore:the spec is tried out")
def test_what_nobody_can_see_has_to_be_accepted(shop: Shop) -> None:
    shop.run("drop table schema_version")
    with pytest.raises(RefusedError, match="migration 3 changes no schema"):
        shop.project().record()
    assert shop.words == ["pending"] * 4
    assert shop.project().record(allow=frozenset({"unproven"})).applied == (1, 2, 3, 4)
    assert shop.words == ["applied"] * 4


def test_it_goes_with_nothing_that_runs_something(shop: Shop) -> None:
    assert main(["apply", "--record", "--direct", "-s", shop.spec, "-d", shop.url]) == 2
