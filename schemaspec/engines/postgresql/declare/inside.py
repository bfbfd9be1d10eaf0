"""What lives in a table as a declaration of its own."""

from __future__ import annotations

from schemaspec.engines.postgresql.create.objects import create
from schemaspec.model.schema import Schema, SchemaObject
from schemaspec.model.spec import Object


def inner(item: SchemaObject, schema: Schema, *, table: str) -> Object:
    """A trigger, policy or rule."""
    comment = item.get("comment")
    bare = SchemaObject(
        id=item.id,
        attributes={key: value for key, value in item.attributes.items() if key != "comment"},
        notes=item.notes,
        depends_on=item.depends_on,
    )
    return Object(
        kind=item.id.kind,
        name=item.id.name,
        table=table,
        sql=create(bare, schema),
        comment=comment if isinstance(comment, str) else None,
    )
