"""Which statements of a plan are about nothing but what the plan itself makes: nobody else waits for that, nor holds it.

There is nothing to be measured of them, and no lock to be waited for with care; so many of them go to the server at once. A
large database is thousands of such statements, and what each of them costs is above all the way to the server and back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemaspec.engines.postgresql.connect import PostgresConnection
from schemaspec.engines.postgresql.names import dotted
from schemaspec.errors import LockedError, StatementError
from schemaspec.model.plan import Statement

_MOST = 200
"""So many go together. Each makes the server hold a few locks until the end of the transaction, and their number is limited."""
_QUIET = re.compile(
    r"\s*(create\s+(type|schema|function|procedure|or\s+replace|view|sequence|domain)|comment|grant|revoke)\b", re.IGNORECASE
)
_NEW_TABLE = re.compile(r"\s*create\s+(unlogged\s+)?table\s+(?!if\b)", re.IGNORECASE)
_NAME = r"(?:\"(?:[^\"]|\"\")+\"|\w+)"
_REACHES = re.compile(rf"\b(?:references|attach|inherits?|partition\s+of)\b(?:\s+({_NAME}\.{_NAME})(?![\w.,]))?", re.IGNORECASE)
"""What a statement about a new table says when it touches another one as well, and which one, where that is plain."""
_ROUTINE = re.compile(r"\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\b", re.IGNORECASE)

Tables = set[str]
"""Their names, as statements write them."""


def about_new_things(made: Tables, statement: Statement) -> bool:
    """Whether the statement can hold nobody up. Call it for each statement that runs, once: it notes the tables made."""
    return bool(_QUIET.match(statement.sql)) or in_new_table(made, statement)


def in_new_table(made: Tables, statement: Statement) -> bool:
    """Whether the statement makes a table, or is about one that was made before, and touches none that was not.

    Of a statement in the user's own words nobody knows what it is about.
    """
    if statement.object is None:
        return False
    table = dotted(statement.object.path[:2])
    if _NEW_TABLE.match(statement.sql):
        made.add(table)
    return table in made and made.issuperset(_REACHES.findall(statement.sql))


def together(connection: PostgresConnection, statements: Sequence[Statement]) -> int:
    """How many of the first statements can be handed to `run_together`."""
    made, count = set(connection.fresh), 0
    for statement in statements[:_MOST]:
        if not (statement.transactional and about_new_things(made, statement)):
            break
        count += 1
    return count


def run_together(connection: PostgresConnection, statements: Sequence[Statement], *, wait: int) -> bool:
    """Hand the statements to the server at once.

    Args:
        wait: so many milliseconds to wait for a lock.

    Returns:
        whether all of them ran; else none did, and it is to be seen one by one which of them is at fault, or must wait.
    """
    made = set(connection.fresh)
    try:
        with connection.transaction():
            connection.query("select set_config('lock_timeout', %s, true)", (f"{wait}ms",))
            if any(map(is_routine, statements)):
                let_bodies_be(connection)
            connection.execute("\n;\n".join(statement.sql for statement in statements))
    except (StatementError, LockedError):
        return False
    for statement in statements:
        in_new_table(made, statement)
    connection.fresh = made
    return True


def is_routine(statement: Statement) -> bool:
    """Whether it makes a function or procedure."""
    return bool(_ROUTINE.match(statement.sql))


def let_bodies_be(connection: PostgresConnection) -> None:
    """What the body of a routine names may be made by a later statement of the same plan: it is not looked at."""
    connection.query("select set_config('check_function_bodies', 'off', false)")
