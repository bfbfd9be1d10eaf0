"""A name that changes in nothing but case is a rename on an engine that compares names without it: nothing is lost."""

from __future__ import annotations

import pytest

from schemaspec.model.spec import Column, Table
from schemaspec.plan.respelled import respelled

SHOP = """create table Orders(id integer primary key, Total int, x text);
    create table items(o int references Orders(id), n int);
    create index Idx on Orders(Total); create view Sums as select sum(Total) s from Orders;
    create view twice as select s * 2 d from Sums; create trigger Trg after insert on items begin update Orders set x = 1; end;"""
ROWS = "insert into items values (1, 1); insert into Orders values (1, 2, 'x'), (2, null, null)"


@pytest.mark.parametrize(
    ("old", "new", "blocking"),
    [
        ("Orders", "ORDERS", {}),
        ("Total", "total", {}),
        ("Idx", "idx", {}),
        ("Sums", "sums", {}),
        ("Trg", "TRG", {}),
        (
            "Orders(id integer primary key, Total int",
            "orders(ID integer primary key, TOTAL int not null",
            {"not_null_violated": 1},
        ),
        ("Total int", "total text", {}),
    ],
)
@pytest.mark.parametrize("extra", ["fail", "ignore"])
def test_only_the_case_changes(move, build, spec, old, new, blocking, extra):
    wanted = SHOP.replace(old, new)
    moved = move(SHOP + ROWS, wanted, spec(extra={"": extra}))
    assert (moved.plan.proof, moved.plan.proof_message, moved.codes) == ("proven", "", blocking)
    assert not [hazard.message for hazard in moved.plan.all_hazards if hazard.code.startswith("drop")]
    assert not any("renamed_from" in note for note in moved.plan.notes)
    if not blocking:
        assert moved.run().fingerprint == build(wanted).fingerprint
        assert moved.rows("select id, cast(total as int), x from orders order by 1") == [(1, 2, "x"), (2, None, None)]


def test_no_row_is_copied_for_a_name(move):
    statements = move(SHOP + ROWS, SHOP.replace("Orders", "orders").replace("Total", "total")).plan.statements
    assert not any(statement.sql.startswith("INSERT") for statement in statements)


def test_together_with_renames_that_were_asked_for(move, build, spec):
    wanted = SHOP.replace("Orders", "ORDERS").replace("Total", "TOTAL").replace(" x ", " Note ").replace("set x", "set Note")
    columns = (Column(name="Note", definition="text", renamed_from="X"),)
    asked = spec(declarations=(Table(name="ORDERS", columns=columns), Table(name="lines", renamed_from="ITEMS")))
    moved = move(SHOP + ROWS, wanted.replace("items", "lines"), asked)
    assert (moved.plan.proof, moved.plan.proof_message, moved.codes) == ("proven", "", {})
    assert moved.run().fingerprint == build(wanted.replace("items", "lines")).fingerprint
    assert moved.rows("select * from orders where id = 1") == [(1, 2, "x")]


def test_where_something_broken_forbids_renames_the_rows_are_kept_all_the_same(move):
    broken = SHOP + "create view broken as select a from nowhere;"
    moved = move(broken + ROWS, broken.replace("Orders", "orders"))
    assert moved.plan.proof == "proven"
    moved.run()
    assert moved.rows("select count(*) from orders") == [(2,)]


def test_what_is_ignored_is_not_renamed(move, spec):
    assert move("create table Tmp_a(x)", "create table tmp_a(x)", spec(ignore=("?mp_*",))).plan.steps == ()


def test_letters_beyond_ascii_have_their_own_case(build, spec):
    caseless = frozenset({"table", "column"})
    current, desired = build("create table É(x); create table a(Ö)"), build("create table é(x); create table A(ö)")
    found = respelled(caseless, current, desired, spec(), ())
    assert [(rename.old.name, rename.new.name) for rename in found] == [("a", "A")]
    assert respelled(frozenset(), current, desired, spec(), ()) == ()
