"""Rules, assertions and row counts on real SQLite files; each wrong row is counted, and nothing gets out or in."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from verify_lab import SQLITE, Lab, result, told

from schemaspec.errors import InputError
from schemaspec.model.report import Finding, Report
from schemaspec.model.spec import Assertion, RowCount, Rule
from schemaspec.verify.rules.conditions import CONDITIONS
from schemaspec.verify.subject import Baseline

CASES = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8"))
DATA = """
create table p(id integer primary key, code text);
create table t(id integer primary key, name text, price real, born text, ref integer);
insert into p values (1, 'apple'), (2, 'pear');
insert into t values (1, 'apple', 1.5, '2001-02-03', 1), (2, 'apple', 2.5, datetime('now', '-1 hour'), 1),
  (3, 'O''Hara', -1, 'long ago', 2), (4, 'fig', 99.5, null, null), (5, null, 0.5, null, 7);
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def rules(lab: Lab, *items: Rule | Assertion | RowCount, **extra: Any) -> Any:
    spec = {
        "rules": tuple(item for item in items if isinstance(item, Rule)),
        "assertions": tuple(item for item in items if isinstance(item, Assertion)),
        "row_counts": tuple(item for item in items if isinstance(item, RowCount)),
    }
    return lab.check(DATA, spec=spec, **extra)


def shown(lab: Lab, finding: Finding) -> list[tuple[Any, ...]]:
    """The rows that a finding's query shows."""
    from schemaspec.model.url import DatabaseUrl

    connection = SQLITE.connect(DatabaseUrl(scheme="sqlite", database=str(lab.live)))
    try:
        return connection.query(finding.query)
    finally:
        connection.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(str(value) for value in case.values()))
def test_rules(lab: Lab, case: dict[str, Any]) -> None:
    settings = {"tolerance": case["tolerance"]} if "tolerance" in case else {}
    rule = Rule(table="t", columns=tuple(case["columns"]), kind=case["kind"], argument=frozen(case.get("argument")), **settings)
    found = result(rules(lab, rule), "data_integrity").findings
    if not case["broken"]:
        assert found == ()
    else:
        assert [finding.code for finding in found] == [f"rule.{case['kind']}"]
        assert f" in {case['broken']} of 5 rows" in found[0].message
        # All but one of each group of equals break `unique`; all of them are shown.
        assert len(shown(lab, found[0])) == case["broken"] + (case["kind"] == "unique")


def test_every_kind_of_rule_has_a_case() -> None:
    assert {case["kind"] for case in CASES} == {*CONDITIONS, "unique", "references"}


def test_a_warning_and_what_is_ignored(lab: Lab) -> None:
    warn = Rule(table="t", columns=("name",), kind="not_null", on_fail="warn")
    ignored = Rule(table="t", columns=("id",), kind="max", argument=0, on_fail="ignore")
    assert told(rules(lab, warn, ignored)) == [("rule.not_null", "warn", "t.name")]


def test_assertions(lab: Lab) -> None:
    checked = rules(
        lab,
        Assertion(table="t", name="not negative", condition="price >= 0 -- a comment"),
        Assertion(table="t", name="fine", condition="id > 0 and (name is null or name <> ';)')"),
        Assertion(table=None, name="no orphan", query="select id from t where ref not in (select id from p);"),
        Assertion(table=None, name="some", query="select 1", minimum=1, maximum=None),
    )
    assert told(checked) == [("assert.condition", "fail", "t: not negative"), ("assert.query", "fail", "no orphan")]
    findings = result(checked, "data_integrity").findings
    assert findings[0].message == "t: not negative: not true in 1 of 5 rows"
    assert findings[1].message == "no orphan: the query returns 1 row, expected no rows"
    assert [[row[0] for row in shown(lab, finding)] for finding in findings] == [[3], [5]]


def test_row_counts(lab: Lab) -> None:
    checked = rules(
        lab,
        RowCount(table="t", minimum=5, maximum=5),
        RowCount(table="t", minimum=6),
        RowCount(table="t", maximum=1, where="price > 1", on_fail="warn"),
        RowCount(table="p", minimum=1, maximum=100),
    )
    assert told(checked, "counts") == [("rows.count", "fail", "t"), ("rows.count", "warn", "t")]
    assert result(checked, "counts").message == "2 of 4 row counts are not as expected"
    every, some = result(checked, "counts").findings
    assert (every.query, len(shown(lab, some))) == ("", 3)
    assert checked.counts == {"p": 2, "t": 5}


