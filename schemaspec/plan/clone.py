"""The same schema, without rows, in a scratch database; and running steps there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from schemaspec.diff.compare import diff
from schemaspec.engines.abilities import Finishes, Gathers, MeasuresTogether, Sharpens, StandsIn
from schemaspec.errors import InputErrors, SchemaspecError
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Hazard, Statement, Step
from schemaspec.model.schema import Schema
from schemaspec.plan.order import ordered

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.change import Change
    from schemaspec.model.schema import ObjectId, SchemaObject


def making(engine: Engine, schema: Schema) -> tuple[Step, ...]:
    """The steps that make the schema in an empty database, as far as it can be copied.

    Raises:
        InputErrors, SchemaspecError: something in it can't be made anew.
    """
    known = copied(engine, schema)
    nothing = Schema(engine=schema.engine, server_version=schema.server_version, objects={})
    return tuple(ordered(engine.steps(diff(nothing, known), nothing, known), nothing, known))


def clone(
    engine: Engine,
    scratch: Connection,
    schema: Schema,
    *,
    steps: Sequence[Step] | None = None,
    stood_in: dict[ObjectId, SchemaObject] | None = None,
) -> str:
    """Make the schema in an empty scratch database and look whether it is the same.

    Objects without a model are left out, and what is half done is done; nothing else may be missing or different.

    Args:
        steps: what `making` gave for the schema, where that was done beforehand.
        stood_in: filled with what stands there for objects that can't be made any more. None where nothing may.

    Returns:
        "" when it is the same, else why not, in a sentence.
    """
    known = copied(engine, schema)
    try:
        steps = making(engine, schema) if steps is None else steps
        broken = _loaded(engine, scratch, known, steps, stand_in=stood_in is not None)
        seen = modelled(engine.introspect(scratch))
        unlike = diff(seen.only(seen.objects.keys() - broken), known.only(known.objects.keys() - broken))
    except InputErrors as error:
        first = error.errors[0]
        return f"the database's own definitions can't be made anew: {first.what}" + (f" ({first.why})" if first.why else "")
    except SchemaspecError as error:
        return f"the schema can't be made anew: {error.what}" + (f" ({error.why})" if error.why else "")
    if stood_in is not None:
        stood_in.update((id, seen[id]) for id in broken)
    return f"a copy of the schema comes out different: {told(unlike)}" if unlike else ""


def _loaded(engine: Engine, scratch: Connection, schema: Schema, steps: Sequence[Step], *, stand_in: bool) -> set[ObjectId]:
    """Run the steps; returns what had to be stood in for."""
    try:
        engine.load(scratch, [statement for step in steps for statement in step.statements])
    except InputErrors:
        if not (stand_in and isinstance(engine, StandsIn) and (made := engine.stand_in(scratch, schema))):
            raise
        return set(made)
    return set()


def modelled(schema: Schema) -> Schema:
    """The schema without what has no model."""
    if not schema.of_kind("unmodelled"):
        return schema
    return schema.only(id for id in schema.objects if id.kind != "unmodelled")


def copied(engine: Engine, schema: Schema) -> Schema:
    """The schema as a copy of it comes out: without what has no model, and with nothing half done."""
    return finished(engine, modelled(schema))


def finished(engine: Engine, schema: Schema) -> Schema:
    """The schema with nothing half done, where the engine knows such a state."""
    return engine.finished(schema) if isinstance(engine, Finishes) else schema


def told(changes: Sequence[Change], most: int = 5) -> str:
    """Differences in a few words."""
    words = {"create": "is missing", "drop": "is too much", "alter": "differs", "rename": "has another name"}
    parts = [
        f"{KINDS[change.id.kind].title} {change.id} {words[change.action]}"
        + (f" in {', '.join(item.name for item in change.attributes)}" if change.attributes else "")
        for change in changes[:most]
    ]
    return "; ".join(parts) + (f"; and {len(changes) - most} more" if len(changes) > most else "")


def in_lock(
    engine: Engine, connection: Connection, statements: Sequence[Statement], *, orphans: int = 0
) -> AbstractContextManager[None]:
    """What the statements have to run in, where the lock is itself one transaction; `orphans` as for `Engine.exclusive`."""
    if not engine.features.batch_transaction:
        return nullcontext()
    foreign_keys = all(statement.foreign_keys for statement in statements)
    return engine.exclusive(connection, foreign_keys=foreign_keys, orphans=orphans)


def run_measured(engine: Engine, scratch: Connection, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Run the steps in scratch.

    Returns:
        the same steps, each statement with the hazards that it showed there.

    Raises:
        StatementError: the engine refuses one.
    """
    given = [statement for step in steps for statement in step.statements]
    statements = [replace(statement, sql=statement.tried) if statement.tried else statement for statement in given]
    measured: list[Statement] = []
    with in_lock(engine, scratch, statements):
        while left := statements[len(measured) :]:
            if isinstance(engine, Gathers) and (count := engine.together(scratch, left)):
                engine.run_together(scratch, left[:count])
                measured += left[:count]
            elif isinstance(engine, MeasuresTogether) and (shown := engine.measure_together(scratch, left)):
                measured += [_showing(item, found) for item, found in zip(left, shown, strict=False)]
            else:
                measured.append(_measured(engine, scratch, left[0]))
    meant = (replace(shown, sql=item.sql) if item.tried else shown for item, shown in zip(given, measured, strict=True))
    found = iter(meant)
    return tuple(replace(step, statements=tuple(islice(found, len(step.statements)))) for step in steps)


def _measured(engine: Engine, scratch: Connection, statement: Statement) -> Statement:
    """Run it, and return it with what it showed."""
    if isinstance(engine, Sharpens):
        return engine.sharpen(scratch, statement)
    return _showing(statement, engine.measure(scratch, statement))


def _showing(statement: Statement, shown: Iterable[Hazard]) -> Statement:
    """The statement with what it showed, beside what it says of itself already in words that tell why."""
    said = {(hazard.code, hazard.object) for hazard in statement.hazards}
    new = (hazard for hazard in shown if (hazard.code, hazard.object) not in said)
    return replace(statement, hazards=(*statement.hazards, *new))
