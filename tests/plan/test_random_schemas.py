"""From any schema to any other, with rows: the plan is proven and leads there, and rows that both can hold stay as they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from schemaspec.engines.registry import engine
from schemaspec.errors import SchemaspecError
from schemaspec.model.spec import Spec
from schemaspec.plan.clone import in_lock
from schemaspec.plan.planner import make_plan

SQLITE = engine("sqlite")
TABLES = ("a", "b", 'c "d"')
COLUMNS = ("x", "y", "z", "order", "ü", "it's; a")
TYPES = ("", "integer", "text", "real", "blob", "numeric(5,2)", "varchar(10)", '"odd type"', "INT", "unsigned big int")
STRICT_TYPES = ("int", "integer", "text", "real", "blob", "any")
BETWEEN = (", ", ",\n  ", ", -- a note, with 'quotes\n  ", " /* ( */, ")


@dataclass(frozen=True)
class RandomTable:
    """A table: each column with its type and clauses, what stands behind the columns, and objects on it."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    constraints: tuple[str, ...] = ()
    options: str = ""
    indexes: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    views: int = 0
    between: str = ", "

    @property
    def statements(self) -> list[str]:
        table = quote(self.name)
        lines = [f"{quote(name)} {type} {clauses}".strip() for name, type, clauses in self.columns]
        found = [f"create table {table} ({self.between.join((*lines, *self.constraints))}){self.options}"]
        for number, (unique, _, keys) in enumerate(index.partition("|") for index in self.indexes):
            found.append(f"create {unique} index {quote(f'i{number} {self.name}')} on {table} {keys}")
        found += self.programs(table)
        return found

    def programs(self, table: str) -> list[str]:
        """A view, a view on that one with a trigger, and triggers on the table: some that do nothing, some that name others."""
        first, second = quote(f"v {self.name}"), quote(f"w {self.name}")
        column = quote(self.columns[0][0])
        found = [f"create view {first} as select * from {table}"] if self.views else []
        if self.views > 1:
            found.append(f"create view {second} (one) as with q as (select {column} from {first}) select * from q")
            found.append(
                f"create trigger {quote('o ' + self.name)} instead of insert on {second} "
                f"begin update {table} set {column} = new.one where 0; end"
            )
        for number, when in enumerate(self.triggers):
            body = f"delete from {table} where 0; insert into a select * from a where 0; update b set x = 1 where 0;"
            found.append(f"create trigger {quote(f't{number} {self.name}')} {when} on {table} begin {body} end")
        return found

    @property
    def key(self) -> tuple[object, ...]:
        """What decides which rows it can hold."""
        return (self.constraints, self.options)


def quote(name: str) -> str:
    return SQLITE.dialect.quote(name)


@st.composite
def clauses(draw, name: str) -> str:
    found = [
        draw(
            st.sampled_from(
                ("", "", "", "not null", "unique", "unique on conflict ignore", "constraint n not null on conflict fail")
            )
        ),
        draw(st.sampled_from(("", "", "collate nocase", "collate rtrim"))),
        draw(
            st.sampled_from(
                (
                    "",
                    "",
                    "default 7",
                    "default -7.50",
                    "default 'it''s'",
                    "default (1 + 1)",
                    "default null",
                    "default x'00'",
                    'default "1"',
                )
            )
        ),
        draw(
            st.sampled_from(("", "", "", f"check ({quote(name)} is not 13)", f"constraint c check (length({quote(name)}) < 50)"))
        ),
        draw(
            st.sampled_from(
                (
                    *("", "", "", "references a", "references b(x) on delete cascade"),
                    'references "c ""d""" on delete set null deferrable initially deferred',
                )
            )
        ),
    ]
    return " ".join(part for part in found if part)


@st.composite
def tables(draw, name: str) -> RandomTable:
    names = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5, unique=True))
    strict = draw(st.integers(0, 4)) == 0
    columns = [(column, draw(st.sampled_from(STRICT_TYPES if strict else TYPES)), draw(clauses(column))) for column in names]
    constraints: list[str] = []
    options = ""
    key = draw(st.sampled_from(("none", "rowid", "auto", "text", "pair", "without", "desc")))
    if key == "desc":
        columns.insert(0, ("id", "integer", "not null"))
        constraints.append("constraint k primary key (id desc)")
    elif key in ("rowid", "auto"):
        columns.insert(0, ("id", "integer", "primary key" + (" autoincrement" if key == "auto" else "")))
    elif key in ("text", "without"):
        columns.insert(0, ("id", "text", "primary key not null"))
        options = " without rowid" if key == "without" else ""
    elif key == "pair" and len(names) > 1:
        constraints.append(f"primary key ({quote(names[0])}, {quote(names[1])})")
    if draw(st.booleans()):
        constraints.append(f"check ({quote(names[0])} is not 99)")
    if draw(st.booleans()):
        order = draw(st.sampled_from(("", " collate rtrim", " desc")))
        constraints.append(f"unique ({', '.join(quote(name) + order for name in names[:2])})")
    if draw(st.integers(0, 3)) == 0:
        target = draw(st.sampled_from((f"{quote(name)} ({quote(names[0])})", "b(x)", "nowhere(y)")))
        constraints.append(f"constraint f foreign key ({quote(names[0])}) references {target} on update cascade")
    if draw(st.integers(0, 3)) == 0:
        made = f"generated always as ({quote(names[0])} || 'x') {draw(st.sampled_from(('stored', 'virtual')))}"
        columns.append(("made", "text" if strict else "", made))
        if draw(st.booleans()):
            columns.append(("made of it", "any" if strict else "", "generated always as (length(made))"))
    if strict:
        options = f"{options}, strict" if options else " strict"
    keys = (
        f"|({quote(names[0])} desc)",
        f"|({quote(names[-1])}) where {quote(names[0])} is not null",
        f"|(lower({quote(names[0])}))",
        f"unique|({quote(names[-1])} collate nocase, {quote(names[0])}) where {quote(names[0])} > 3",
        f"|({quote(columns[-1][0])})",
    )
    events = ("after delete", "before insert", f"after update of {quote(names[0])}", "before update")
    return RandomTable(
        name=name,
        columns=tuple(columns),
        constraints=tuple(constraints),
        options=options,
        indexes=tuple(draw(st.lists(st.sampled_from(keys), max_size=2, unique=True))),
        triggers=tuple(draw(st.lists(st.sampled_from(events), max_size=2, unique=True))),
        views=draw(st.integers(0, 2)),
        between=draw(st.sampled_from(BETWEEN)),
    )


