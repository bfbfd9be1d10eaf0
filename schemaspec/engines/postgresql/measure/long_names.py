"""Names in somebody's own SQL that the server cuts to 63 bytes without a word (rule P38)."""

from __future__ import annotations

import re

from schemaspec.engines.common.tokens import POSTGRESQL, significant
from schemaspec.engines.postgresql.names import LONGEST
from schemaspec.model.plan import Hazard, Statement

_NAME = re.compile(r'[^\W\d][\w$]*\Z|"(?:[^"]|"")+"\Z')


def cut(statement: Statement) -> tuple[Hazard, ...]:
    """A hazard for each name that is too long."""
    if len(statement.sql.encode()) <= LONGEST:
        return ()
    found: dict[str, str] = {}
    for token in significant(statement.sql, POSTGRESQL):
        if _NAME.match(token.text):
            name = token.text[1:-1].replace('""', '"') if token.text.startswith('"') else token.text.lower()
            short = name.encode()[:LONGEST].decode(errors="ignore")
            if short != name:
                found[name] = short
    return tuple(
        Hazard(
            code="name_cut",
            object=name,
            message=f"the server knows {name} as {short} alone: another name that begins so is the same one to it",
            safer="give it a name of at most 63 bytes",
            blocking=False,
            rule="P38",
        )
        for name, short in found.items()
    )
