"""A statement that an engine refuses is told at the part that its words point to, if that is clear."""

from __future__ import annotations

import pytest

from schemaspec.engines.common.load import load
from schemaspec.errors import InputErrors, StatementError
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position

PARTS = (
    '"id" integer primary key',
    '"name" txt nut null',
    '"b" text not null',
    "CHECK (lenght(b) > 0)",
    "FOREIGN KEY (c) REFERENCES t",
)
LINE = {text: 4 + number for number, text in enumerate(PARTS)}


class Refusing:
    """A connection of an engine that says this to everything."""

    def __init__(self, why: str) -> None:
        self.why = why

    def execute(self, sql: str) -> int:
        raise StatementError("refused", statement=sql, why=self.why)


@pytest.mark.parametrize(
    ("why", "line"),
    [
        ('near "nut": syntax error', 5),  # SQLite
        ("no such function: lenght", 7),
        ('unknown column "c" in foreign key definition', 8),
        ('syntax error at or near "nut"', 5),  # PostgreSQL
        ('type "txt" does not exist', 5),
        ("function lenght(text) does not exist", 7),
        ("Unknown data type: 'txt' (error 4161)", 5),  # MariaDB
        ("… the right syntax to use near 'nut null,\n \"b\" text not null' at line 3 (error 1064)", 5),
        ('near "text": syntax error', 6),
        ('near "null": syntax error', 3),  # in two of them
        ('near ",": syntax error', 3),
        ("table t already exists", 3),
    ],
)
def test_where(why: str, line: int) -> None:
    sql = "CREATE TABLE t ({})".format(",\n  ".join(PARTS))
    parts = tuple((text, Position("s.yaml", LINE[text], 7)) for text in PARTS)
    statement = Statement(sql=sql, position=Position("s.yaml", 3, 3), parts=parts)
    with pytest.raises(InputErrors) as caught:
        load(Refusing(why), [statement])  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"s.yaml:{line}:")
