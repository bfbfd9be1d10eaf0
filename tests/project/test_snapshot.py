"""Where no scratch database may be made, a snapshot made earlier stands in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemaspec.engines.postgresql.connect import connect
from schemaspec.errors import DatabaseError, InputError, RiskWarning
from schemaspec.project import Project
from schemaspec.project.initialise import write_snapshot
from schemaspec.project.sources import compare_sources
from tests.servers_postgresql import PrivateCluster

SPEC = """\
schemaspec: 1
database: sqlite:///elsewhere.db
extra: ignore
tables:
  shops: {columns: {id: integer primary key, name: text not null}}
"""


class Place:
    """A spec for two engines, a database that meets it, who may make scratch databases there, and who may only read."""

    def __init__(self, cluster: PrivateCluster, folder: Path) -> None:
        self.spec = folder / "expected_schema.yaml"
        self.snapshot = folder / "expected_schema.snapshot.json"
        self.able = str(cluster.url("snapshot_shop"))
        self.weak = self.able.replace("postgres@", "snapshot_reader@")
        self.spec.write_text(SPEC)

    def check(self, database: str) -> bool:
        return Project.open(str(self.spec), database=database).check().passed


@pytest.fixture
def place(postgresql: PrivateCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    admin = connect(postgresql.url(), mode="write")
    admin.execute("CREATE ROLE snapshot_reader LOGIN")
    admin.execute("CREATE DATABASE snapshot_shop")
    live = connect(postgresql.url("snapshot_shop"), mode="write")
    live.execute("CREATE TABLE shops (id integer primary key, name text not null)")
    live.execute("GRANT SELECT ON shops TO PUBLIC")
    live.close()
    yield Place(postgresql, tmp_path)
    admin.execute("DROP DATABASE snapshot_shop")
    admin.execute("DROP ROLE snapshot_reader")
    admin.close()


def _forget(place: Place) -> None:
    shutil.rmtree(place.spec.parent / "cache", ignore_errors=True)


def test_without_one_the_three_ways_are_named(place: Place) -> None:
    for attempt in (lambda: place.check(place.weak), lambda: compare_sources(place.weak, str(place.spec))):
        with pytest.raises(DatabaseError) as raised:
            attempt()
        for way in ("CREATEDB", "scratch:", "schemaspec init --snapshot"):
            assert way in str(raised.value)


def test_check_and_diff_use_it(place: Place) -> None:
    write_snapshot(place.able, str(place.spec))
    sure = [change.id for change in compare_sources(place.able, str(place.spec)).changes]
    assert place.check(place.weak) == place.check(place.able)
    _forget(place)
    assert [change.id for change in compare_sources(place.weak, str(place.spec)).changes] == sure


def test_one_of_an_older_spec_is_refused_until_a_run_that_can_has_renewed_it(place: Place) -> None:
    write_snapshot(place.able, str(place.spec))
    place.spec.write_text(SPEC.replace("name: text not null", "name: text"))
    for attempt in (lambda: place.check(place.weak), lambda: compare_sources(place.weak, str(place.spec))):
        with pytest.raises(
            InputError, match=r"another version of the spec(.|\n)*why: no scratch database can be made, so it has"
        ):
            attempt()
    place.check(place.able)
    _forget(place)
    assert not place.check(place.weak)


def test_what_a_run_that_could_has_worked_out_is_there_for_one_that_can_not(place: Place) -> None:
    place.check(place.able)
    assert not place.snapshot.exists()
    assert place.check(place.weak) == place.check(place.able)


def test_words_of_another_version_of_the_server_are_warned_of(place: Place) -> None:
    write_snapshot(place.able, str(place.spec))
    content = json.loads(place.snapshot.read_text())
    content["schema"]["server_version"] = "9.6"
    place.snapshot.write_text(json.dumps(content))
    with pytest.warns(RiskWarning, match=r"worked out on a server of version 9\.6"):
        place.check(place.weak)
