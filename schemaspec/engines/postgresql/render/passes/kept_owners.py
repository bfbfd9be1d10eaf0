"""What is made anew still belongs to the role that it belonged to: a view or a function may do what its owner may."""

from __future__ import annotations

from collections.abc import Iterator

from schemaspec.engines.postgresql.facts import TYPES
from schemaspec.engines.postgresql.names import identifier
from schemaspec.engines.postgresql.render.context import Context, is_anothers
from schemaspec.engines.postgresql.targets import RELATIONS, target
from schemaspec.model.plan import Statement, Step
from schemaspec.model.schema import ObjectId, SchemaObject

_FAMILIES = (TYPES, frozenset(RELATIONS))
_NOTHING = "SELECT"
"""What is run in scratch, where everything belongs to who tries the plan, and other roles need not be there."""


def steps(context: Context) -> Iterator[Step]:
    """For each object that another one takes the place of: it is given to the owner, once it has its grants."""
    for id in sorted({*context.creates, *context.swapped}):
        after, before = context.desired.get(id), _replaced(id, context)
        if after is None or before is None or not is_anothers(before):
            continue
        if id.kind == "sequence" and after.get("owned_by"):
            continue  # it goes along with its table
        text = f"ALTER {target(after)} OWNER TO {identifier(str(before.note('owner')))}"
        given = Statement(sql=text, object=id, tried=_NOTHING)
        yield Step(action="alter", id=id, statements=(given,), after=frozenset({id}))


def _replaced(id: ObjectId, context: Context) -> SchemaObject | None:
    """What had this name, and was of a kind with it: a view, say, where a table comes."""
    if id in context.swapped or id in context.drops:
        return context.current.get(id)
    family = next((kinds for kinds in _FAMILIES if id.kind in kinds), frozenset())
    others = (ObjectId(kind, id.path) for kind in sorted(family))
    return next((context.current[other] for other in others if other in context.drops), None)
