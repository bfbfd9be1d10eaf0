"""A second check is told from the first as long as nothing has changed, and never longer."""

from __future__ import annotations

import json
import marshal
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemaspec.model.report import Report
from schemaspec.project import Project, again, checking
from tests.shop import Shop


@pytest.fixture
def folder(shop: Shop, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(shop.path)
    yield shop.path


class Watch:
    """Counts how often a check was worked out, and how often it was told again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told = 0
        real = again.told_again

        def told_again(*arguments: object) -> object:
            found = real(*arguments)  # type: ignore[arg-type]
            self.told += found is not None and found.whole  # type: ignore[attr-defined]
            return found

        monkeypatch.setattr(again, "told_again", told_again)


def _same(one: Report, other: Report) -> bool:
    return (one.checks, dict(one.counts), one.migrations, one.title, one.database) == (
        other.checks,
        dict(other.counts),
        other.migrations,
        other.title,
        other.database,
    )


def test_told_again_while_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    first = Project.open().check()
    second, third = Project.open().check(), Project.open().check()
    assert watch.told == 2
    assert _same(first, second)
    assert _same(first, third)


def test_findings_are_told_again_too(folder: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sql("drop view products_for_sale", "delete from regions where id > 20")
    watch = Watch(monkeypatch)
    first, second = Project.open().check(), Project.open().check()
    assert watch.told == 1
    assert not first.passed
    assert _same(first, second)


def test_the_status_is_told_again_while_nothing_changes(folder: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    first, second = Project.open().status(), Project.open().status()
    assert watch.told == 1
    assert [row.status for row in first] == ["applied"] * 5
    assert first == second
    shop.sql("delete from schema_version where version = 5")
    assert [row.status for row in Project.open().status()] == ["applied"] * 4 + ["pending"]
    shop.edit("migrations.yaml", "mrp: round(price * 1.1, 2)", "mrp: round(price * 1.2, 2)")
    assert [row.status for row in Project.open().status()] == ["applied", "edited", "applied", "applied", "pending"]


CHANGES = {
    "a row": "delete from regions where id = 30",
    "a value that breaks a rule": "update users set email = 'nobody'",
    "a column": "alter table suppliers add column fax text",
    "a comment in a definition": "create table tmp_x (a /* nothing */)",
    "the history": "delete from schema_version where version = 5",
    "a checksum": "update schema_version set checksum = 'v1:0' where version = 4",
    "an orphan": "insert into stock_movements (product_id, delta, reason) values (999, 1, 'sale')",
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_of_the_database_goes_unseen(folder: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    before = Project.open().check()
    shop.sql(CHANGES[change])
    seen = Project.open().check()
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", "off")
    assert _same(seen, Project.open().check())
    assert change == "a comment in a definition" or not _same(seen, before)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """An entry for every time that the schema is compared."""
    times: list[None] = []
    real = checking._changes
    monkeypatch.setattr(checking, "_changes", lambda *arguments: (times.append(None), real(*arguments))[1])
    return times


def _unlike_without_a_cache(report: Report) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHEMASPEC_CACHE_DIR", "off")
        return not _same(report, Project.open().check())


A_SALE = "insert into stock_movements (product_id, delta, reason) values (1, -1, 'sale')"


@pytest.mark.parametrize("change", ["a row", "a value that breaks a rule", "an orphan"])
def test_what_was_found_of_the_schema_holds_while_the_data_change(
    folder: Path, shop: Shop, compared: list[None], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    assert Project.open().check().passed
    watch = Watch(monkeypatch)
    for statement in (A_SALE, CHANGES[change]):
        shop.sql(statement)
        before = len(compared)
        seen = Project.open().check()
        assert (watch.told, len(compared)) == (0, before)
        assert seen.passed == (statement is not CHANGES[change])
        assert not _unlike_without_a_cache(seen)


def test_a_schema_changed_after_the_data_is_seen(folder: Path, shop: Shop) -> None:
    assert Project.open().check().passed
    shop.sql(A_SALE)
    assert Project.open().check().passed
    shop.sql("delete from regions where id = 30", "drop view products_for_sale")
    seen = Project.open().check()
    assert {check.id for check in seen.checks if check.status == "fail"} == {"views", "counts"}
    shop.sql("delete from regions where id = 29")
    again_seen = Project.open().check()
    assert {check.id for check in again_seen.checks if check.status == "fail"} == {"views", "counts"}
    assert not _unlike_without_a_cache(again_seen)


def test_a_schema_that_is_not_as_wanted_is_compared_every_time(folder: Path, shop: Shop, compared: list[None]) -> None:
    shop.sql("drop view products_for_sale")
    assert not Project.open().check().passed
    shop.sql("delete from regions where id = 30")
    assert not Project.open().check().passed
    assert len(compared) == 2


def test_a_file_that_was_emptied_is_seen_where_its_tables_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path / "cache"))
    spec, database = tmp_path / "expected_schema.yaml", tmp_path / "some.db"
    spec.write_text('schemaspec: 1\nignore: ["tmp_*"]\ntables: {tmp_x: {columns: {id: integer primary key}}}\n')
    connection = sqlite3.connect(database)
    connection.executescript("create table tmp_y (id integer); drop table tmp_y;")
    connection.close()
    assert Project.open(spec, database=str(database)).check().passed
    database.write_bytes(b"")
    report = Project.open(spec, database=str(database)).check()
    assert [finding.code for check in report.checks for finding in check.findings] == ["file.empty"]


def test_no_change_of_a_file_goes_unseen(folder: Path, shop: Shop) -> None:
    assert Project.open().check().passed
    shop.edit("specs/people.yaml", "    rows: 30\n", "    rows: 31\n")
    assert not Project.open().check().passed
    shop.edit("specs/people.yaml", "    rows: 31\n", "    rows: 30\n")
    assert Project.open().check().passed
    (folder / "specs" / "more.yaml").write_text("schemaspec: 1\ntables: {more: {columns: {id: integer primary key}}}\n")
    assert not Project.open().check().passed
    (folder / "specs" / "more.yaml").unlink()
    assert Project.open().check().passed
    shop.edit("migrations.yaml", "mrp: round(price * 1.1, 2)", "mrp: round(price * 1.2, 2)")
    assert not Project.open().check().passed


def test_another_database_is_another_check(folder: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(folder / "store.db", folder / "other.db")
    assert Project.open().check().passed
    shop.sql("delete from regions")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")
    assert Project.open().check().passed
    monkeypatch.delenv("DATABASE_URL")
    assert not Project.open().check().passed
    assert Project.open(database="other.db").check().passed


def test_the_options_are_part_of_it(folder: Path) -> None:
    whole, part = Project.open().check(), Project.open().check(only=["tables"])
    assert (len(whole.checks), len(part.checks)) == (11, 1)
    assert len(Project.open().check(skip=["tables"]).checks) == 10
    assert len(Project.open().check().checks) == 11


def _entry(content: bytes) -> bytes:
    from schemaspec.model.digest import digest_of

    return digest_of(content) + content


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        _entry(b""),
        _entry(b"junk"),
        *(_entry(marshal.dumps(value)) for value in ([], None, ["0.1.0", {}], ["0.1.0", {"basis": 1}])),
    ],
)
def test_a_damaged_cache_costs_time_only(folder: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    import os

    from schemaspec.project import cache

    assert Project.open().check().passed
    monkeypatch.setattr(cache, "_tool", lambda: "0.1.0")
    for entry in Path(os.environ["SCHEMASPEC_CACHE_DIR"]).iterdir():
        entry.write_bytes(damage)
    assert Project.open().check().passed


def test_an_entry_that_others_can_write_is_not_believed(folder: Path) -> None:
    import os

    from schemaspec.model.digest import SIZE

    assert Project.open().check().passed
    for entry in Path(os.environ["SCHEMASPEC_CACHE_DIR"]).iterdir():
        assert entry.stat().st_mode & 0o777 == 0o600
        entry.write_bytes(_entry(entry.read_bytes()[SIZE:].replace(b"pass", b"fail")))
        entry.chmod(0o666)
    assert Project.open().check().passed


def test_a_cache_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(folder / "file" / "cache"))
    assert Project.open().check().passed
    assert Project.open().check().passed


def test_the_cache_stays_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from schemaspec.project import cache

    monkeypatch.setattr(cache, "_MOST_ENTRIES", 10)
    for number in range(40):
        cache.store("thing", str(number), value=number)
    entries = list(Path(os.environ["SCHEMASPEC_CACHE_DIR"]).iterdir())
    assert len(entries) <= 10
    assert cache.load("thing", "39") == 39


def test_a_variant_of_another_engine_is_not_taken_from_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Project.open().spec.declarations == Project.open().spec.declarations
    low_stock = {index.name: index for table in Project.open().spec.tables for index in table.indexes}["idx_products_low_stock"]
    assert low_stock.where == "stock < 10"
    monkeypatch.setenv("DATABASE_URL", "mysql://shop@127.0.0.1:1/shop")
    low_stock = {index.name: index for table in Project.open().spec.tables for index in table.indexes}["idx_products_low_stock"]
    assert low_stock.where is None


class Own:
    """A connection with methods of its own."""

    url, server_version, version = "sqlite://", "1", 3

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.calls: list[str] = []

    def rows(self, sql: str, *parameters: object) -> list[tuple[int]]:
        self.calls.append(sql)
        return [(self.answer,)]

    def flow(self) -> Iterator[int]:
        yield self.answer

    @contextmanager
    def settings(self, values: dict[str, int]) -> Iterator[None]:
        self.calls.append(f"with {values}")
        yield
        self.calls.append("end")


def test_methods_of_an_engine_are_noted_and_asked_again() -> None:
    witness = again.Witness(Own(1))  # type: ignore[arg-type]
    with witness.settings({"a": 1}):
        assert witness.version == 3
        assert witness.rows("select 1") == [(1,)]
    assert witness.sound
    steps = json.loads(json.dumps(witness.steps))
    same, other = Own(1), Own(2)
    assert again.Witness(same).confirm(steps) == len(steps)  # type: ignore[arg-type]
    assert same.calls == ["with {'a': 1}", "select 1", "end"]
    second = again.Witness(other)  # type: ignore[arg-type]
    assert second.confirm(steps) == 1
    assert other.calls == ["with {'a': 1}", "select 1", "end"]
    assert second.rows("select 1") == [(2,)]
    assert other.calls[3:] == ["select 1"]


def test_an_answer_that_can_not_be_noted_ends_it() -> None:
    witness = again.Witness(Own(1))  # type: ignore[arg-type]
    assert list(witness.flow()) == [1]
    assert not witness.sound
    witness = again.Witness(Own(1))  # type: ignore[arg-type]
    with witness.settings(values={"a": 1}):
        assert not witness.sound
