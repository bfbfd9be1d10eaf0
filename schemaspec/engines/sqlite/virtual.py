"""Virtual tables: what they hold can sometimes be made again from the table they index."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemaspec.engines.sqlite.names import quote
from schemaspec.model.plan import Statement
from schemaspec.model.schema import SchemaObject

_CONTENT = re.compile(r"^using fts[45] ?\(.*?\bcontent = (?:'[^']+'|\"[^\"]+\"|\w+)", re.DOTALL)


def refill(item: SchemaObject) -> Sequence[Statement]:
    """The statement that fills a full-text index over another table; nothing for any other virtual table."""
    if not _CONTENT.match(str(item.get("definition"))):
        return ()
    name = quote(item.id.name)
    return (Statement(sql=f"INSERT INTO {name} ({name}) VALUES ('rebuild')", object=item.id),)
