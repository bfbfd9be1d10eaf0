"""Random databases: described and made anew, and turned into each other; any name survives quoting."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemaspec.diff.compare import diff
from schemaspec.engines.mysql import ENGINE
from schemaspec.engines.mysql.connect import connect
from schemaspec.engines.mysql.words import laid_out, quote, relaxed, split_top, string_literal, string_value, unquote
from schemaspec.errors import InputError
from tests.engines.mysql.conftest import Make
from tests.engines.mysql.planning import converge, dump, round_trip, schema_of

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
FAST = settings(max_examples=200, deadline=None)
NAMES = ("a", "b", "c", "d", "e")
TYPES = (
    "int", "bigint unsigned", "tinyint(1)", "decimal(10,2)", "varchar(20)", "varchar(80)", "char(5) character set latin1", "text",
    "datetime(3)", "timestamp null", "date", "enum('x','y')", "enum('x','z','y')", "set('p','q')", "varbinary(8)", "blob",
    "double",
    "varchar(20) collate utf8mb4_bin", "json", "bit(3)", "year",
)  # fmt: skip
ENDINGS = ("", " not null", " comment 'it''s; \\\\ \"so\"'", " invisible", " default null")


@st.composite
def columns(draw: st.DrawFn) -> list[str]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    found = [f"{name} {draw(st.sampled_from(TYPES))}{draw(st.sampled_from(ENDINGS))}" for name in names]
    found[0] = f"{names[0]} {draw(st.sampled_from(('int', 'bigint', 'varchar(30)')))} not null"
    if len(names) > 1 and draw(st.booleans()):
        kind = draw(st.sampled_from(("virtual", "stored")))
        found.append(f"g varchar(200) as (concat({names[0]}, 'x')) {kind}")
    return found


@st.composite
def tables(draw: st.DrawFn, name: str) -> str:
    lines = draw(columns())
    first = lines[0].split()[0]
    extras = (
        f"primary key ({first})",
        f"unique key u ({first})",
        f"key k ({first}) using btree comment 'k'",
        f"key m ({first} desc)",
        f"constraint ck_{name} check ({first} <> '7')",  # MySQL wants such a name once in a database
        f"check (length({first}) < 50)",
    )
    options = draw(st.sampled_from(("", " comment='t'", " row_format=compact", " charset=latin1", " engine=myisam")))
    if "myisam" in options:
        extras = tuple(extra for extra in extras if "desc" not in extra)  # which MyISAM does not know on MySQL
    lines += draw(st.lists(st.sampled_from(extras), max_size=4, unique=True))
    return f"create table {name} ({', '.join(lines)}){options};"


@st.composite
def databases(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(("t", "u", "v")), max_size=3, unique=True))
    sql = "".join(draw(tables(name)) for name in names)
    if names and draw(st.booleans()):
        sql += f"create view w as select * from {names[0]};"
    if names and draw(st.booleans()):
        sql += f"create trigger {draw(st.sampled_from(('x', 'y')))} before insert on {names[-1]} for each row set @n = @n + 1;"
    return sql


@SLOW
@given(left=databases(), right=databases())
def test_random_databases(left: str, right: str, database: Make) -> None:
    current, wanted = database(left), database(right, name="wanted")
    for url in (current, wanted):
        live, again = round_trip(url)
        assert diff(again, live) == ()
    desired = schema_of(wanted)
    converge(current, desired)
    assert diff(schema_of(current), desired) == ()
    assert dump(current) == dump(wanted)


name_text = st.text(min_size=1, max_size=64).filter(lambda name: name == name.rstrip(" ") and all(ord(c) < 0x10000 for c in name))


@SLOW
@given(names=st.lists(name_text, min_size=2, max_size=4, unique_by=str.casefold))
def test_any_name_survives(names: list[str], database: Make) -> None:
    try:
        words = [ENGINE.dialect.quote(name) for name in names]
    except InputError:
        return
    url = database()
    connection = connect(url, mode="write")
    try:
        connection.internal(
            f"create table {words[0]} ({', '.join(f'{word} int' for word in words)}, key {words[1]} ({words[0]}))"
        )
    except Exception:
        return  # names that the server itself does not take
    finally:
        connection.close()
    live, again = round_trip(url)
    assert diff(again, live) == ()
    assert {item.id.name for item in live.of_kind("column")} == set(names)


@FAST
@given(st.text(max_size=40).filter(lambda text: "\0" not in text))
def test_literals_and_names_are_read_back(text: str) -> None:
    assert string_value(string_literal(text)) == text
    assert unquote(quote(text)) == text
    assert split_top(f"{string_literal(text)}, {quote(text)}, f(1, 2)") == [string_literal(text), quote(text), "f(1, 2)"]


@FAST
@given(
    st.lists(
        st.sampled_from(("`a`", "`select`", "`x y`", "'from `q`'", ",", "(", ")", " from ", " where ", ".", "@", "f", "_x")),
        max_size=12,
    )
)
def test_relaxing_touches_no_literal(words: list[str]) -> None:
    text = "".join(words)
    for changed in (relaxed(text), laid_out(text)):
        assert changed.count("'from `q`'") == text.count("'from `q`'")
        assert "`select`" not in text or "`select`" in changed