@pytest.mark.parametrize(("before", "ok"), [(5, True), (4, True), (10, True), (11, False), (3, False), (0, False)])
def test_change_since_an_earlier_copy(lab: Lab, before: int, ok: bool) -> None:
    from schemaspec.model.schema import Schema

    item = RowCount(table="t", change_minimum=-0.5, change_maximum=0.5)
    empty = Schema(engine="sqlite", server_version="3", objects={})
    baseline = Baseline(label="older.db", schema=empty, counts={("t",): before})
    checked = rules(lab, item, baseline=baseline, only=("counts",))
    assert told(checked) == ([] if ok else [("rows.change", "fail", "t")])
    waiting = rules(lab, item, only=("counts",))
    assert "waits for --compare" in result(waiting, "counts").message


@pytest.mark.parametrize(
    ("tables", "rows"),
    [
        ("create table p(id integer primary key); create table c(id integer primary key, p references p)", "(1, null), (2, 7)"),
        (
            "create table p(a, b, primary key (b, a)); create table c(id primary key, x, y, foreign key (x, y) references p)",
            "(1, 2, null), (2, 3, 4), (3, 3, 4)",
        ),
        ("create table p(a text unique); create table c(id integer primary key, p references p(a))", "(1, 'x'), (2, null)"),
        (
            'create table "p q"("a b" integer primary key); create table c(id primary key, p references "p q") without rowid',
            "(1, 5), (2, 6)",
        ),
        ("create table c(id integer primary key, p references nowhere(a), q references c)", "(1, 1, 1), (2, null, 7), (3, 3, 3)"),
    ],
)
def test_orphans_of_foreign_keys_are_shown(lab: Lab, tables: str, rows: str) -> None:
    findings = result(lab.check(f"{tables}; insert into c values {rows};", only=("data_integrity",)), "data_integrity").findings
    assert findings
    for finding in findings:
        assert (finding.code, finding.message.split()[0]) == ("data.orphan", str(len(shown(lab, finding))))


