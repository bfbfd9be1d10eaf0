"""migrations.yaml: read in every form, written, and added to without touching what people wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemaspec.errors import InputError, InputErrors
from schemaspec.model.migration import IRREVERSIBLE, Expectation, Migration, Operation, PythonCall, Sql
from schemaspec.model.position import Position
from schemaspec.spec.digest import digest_now
from schemaspec.spec.migrations_plain import inputs_of_plain, migrations_from_plain, migrations_to_plain
from schemaspec.spec.migrations_reader import load_migrations, read_migrations
from schemaspec.spec.migrations_writer import append_migration, write_baseline, write_migrations

HISTORY = """\
schemaspec: 1
include: [migrations/*.yaml]
migrations:
  - version: 20260114093000
    description: Several actions
    up:                                         # a list: SQL, operations, files, Python
      - add_column: {table: orders, column: coupon_code text}
      - sql_file: migrations/007_backfill.sql
      - python: shop.migrations.v7:up
      - |
        update orders
        set a = 1
      - {sqlite: select 1, postgresql: [select 2, {sql: select 3}], mysql: null}
    requires: [{query: select count(*) from orders, expect: ">= 0"}]
    verify: {query: select 1, expect: 1}
    transaction: false
    allow: [drop_column]
  - version: 6
    description: Add discount_percent
    up: ALTER TABLE products ADD COLUMN discount_percent REAL DEFAULT 0
    down: ALTER TABLE products DROP COLUMN discount_percent
  - version: 8
    description: For good
    up: {sqlite: a, postgresql: b, mysql: null}
    down: {sqlite: Irreversible, postgresql: c, mysql: null}
  - {version: 9, description: One operation, up: {drop_table: {table: t}}, down: irreversible}
"""
SEVENTH = "migrations:\n  - {version: 7, description: Included, up: {sql_file: 007_backfill.sql}}\n"


@pytest.fixture
def history(files: Any) -> str:
    files({"migrations.yaml": HISTORY, "migrations/7.yaml": SEVENTH, "migrations/007_backfill.sql": "update t set a = 1;\n"})
    return "migrations.yaml"


def test_every_form(history: str) -> None:
    read = {item.version: item for item in read_migrations(history, engine="sqlite")}
    assert list(read) == [6, 7, 8, 9, 20260114093000]
    assert read[6].up == (Sql(text="ALTER TABLE products ADD COLUMN discount_percent REAL DEFAULT 0"),)
    assert read[6].down == (Sql(text="ALTER TABLE products DROP COLUMN discount_percent"),)
    assert read[7].up == (Sql(text="update t set a = 1;\n", file="migrations/007_backfill.sql"),)
    assert read[8].down == read[9].down == IRREVERSIBLE
    assert read[9].up == (Operation(name="drop_table", arguments={"table": "t"}),)
    last = read[20260114093000]
    assert last.up == (
        Operation(name="add_column", arguments={"table": "orders", "column": "coupon_code text"}),
        Sql(text="update t set a = 1;\n", file="migrations/007_backfill.sql"),
        PythonCall(target="shop.migrations.v7:up"),
        Sql(text="update orders\nset a = 1\n"),
        Sql(text="select 1"),
    )
    assert last.down is None
    assert last.requires == (Expectation(query="select count(*) from orders", expect=">= 0"),)
    assert last.verify == (Expectation(query="select 1", expect="1"),)
    assert (last.transaction, last.allow) == (False, ("drop_column",))


def test_positions(history: str) -> None:
    read = {item.version: item for item in read_migrations(history, engine="sqlite")}
    assert read[6].position == Position("migrations.yaml", 18, 5)
    assert [action.position for action in read[20260114093000].up] == [
        Position("migrations.yaml", 7, 9),
        Position("migrations/007_backfill.sql", 1, 1),
        Position("migrations.yaml", 9, 17),
        Position("migrations.yaml", 11, 9),
        Position("migrations.yaml", 13, 18),
    ]


@pytest.mark.parametrize(
    ("engine", "texts", "eighth"), [("postgresql", ["select 2", "select 3"], "b"), ("mysql", [], "select 1")]
)
def test_one_text_an_engine(history: str, engine: str, texts: list[str], eighth: str) -> None:
    read = {item.version: item for item in read_migrations(history, engine=engine)}
    assert [action.text for action in read[20260114093000].up[4:] if isinstance(action, Sql)] == texts
    assert read[8].up == (Sql(text=eighth),)
    assert read[8].down == ((Sql(text="c"),) if engine == "postgresql" else None)


def test_inputs_tell_of_every_change(history: str) -> None:
    loaded = load_migrations(history, engine="sqlite")
    assert set(loaded.inputs.files) == {"migrations.yaml", "migrations/7.yaml", "migrations/007_backfill.sql"}
    assert digest_now(loaded.inputs, loaded.root) == loaded.digest
    Path("migrations/007_backfill.sql").write_text("update t set a = 2;\n")
    assert digest_now(loaded.inputs, loaded.root) != loaded.digest


@pytest.mark.parametrize("engine", ["sqlite", "mysql"])
def test_kept_between_runs(history: str, engine: str) -> None:
    rows = "  - {version: 10, description: Rows, up: [insert_rows: {table: t, rows: [{a: 1.10, b: null}]}], baseline: true}\n"
    Path(history).write_text(HISTORY + rows)
    loaded = load_migrations(history, engine=engine)
    plain = json.loads(json.dumps(migrations_to_plain(loaded)))
    again = migrations_from_plain(plain)
    assert again == loaded.migrations
    assert [item.position for item in again] == [item.position for item in loaded.migrations]
    assert [repr(item.up) for item in again] == [repr(item.up) for item in loaded.migrations]
    assert inputs_of_plain(plain) == (loaded.inputs, loaded.root, loaded.digest)


def test_no_file(files: Any) -> None:
    files({"x": ""})
    with pytest.raises(InputError, match=r"there is no file gone\.yaml"):
        read_migrations("gone.yaml", engine="sqlite")


def test_an_empty_list(files: Any) -> None:
    files({"m.yaml": "migrations:\n"})
    assert read_migrations("m.yaml", engine="sqlite") == ()


def test_sql_file_that_leads_out(files: Any, tmp_path: Path) -> None:
    (tmp_path / "out.sql").write_text("select 1")
    root = files({"m.yaml": "migrations:\n  - {version: 1, description: a, up: [{sql_file: link.sql}]}\n"}).parent
    (root / "link.sql").symlink_to(tmp_path / "out.sql")
    with pytest.raises(InputErrors, match="leads out of the folder"):
        read_migrations("m.yaml", engine="sqlite")


NEW = Migration(
    42,
    "Add: a column",
    (
        Operation(name="add_column", arguments={"table": "t", "column": "c text"}),
        Operation(name="create_index", arguments={"index": "i", "table": "t", "on": ["c"]}),
        Sql(text="update t\nset c = 1;\n\nselect 'x'"),
    ),
    "drop table x",
    verify=(Expectation(query="select 1", expect="0"), Expectation(query="select 2", expect=">= 0")),
    transaction=False,
    allow=("drop_column",),
)
ENTRY = """\
  - version: 42
    description: 'Add: a column'
    up:
      - add_column: {table: t, column: c text}
      - create_index: {index: i, table: t, on: [c]}
      - |-
        update t
        set c = 1;

        select 'x'
    down: drop table x
    verify: [{query: select 1, expect: 0}, {query: select 2, expect: '>= 0'}]
    transaction: false
    allow: [drop_column]
"""
ONE = "  - version: 1\n    description: One\n    up: select 1\n"
APPENDED = {
    "at the end": (f"migrations:\n{ONE}", f"migrations:\n{ONE}{ENTRY}"),
    "no line end": (f"migrations:\n{ONE}".rstrip(), f"migrations:\n{ONE}{ENTRY}"),
    "comments": (
        f"# head\nmigrations: # these\n{ONE}    # of one\n\n# tail\n",
        f"# head\nmigrations: # these\n{ONE}    # of one\n{ENTRY}\n# tail\n",
    ),
    "gaps": (
        f"migrations:\n{ONE}\n  # two\n{ONE.replace('1', '2')}",
        f"migrations:\n{ONE}\n  # two\n{ONE.replace('1', '2')}\n{ENTRY}",
    ),
    "a key behind": (f"migrations:\n{ONE}title: x\n", f"migrations:\n{ONE}{ENTRY}\ntitle: x\n"),
    "a gap and a key behind": (f"migrations:\n{ONE}\ntitle: x\n", f"migrations:\n{ONE}{ENTRY}\ntitle: x\n"),
    "a block at the end": (
        f"migrations:\n{ONE.replace('select 1', '|')}      select 1\n      # not a comment\n\n\n",
        f"migrations:\n{ONE.replace('select 1', '|')}      select 1\n      # not a comment\n{ENTRY}\n\n",
    ),
    "an empty list": ("schemaspec: 1\nmigrations: []  # none yet\n", f"schemaspec: 1\nmigrations:  # none yet\n{ENTRY}"),
    "nothing in the list": ("migrations:\ntitle: x\n", f"migrations:\n{ENTRY}title: x\n"),
    "no list": ("schemaspec: 1\n", f"schemaspec: 1\nmigrations:\n{ENTRY}"),
    "windows": (f"migrations:\n{ONE}".replace("\n", "\r\n"), f"migrations:\n{ONE}{ENTRY}".replace("\n", "\r\n")),
    "the end of a document": (f"---\nmigrations:\n{ONE}...\n", f"---\nmigrations:\n{ONE}{ENTRY}\n...\n"),
    "no indentation": (
        "migrations:\n- {version: 1, description: One, up: select 1}\n",
        "migrations:\n- {version: 1, description: One, up: select 1}\n"
        + "".join(line.removeprefix("  ") for line in ENTRY.splitlines(keepends=True)),
    ),
    "dashes on lines of their own": (
        "migrations:\n  -\n    version: 1\n    description: One\n    up: select 1\n",
        "migrations:\n  -\n    version: 1\n    description: One\n    up: select 1\n" + ENTRY,
    ),
}


@pytest.mark.parametrize("name", APPENDED)
def test_append(name: str, files: Any) -> None:
    before, after = APPENDED[name]
    assert append_migration(before, NEW) == after
    files({"m.yaml": after})
    assert read_migrations("m.yaml", engine="sqlite")[-1] == NEW


FLOW = "{version: 1, description: 'One ]', up: select 1}"
BRACKETS = {
    "on one line": (f"migrations: [{FLOW}]  # all\n", f"migrations: [{FLOW}, ", "]  # all\n"),
    "all of it": (f"{{migrations: [{FLOW}], schemaspec: 1}}\n", f"{{migrations: [{FLOW}, ", "], schemaspec: 1}\n"),
    "a last comma": (f"migrations: [\n  {FLOW},  # ]\n  ]\n", f"migrations: [\n  {FLOW},  # ]\n    ", "\n  ]\n"),
    "no last comma": (f"migrations: [\n  {FLOW}  # ]\n]\n# end\n", f"migrations: [\n  {FLOW}  # ]\n  , ", "\n]\n# end\n"),
}


@pytest.mark.parametrize("name", BRACKETS)
def test_append_in_brackets(name: str, files: Any) -> None:
    before, head, tail = BRACKETS[name]
    after = append_migration(before, NEW)
    assert after.startswith(head) and after.endswith(tail)
    files({"m.yaml": after})
    assert read_migrations("m.yaml", engine="sqlite")[-1] == NEW


def test_append_to_nothing(files: Any) -> None:
    files({"m.yaml": append_migration("", NEW)})
    assert read_migrations("m.yaml", engine="sqlite") == (NEW,)


@pytest.mark.parametrize("text", ["migrations: 3\n", "migrations: {version: 1}\n", "- a\n", "a: [\n"])
def test_append_to_what_cannot_be_added_to(text: str) -> None:
    with pytest.raises(InputError):
        append_migration(text, NEW)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30).filter(str.strip)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.floats(-1e9, 1e9).map(lambda number: round(number, 3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    description=TEXTS,
    texts=st.lists(TEXTS, min_size=1, max_size=3),
    down=st.none() | st.just(IRREVERSIBLE) | TEXTS.filter(lambda text: text.strip().lower() != IRREVERSIBLE),
    rows=st.lists(st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers() | TEXTS, max_size=3), min_size=1, max_size=2),
    options=st.dictionaries(TEXTS, PLAIN, max_size=2),
)
def test_migrations_read_back(description: str, texts: list[str], down: Any, rows: Any, options: Any, tmp_path: Path) -> None:
    up = (
        *(Sql(text=text) for text in texts),
        Operation(name="insert_rows", arguments={"table": "t", "rows": rows}),
        Operation(name="create_index", arguments={"index": "i", "table": "t", "on": "a", "options": options}),
    )
    first = Migration(1, description, up, down, allow=("a",))
    text = append_migration(write_migrations([first]), Migration(2, description, texts[0]))
    path = tmp_path / "m.yaml"
    path.write_bytes(text.encode())
    assert read_migrations(path, engine="sqlite") == (first, Migration(2, description, texts[0])), text


def test_baseline(files: Any) -> None:
    text = write_baseline(["create table a (x int)", "create view v as select 1 -- why", "  "])
    assert text == BASELINE
    files({"m.yaml": text, "n.yaml": write_baseline([])})
    (only,) = read_migrations("m.yaml", engine="sqlite")
    assert (only.version, only.down) == (1, IRREVERSIBLE)
    assert len(read_migrations("n.yaml", engine="sqlite")) == 1


def test_a_baseline_of_any_size_can_be_read_again(files: Any) -> None:
    statements = [f"create table t{number} (a int default {'1' * 90000})" for number in range(20)]
    files({"m.yaml": write_baseline(statements)})
    (migration,) = read_migrations("m.yaml", engine="sqlite")
    texts = [action.text for action in migration.up if isinstance(action, Sql)]
    assert len(texts) > 1
    assert "".join(texts).replace("\n", "") == "".join(f"{statement};" for statement in statements)


BASELINE = """\
schemaspec: 1
migrations:
  - version: 1
    description: 'Baseline: the schema as it was found'
    baseline: true
    up: |
      create table a (x int);

      create view v as select 1 -- why
      ;
    down: irreversible
"""