@st.composite
def schemas(draw) -> dict[str, RandomTable]:
    names = draw(st.lists(st.sampled_from(TABLES), min_size=1, max_size=3, unique=True))
    return {name: draw(tables(name)) for name in names}


@st.composite
def changed(draw, schema: dict[str, RandomTable]) -> dict[str, RandomTable]:
    """Another schema: some tables as they were, some others."""
    other = draw(schemas())
    return {name: schema[name] if name in schema and draw(st.booleans()) else table for name, table in other.items()}


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 20),
    st.floats(allow_nan=False),
    st.sampled_from(("", "1", "007", "1.50", "x", "X", "x ", "'", "é\U0001f600", "1e3", " 5", "9223372036854775808", "a\x00b")),
    st.binary(max_size=4),
)


def made(schema: dict[str, RandomTable]):
    with SQLITE.scratch(None) as scratch:
        for table in schema.values():
            for statement in table.statements:
                scratch.execute(statement)
        return SQLITE.introspect(scratch)


def fill(connection, table: RandomTable, rows) -> None:
    names = [name for name, _, clauses in table.columns if "generated" not in clauses]
    for values in rows:
        marks = ", ".join("?" * len(names))
        sql = f"insert or ignore into {quote(table.name)} ({', '.join(map(quote, names))}) values ({marks})"
        with suppress(SchemaspecError):  # a row that this table does not take
            connection.execute(sql, [*values, *[None] * len(names)][: len(names)])


def content(connection, table: RandomTable, names) -> list[str]:
    columns = ", ".join(f"typeof({quote(name)}), quote({quote(name)})" for name in names)
    return sorted(repr(row) for row in connection.query(f"select {columns} from {quote(table.name)}"))


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_plan_between_any_two_schemas_is_proven_and_keeps_what_both_can_hold(data):
    before = data.draw(schemas())
    after = data.draw(changed(before))
    wanted = made(after)
    with SQLITE.scratch(None) as live:
        live.execute("PRAGMA foreign_keys = OFF")
        for table in before.values():
            for statement in table.statements:
                live.execute(statement)
            fill(live, table, data.draw(st.lists(st.lists(VALUES, min_size=7, max_size=7), max_size=4)))
        plan = make_plan(SQLITE, live, SQLITE.introspect(live), wanted, Spec(file="", root="."))
        assert plan.proof == "proven", plan.proof_message
        shared = shared_columns(before, after)
        old = {name: content(live, before[name], columns) for name, columns in shared.items()}
        try:
            with in_lock(SQLITE, live, plan.statements):
                for statement in plan.statements:
                    SQLITE.run(live, statement)
        except SchemaspecError as error:
            event("refused by the rows")
            # The rows are in the way: that must have been said, and nothing may have changed.
            assert [hazard for hazard in plan.all_hazards if hazard.blocking], error
            assert {name: content(live, before[name], columns) for name, columns in shared.items()} == old
            return
        event("applied")
        assert SQLITE.introspect(live).fingerprint == wanted.fingerprint
        for name, columns in shared.items():
            if not filled(plan, name):
                assert content(live, after[name], columns) == old[name]
        again = make_plan(SQLITE, live, SQLITE.introspect(live), wanted, Spec(file="", root="."))
        assert again.steps == ()


def shared_columns(before, after) -> dict[str, list[str]]:
    """The columns whose values can be told to be the same: of the same type on both sides, and not computed."""
    found: dict[str, list[str]] = {}
    for name in before.keys() & after.keys():
        old = {column: type for column, type, clauses in before[name].columns if "generated" not in clauses}
        same = [column for column, type, clauses in after[name].columns if "generated" not in clauses and old.get(column) == type]
        if (
            same
            and before[name].options == after[name].options
            and ("id" in old) == ("id" in [c for c, *_ in after[name].columns])
        ):
            hidden = not before[name].options and ("id" not in old or dict(c[:2] for c in before[name].columns)["id"] == "text")
            same_key = dict(c[:2] for c in before[name].columns).get("id") == dict(c[:2] for c in after[name].columns).get("id")
            found[name] = [*same, "rowid"] if hidden and same_key else same
    return found


def filled(plan, name: str) -> bool:
    """Whether NULLs of the table were to get a default, which is told as a hazard."""
    return any(hazard.code == "not_null_violated" and hazard.object.startswith(name) for hazard in plan.all_hazards)
