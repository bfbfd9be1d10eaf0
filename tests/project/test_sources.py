"""`diff` between every two kinds of things that have a schema."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from schemaspec.errors import InputError
from schemaspec.project import Project
from schemaspec.project.initialise import write_snapshot
from schemaspec.project.sources import compare_sources
from tests.shop import Shop

KINDS = ("url", "file", "spec", "script", "backup", "packed backup", "snapshot")


def _kinds(folder: Path) -> dict[str, str]:
    database = str(folder / "store.db")
    url = f"sqlite:///{database}"
    store = Project.open(str(folder / "expected_schema.yaml")).backups()
    plain, packed = store.create(), store.create(compress=True)
    script = compare_sources(_empty(folder), url, with_plan=True).plan
    assert script is not None
    from schemaspec.plan.document import plan_to_sql

    (folder / "shop.sql").write_text(plan_to_sql(script))
    write_snapshot(url, str(folder / "expected_schema.yaml"))
    return {
        "url": url,
        "file": database,
        "spec": str(folder / "expected_schema.yaml"),
        "script": str(folder / "shop.sql"),
        "backup": str(plain.path),
        "packed backup": str(packed.path),
        "snapshot": str(folder / "expected_schema.snapshot.json"),
    }


def _empty(folder: Path) -> str:
    (folder / "empty.sql").write_text("")
    return str(folder / "empty.sql")


@pytest.fixture(scope="module")
def same(applied: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return _kinds(_copy(applied, tmp_path_factory.mktemp("same")))


@pytest.fixture(scope="module")
def other(applied: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = _copy(applied, tmp_path_factory.mktemp("other"))
    changed = Shop(path=folder, environment=applied.environment)
    changed.sql("alter table suppliers add column fax text")
    changed.edit("specs/catalog.yaml", "      phone: label\n", "      phone: label\n      fax: text\n")
    return _kinds(folder)


def _copy(shop: Shop, target: Path) -> Path:
    import shutil

    shutil.copytree(shop.path, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("backups"))
    return target


@pytest.mark.parametrize(("a", "b"), list(product(KINDS, KINDS)))
def test_no_difference(same: dict[str, str], a: str, b: str) -> None:
    assert compare_sources(same[a], same[b]).changes == ()


@pytest.mark.parametrize(("a", "b"), list(product(KINDS, KINDS)))
def test_one_difference(same: dict[str, str], other: dict[str, str], a: str, b: str) -> None:
    (change,) = compare_sources(same[a], other[b]).changes
    assert (change.action, change.id.kind, change.id.path) == ("create", "column", ("suppliers", "fax"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("spec.yaml", "tables: [unclosed"),
        ("snapshot.json", "{}"),
        ("snapshot.json", "not json"),
        ("script.sql", "create table t (x"),
        ("script.sql", "create table t (x); create table t (y)"),
    ],
)
def test_what_cannot_be_read(applied: Shop, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as raised:
        compare_sources(str(tmp_path / name), str(applied.path / "store.db"))
    assert name in str(raised.value)


def test_what_is_nothing(applied: Shop) -> None:
    with pytest.raises(InputError, match="no such file"):
        compare_sources("nothing", str(applied.path / "store.db"))
    with pytest.raises(InputError, match="different engines"):
        compare_sources("postgresql://h/d", str(applied.path / "store.db"))


def test_a_backup_by_its_name(shop: Shop) -> None:
    name = shop("backup", "create", "-q").out.strip().rpartition("/")[2]
    shop.sql("alter table suppliers add column fax text")
    ran = shop("diff", name, "store.db")
    assert (ran.code, f"only in {name}" in ran.out, "+ column suppliers.fax" in ran.out) == (1, True, True), ran.all
