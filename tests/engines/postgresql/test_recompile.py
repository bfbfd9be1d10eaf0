"""A spec that was edited leads to the same schema, whether a part of it is made anew or the whole."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from schemaspec.engines.postgresql.connect import connect
from schemaspec.engines.registry import engine
from schemaspec.model.schema import ObjectId, Schema
from schemaspec.model.spec import Declaration, Object, Script, Spec, Table
from schemaspec.model.url import DatabaseUrl
from schemaspec.project import cache, desired, kept
from tests.engines.postgresql.conftest import Make
from tests.engines.postgresql.test_narrow import AREAS, EDITS, sql

ENGINE = engine("postgresql")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every schema counts as large."""
    monkeypatch.setattr(kept, "LARGE", 0)
    monkeypatch.setenv("SCHEMASPEC_CACHE_DIR", str(tmp_path))


class Bench:
    """Compiles one spec after the other, and counts what was made of them."""

    def __init__(self, url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self.made: list[int] = []
        real = desired.compile_declarations

        def counted(one: object, declarations: tuple[Declaration, ...], spec: Spec) -> object:
            self.made.append(len(declarations))
            return real(one, declarations, spec)  # type: ignore[arg-type]

        monkeypatch.setattr(desired, "compile_declarations", counted)

    def __call__(self, declarations: tuple[Declaration, ...]) -> tuple[Schema, bool]:
        """What they lead to, and whether a part of them was enough."""
        self.made.clear()
        spec = Spec(
            file="expected_schema.yaml", root="/nowhere", declarations=declarations, digest=cache.digest(repr(declarations))
        )
        found = desired.desired(ENGINE, spec, self.url, _version(self.url))
        again = desired.desired(ENGINE, spec, self.url, _version(self.url))
        assert dict(again.whole.objects) == dict(found.whole.objects)
        assert again.parts == found.parts
        return again.whole, self.made != [len(declarations)] and len(self.made) == 1

    def whole(self, declarations: tuple[Declaration, ...]) -> Schema:
        """What they lead to when all of them are made."""
        spec = Spec(file="expected_schema.yaml", root="/nowhere", declarations=declarations)
        return desired.described(ENGINE, spec, self.url)[0]


@pytest.fixture
def bench(database: Make, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(database(), monkeypatch)


def _version(url: DatabaseUrl) -> str:
    connection = connect(url)
    connection.close()
    return connection.server_version


def _declared(url: DatabaseUrl) -> tuple[Declaration, ...]:
    connection = connect(url)
    try:
        return ENGINE.declare(ENGINE.introspect(connection))
    finally:
        connection.close()


def _facts(schema: Schema) -> dict[ObjectId, object]:
    return {item.id: (dict(item.attributes), dict(item.notes), frozenset(item.depends_on)) for item in schema}


def _same(one: Schema, other: Schema) -> None:
    assert _facts(one) == _facts(other)
    for table in other.of_kind("table"):
        for kind in ("column", "index", "check"):
            assert [item.id for item in one.children(table.id.path, kind)] == [
                item.id for item in other.children(table.id.path, kind)
            ]
    kinds = [item.id.kind for item in one]
    assert kinds == sorted(kinds, key=list(dict.fromkeys(item.id.kind for item in other)).index)


@pytest.mark.parametrize("edit", EDITS, ids=[new or old for old, new in EDITS])
def test_each_edit_there_and_back(edit: tuple[str, str], bench: Bench, database: Make) -> None:
    before = _declared(database(sql(), name="recompile_a"))
    after = _declared(database(sql({5: edit}), name="recompile_a"))
    bench(before)
    found, partly = bench(after)
    _same(found, bench.whole(after))
    kinds = {
        item.kind if isinstance(item, Object) else "table"
        for item in (*before, *after)
        if item not in before or item not in after
    }
    assert partly or "function" in kinds
    found, _ = bench(before)
    _same(found, bench.whole(before))


@pytest.mark.parametrize("seed", range(3))
def test_one_edit_after_the_other(seed: int, bench: Bench, database: Make) -> None:
    dice = random.Random(seed)
    edits: dict[int, tuple[str, str]] = {}
    bench(_declared(database(sql(), name="recompile_a")))
    for _ in range(3):
        edits[dice.randrange(AREAS)] = dice.choice(EDITS)
        now = _declared(database(sql(edits), name="recompile_a"))
        _same(bench(now)[0], bench.whole(now))


def _tables(*texts: str) -> tuple[Declaration, ...]:
    """Tables in the engine's own words, and enough others beside them."""
    own = [Table(name=text.split()[2], sql=(text,)) for text in texts]
    return (*own, *(Table(name=f"other{n}", sql=(f"create table other{n} (id integer primary key)",)) for n in range(9)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # a name that the engine makes up is another one where somebody else has it
        (
            ("create table a_b (c integer)", "create table a (b_c integer)"),
            ("create table a_b (c integer unique)", "create table a (b_c integer unique)"),
        ),
        (
            ("create table a_b (c integer unique)", "create table a (b_c integer unique)"),
            ("create table a_b (c integer)", "create table a (b_c integer unique)"),
        ),
        (
            ("create table a (id integer)", "create table b (id integer)"),
            ("create table a (id serial)", "create table b (id integer)"),
        ),
    ],
)
def test_names_that_the_engine_makes_up(before: tuple[str, ...], after: tuple[str, ...], bench: Bench) -> None:
    bench(_tables(*before))
    found, _ = bench(_tables(*after))
    _same(found, bench.whole(_tables(*after)))


def test_the_whole_where_a_script_may_do_anything(bench: Bench) -> None:
    script = Script(sql="alter table other1 add column more integer")
    bench((*_tables("create table a (id integer)"), script))
    found, partly = bench((*_tables("create table a (id bigint)"), script))
    assert not partly
    _same(found, bench.whole((*_tables("create table a (id bigint)"), script)))


def test_the_whole_where_a_function_may_mean_another_one_now(bench: Bench) -> None:
    table = _tables("create table a (id integer default f(1))")
    wide = Object(
        kind="function", name="f(numeric)", sql=("create function f(numeric) returns integer language sql as 'select 1'",)
    )
    close = replace(wide, name="f(integer)", sql=("create function f(integer) returns integer language sql as 'select 2'",))
    bench((wide, *table))
    found, partly = bench((wide, close, *table))
    assert not partly
    _same(found, bench.whole((wide, close, *table)))


def test_what_speaks_of_an_edited_table_is_made_with_it(bench: Bench) -> None:
    """A declaration whose words reach into another table does so again."""
    reaches = Table(
        name="b", sql=("create table b (id integer primary key)", "alter table a add column from_b integer references b (id)")
    )
    before = (*_tables("create table a (id integer)"), reaches)
    after = (*_tables("create table a (id bigint)"), reaches)
    bench(before)
    found, partly = bench(after)
    assert partly
    assert ObjectId("column", ("public", "a", "from_b")) in found
    _same(found, bench.whole(after))


def test_the_whole_where_a_name_may_mean_another_table_now(bench: Bench) -> None:
    schema = Object(kind="schema", name="far")
    before = (schema, *_tables("create table a (id integer)"))
    after = (*before, Table(name="far.other3", sql=("create table far.other3 (id integer)",)))
    bench(before)
    found, partly = bench(after)
    assert not partly
    _same(found, bench.whole(after))


@pytest.mark.parametrize(
    "words",
    [
        ("create table a (id integer)", "create table a_log (id integer)"),
        ("create table a (id integer); create table a_log (id integer)",),
        ("create table a (id integer)", "alter table other2 add column of_a integer"),
    ],
)
def test_what_an_edited_declaration_made_beside_is_gone_with_it(words: tuple[str, ...], bench: Bench) -> None:
    before = (*_tables(), Table(name="a", sql=words))
    after = (*_tables(), Table(name="a", sql=("create table a (id bigint)",)))
    bench(before)
    found, partly = bench(after)
    assert not partly
    _same(found, bench.whole(after))


def test_what_was_made_somewhere_else_than_it_was_declared_is_gone_too(bench: Bench) -> None:
    stray = Object(
        kind="rule", name="quiet", table="other1", sql=("create rule quiet as on delete to other2 do instead nothing",)
    )
    bench((*_tables(), stray))
    found, partly = bench(_tables())
    assert not partly
    _same(found, bench.whole(_tables()))
    named = replace(stray, table=None, kind="view", name="v", sql=("create view w as select 1 as v",))
    bench((*_tables(), named))
    found, _ = bench(_tables())
    _same(found, bench.whole(_tables()))
