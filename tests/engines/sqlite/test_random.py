"""Any schema to any other: the end is as desired, and rows that both can hold are the same rows."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemaspec.diff.compare import diff
from schemaspec.engines.sqlite import ENGINE
from schemaspec.errors import StatementError
from schemaspec.model.schema import ObjectId, Schema
from tests.engines.sqlite.planning import run, schema_of, steps_to

COLUMNS = ("a", "b", 'C "q"', "end", "É")
REFUSED = re.compile(r"constraint failed|cannot store|datatype mismatch|foreign keys would be violated")
draw_bool = st.booleans()


def quoted(name: str) -> str:
    return ENGINE.dialect.quote(name)


@st.composite
def column(draw: st.DrawFn, name: str, strict: bool) -> str:
    parts = [
        quoted(name),
        draw(st.sampled_from(["int", "text", "any"] if strict else ["", "int", "TEXT", "varchar( 5 )", "real", "Blob x"])),
    ]
    if draw(st.integers(0, 7)) == 0:
        return " ".join([*parts, "as (1 + 1)", draw(st.sampled_from(["stored", ""]))])
    extras = ["not null default 'd'", "default (1 + 2)", "default 7", "collate nocase", "unique", f"check ({quoted(name)} <> 'no')", "constraint n check (1 = 1)",
              "references t0", "references t1(a) on delete cascade deferrable initially deferred", "null /* so */", "not null default 5 -- why\n"]  # fmt: skip
    chosen = draw(st.lists(st.sampled_from(extras), max_size=3, unique_by=lambda extra: extra.split()[0]))
    return " ".join([*parts, *chosen])


@st.composite
def table(draw: st.DrawFn, name: str) -> str:
    strict = draw(st.integers(0, 4)) == 0
    names = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5, unique=True))
    lines = [draw(column(item, strict)) for item in names]
    key = draw(
        st.sampled_from(
            [
                "",
                "id integer primary key",
                "id integer primary key autoincrement",
                "id text primary key",
                "id int not null, primary key (id desc)",
            ]
        )
    )
    if key:
        key = key.replace("id int ", "id integer ") if strict else key
        first, _, rest = key.partition(", ")
        lines.insert(draw(st.integers(0, len(lines))), first)
        lines += [rest] if rest else []
    plain = [item for item, line in zip(names, lines, strict=False) if " as (" not in line]
    tail = [
        "",
        f"unique ({quoted(names[0])}, {quoted(names[-1])} collate rtrim)",
        f"check (length({quoted(names[0])}) < 90)",
        f"constraint f foreign key ({quoted(names[0])}) references t2",
    ]
    lines += [line for line in draw(st.lists(st.sampled_from(tail), max_size=2, unique=True)) if line and plain]
    without = "without rowid" if key and "autoincrement" not in key and draw(draw_bool) else ""
    options = ", ".join(option for option in (without, "strict" if strict else "") if option)
    sep = draw(st.sampled_from([", ", ",\n  ", ", -- note, with a comma\n  ", " /* ( */, "]))
    script = f"create table {name} ({sep.join(lines)}) {options};"
    for number, item in enumerate(draw(st.lists(st.sampled_from(names), max_size=2, unique=True))):
        how = draw(st.sampled_from(["", " desc", " collate nocase"]))
        where = draw(st.sampled_from(["", f" where {quoted(item)} is not null"]))
        script += f"create index {name}_i{number} on {name} ({quoted(item)}{how}){where};"
    if draw(draw_bool):
        script += f"create trigger {name}_t after insert on {name} begin update {name} set {quoted(names[0])} = new.{quoted(names[0])} where 0; end;"
    if draw(draw_bool):
        script += f"create view {name}_v as select {quoted(names[0])} from {name};"
    return script


@st.composite
def schema(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["t0", "t1", "t2"]), min_size=1, max_size=3, unique=True))
    return "".join(draw(table(name)) for name in names)


def rows_of(connection: object, current: Schema, kept: dict[str, list[str]]) -> dict[str, list[object]]:
    found = {}
    for name, columns in kept.items():
        names = ", ".join(map(quoted, columns))
        found[name] = sorted(connection.query(f"select {names} from {quoted(name)}"), key=repr)  # type: ignore[attr-defined]
    return found


def unchanged(current: Schema, desired: Schema) -> dict[str, list[str]]:
    """Tables and their columns that are the same on both sides."""
    found = {}
    for item in current.of_kind("table"):
        if item.id in desired:
            columns = [column.id for column in current.children(item.id.path, "column")]
            same = [id.name for id in columns if id in desired and desired[id].attributes == current[id].attributes]
            rowid_alias = "id" in same
            if same and (not rowid_alias or ObjectId("primary_key", (*item.id.path, "primary_key")) in desired):
                found[item.id.name] = same
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(schema(), schema(), st.lists(st.sampled_from([None, 1, 2, "x", "007", 1.5, b"\x00", "no"]), min_size=0, max_size=12))
def test_from_any_schema_to_any_other(before: str, after: str, values: list[object]) -> None:
    try:
        desired = schema_of(after)
        current = schema_of(before)
    except Exception:  # the engine refuses what was drawn
        return
    with ENGINE.scratch(None) as connection:
        connection.driver.executescript(before)
        for item in current.of_kind("table"):
            columns = [column for column in current.children(item.id.path, "column") if column.get("generated") is None]
            for number in range(0, len(values), 2):
                chosen = [values[(number + place) % len(values)] for place in range(len(columns))]
                names, marks = ", ".join(quoted(column.id.name) for column in columns), ", ".join("?" * len(columns))
                try:
                    connection.execute(f"insert or ignore into {quoted(item.id.name)} ({names}) values ({marks})", chosen)
                except StatementError:
                    continue
        kept = unchanged(current, desired)
        content = rows_of(connection, current, kept)
        steps = steps_to(current, desired)
        try:
            run(connection, steps)
        except StatementError as error:
            assert REFUSED.search(str(error)), error
            assert ENGINE.introspect(connection).fingerprint == current.fingerprint
            return
        made = ENGINE.introspect(connection)
        assert diff(made, desired) == ()
        assert rows_of(connection, made, kept) == content
        assert steps_to(made, desired) == ()
        assert ENGINE.integrity(connection) == ()