def test_one_scan_a_table(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemaspec.engines.sqlite.connect import SqliteConnection

    asked: list[str] = []
    original = SqliteConnection.query

    def query(self: Any, sql: str, parameters: Any = ()) -> Any:
        asked.append(sql)
        return original(self, sql, parameters)

    monkeypatch.setattr(SqliteConnection, "query", query)
    rules(
        lab,
        Rule(table="t", columns=("name",), kind="not_null"),
        Rule(table="t", columns=("price",), kind="min", argument=0),
        Assertion(table="t", name="a", condition="price > 0"),
        RowCount(table="t", minimum=1),
        RowCount(table="t", minimum=1, where="id > 1"),
        only=("data_integrity", "counts"),
    )
    assert sum('FROM "t"' in sql for sql in asked) == 1


# --- nothing but reads, and no name that is not there ----------------------------------------------------------------

TYPOS: list[Rule | Assertion | RowCount] = [
    *(Rule(table="t", columns=("nmae",), kind=kind, argument=1) for kind in CONDITIONS),
    Rule(table="t", columns=("nmae",), kind="unique"),
    Rule(table="t", columns=("nmae",), kind="references", argument="p.id"),
    Rule(table="t", columns=("ref",), kind="references", argument="p.nmae"),
]


@pytest.mark.parametrize("rule", TYPOS, ids=lambda rule: f"{rule.kind} {rule.columns[0]}")
def test_a_misspelled_column_is_an_error_in_every_kind_of_rule(lab: Lab, rule: Rule) -> None:
    findings = result(rules(lab, rule), "data_integrity").findings
    assert [(finding.code, finding.severity) for finding in findings] == [("rule.unknown_column", "fail")]
    assert "nmae" in findings[0].message


@pytest.mark.parametrize("condition", ['"nmae" is not null', "nmae is not null", '"nmae" = "nmae"', "[nmae] = 1", "`nmae` = 1"])
def test_a_misspelled_column_in_a_condition_is_never_a_string(lab: Lab, condition: str) -> None:
    checked = rules(
        lab,
        Assertion(table="t", name="typo", condition=condition),
        Assertion(table=None, name="typo too", query=f"select * from t where {condition}"),
        RowCount(table="t", minimum=0, where=condition),
    )
    assert [code for code, _, _ in told(checked)] == ["assert.invalid", "assert.invalid", "rows.invalid"]


def test_quoted_columns_that_are_there_work(lab: Lab) -> None:
    assert told(rules(lab, Assertion(table="t", name="quoted", condition='"id" > 0 and "t"."id" > 0'))) == []


def test_the_nearest_name_is_offered(lab: Lab) -> None:
    finding = result(rules(lab, Rule(table="t", columns=("nmae",), kind="not_null")), "data_integrity").findings[0]
    assert finding.fix == "did you mean name?"


HOSTILE = [
    "1=1; drop table t",
    "1=1); drop table t; --",
    "1=1) from t; delete from t; select (1",
    "1=1) or (1=1",
    "1=1 /* open",
    "'open",
    '"open',
    "",
    "  -- nothing",
    ")(",
    "(",
    "id = 1\0",
    "load_extension('x.so')",
    "writefile('/tmp/x', 'y') > 0",
    "(delete from t)",
    "exists (insert into t values (9))",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_conditions_that_are_more_than_one_expression_or_write(lab: Lab, text: str) -> None:
    checked = rules(
        lab,
        Assertion(table="t", name="hostile", condition=text),
        RowCount(table="t", minimum=0, where=text),
        Assertion(table="t", name="fine", condition="id > 0"),
    )
    assert [code for code, _, _ in told(checked)] == ["assert.invalid", "rows.invalid"]
    assert sqlite3.connect(lab.live).execute("select count(*) from t").fetchone() == (5,)


@pytest.mark.parametrize(
    "query",
    [
        "delete from t",
        "delete from t returning id",
        "with x as (select 1) delete from t",
        "attach database '/tmp/x.db' as x",
        "pragma writable_schema = on",
        "vacuum",
        "select 1; delete from t",
        "select load_extension('x')",
        "create table z(a)",
        "(select 1",
        "",
    ],
)
def test_queries_that_are_no_query(lab: Lab, query: str) -> None:
    checked = rules(lab, Assertion(table=None, name="hostile", query=query, minimum=0, maximum=None))
    assert told(checked) == [("assert.invalid", "fail", "hostile")]
    assert sqlite3.connect(lab.live).execute("select count(*) from t").fetchone() == (5,)


def test_a_pattern_that_backtracks_for_ever_is_stopped(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    rule = Rule(table="t", columns=("a",), kind="matches", argument=r"^(a|aa|aaa|a?)+$")
    began = time.process_time()
    checked = lab.check(f"create table t(a text); insert into t values ('{'a' * 60}!')", spec={"rules": (rule,)})
    assert time.process_time() - began < 4
    assert told(checked, "data_integrity")[0][0] in ("rule.invalid", "rule.matches")


def test_one_bad_rule_costs_the_others_nothing(lab: Lab) -> None:
    checked = rules(
        lab,
        Assertion(table="t", name="bad", condition="no_such_function(id)"),
        Rule(table="t", columns=("name",), kind="not_null"),
        RowCount(table="t", minimum=5),
    )
    assert [code for code, _, _ in told(checked)] == ["rule.not_null", "assert.invalid"]
    assert checked.counts["t"] == 5


def test_rules_of_a_missing_table_are_the_missing_tables_affair(lab: Lab) -> None:
    spec = {"rules": (Rule(table="u", columns=("a",), kind="not_null"), Rule(table="nowhere", columns=("a",), kind="unique"))}
    checked = lab.check(DATA, DATA + "create table u(a);", spec=spec)
    assert told(checked) == [("table.missing", "fail", "u"), ("rule.unknown_table", "fail", "nowhere.a")]


def test_no_value_of_a_row_gets_into_a_report(lab: Lab) -> None:
    from datetime import UTC, datetime

    from schemaspec.report import FORMATS, render

    secret = "4111-1111-1111-1111"
    live = DATA + f"insert into t values (6, '{secret}', -5, '{secret}', 99), (7, '{secret}', -5, '{secret}', 99);"
    items = [
        Rule(table="t", columns=(case["columns"][0],), kind=case["kind"], argument=frozen(case.get("argument"))) for case in CASES
    ]
    items = [item for item in items if not (item.kind == "references" and isinstance(item.argument, tuple))]
    spec = {"rules": tuple(items), "assertions": (Assertion(table="t", name="a", condition="price >= 0"),)}
    checked = lab.check(live, spec=spec)
    report = Report(
        command="check", database="sqlite:///x", engine="sqlite", server_version="3", started_at=datetime.now(UTC), duration_ms=1,
        checks=checked.checks, counts=checked.counts,
    )  # fmt: skip
    for format in FORMATS:
        assert secret not in render(report, format)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_an_expression_never_reaches_beyond_its_brackets(text: str) -> None:
    try:
        guarded = SQLITE.dialect.expression(text)
    except InputError:
        return
    connection = sqlite3.connect(":memory:")
    try:
        rows = connection.execute(f"select 'a', case when 1 then 7 else {guarded} end, 'z' from (select 1 as x)").fetchall()
    except (sqlite3.Error, sqlite3.Warning, ValueError):
        return
    finally:
        connection.close()
    assert rows in ([("a", 7, "z")], [])


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20))
def test_any_column_name_can_have_rules(name: str) -> None:
    import tempfile

    quoted = SQLITE.dialect.quote(name)
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        script = f"create table t({quoted} text); insert into t values (null), ('a'), ('a');"
        spec = {"rules": tuple(Rule(table="t", columns=(name,), kind=kind) for kind in ("not_null", "unique"))}
        checked = lab.check(script, spec=spec)
        assert [code for code, _, _ in told(checked)] == ["rule.unique", "rule.not_null"] or [
            code for code, _, _ in told(checked)
        ] == [
            "rule.not_null",
            "rule.unique",
        ]
