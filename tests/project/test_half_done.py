"""The index that a failed CREATE INDEX CONCURRENTLY left: told, described, planned around, and mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemaspec.engines.postgresql.connect import connect
from schemaspec.errors import StatementError
from schemaspec.project import Project
from schemaspec.project.initialise import describe_database
from tests.servers_postgresql import PrivateCluster


class Place:
    """A database with two such indexes, and a folder for its spec."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.spec = url, folder / "expected_schema.yaml"

    def init(self) -> str:
        return describe_database(self.url, str(self.spec), force=True).message

    def project(self) -> Project:
        return Project.open(str(self.spec), database=self.url)

    def edit(self, before: str, after: str) -> None:
        text = self.spec.read_text()
        assert text.count(before) == 1
        self.spec.write_text(text.replace(before, after))


@pytest.fixture
def place(postgresql: PrivateCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    admin = connect(postgresql.url(), mode="write")
    admin.execute("CREATE DATABASE half_done")
    url = postgresql.url("half_done")
    live = connect(url, mode="write")
    live.execute("CREATE TABLE shops (id integer primary key, code text)")
    live.execute("INSERT INTO shops VALUES (1, 'a'), (2, 'a')")
    for index in ("codes", "more_codes"):
        with pytest.raises(StatementError):
            live.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON shops (code)")
    live.close()
    yield Place(str(url), tmp_path)
    admin.execute("DROP DATABASE half_done WITH (FORCE)")
    admin.close()


def _sql(place: Place, sql: str) -> None:
    connection = connect(place.project().url, mode="write")
    connection.execute(sql)
    connection.close()


def test_it_is_described_as_it_should_be(place: Place) -> None:
    message = place.init()
    assert "public.shops.codes is half done, and described as it should be" in message
    assert place.project().test().message == ""
    report = place.project().check()
    told = {check.id: [finding.code for finding in check.findings] for check in report.checks if check.status == "fail"}
    assert told["integrity"] == ["integrity.invalid_index"] * 2
    assert len(told["indexes"]) == 2


def test_a_plan_makes_it_anew_and_says_what_stands_in_the_way(place: Place) -> None:
    place.init()
    plan = place.project().plan()
    assert plan.proof == "proven", plan.proof_message
    assert {hazard.code for hazard in plan.all_hazards} == {"unique_violated"}
    _sql(place, "UPDATE shops SET code = 'b' WHERE id = 2")
    place.project().apply_direct(backup=False)
    assert place.project().check().passed


def test_plans_that_have_nothing_to_do_with_it_are_proven_and_leave_it_alone(place: Place) -> None:
    place.init()
    text = place.spec.read_text()
    start = text.index("    indexes:")
    place.spec.write_text(text[:start].replace("extra: fail", "extra: ignore"))
    place.edit("code: text", "code: text\n      name: text")
    plan = place.project().plan()
    assert plan.proof == "proven", plan.proof_message
    assert [str(change.id) for step in plan.steps for change in step.changes] == ["public.shops.name"]
