"""What an edit of declarations comes to: the engine reads them in scratch, nobody guesses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemaspec.diff.compare import children_of, container_of, diff
from schemaspec.errors import InputError, InputErrors, UnsupportedError
from schemaspec.model.plan import Step
from schemaspec.model.schema import Schema
from schemaspec.model.spec import Declaration
from schemaspec.plan.clone import clone, in_lock, modelled
from schemaspec.plan.operation_edits import Edit
from schemaspec.plan.operation_names import applied
from schemaspec.plan.part import affected, needed, wanted

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.url import DatabaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where definitions are read.

    Args:
        types: the spec's own type names with this engine's meaning.
        url, scratch_url: as for `Engine.scratch`.
    """

    engine: Engine
    types: Mapping[str, str]
    url: DatabaseUrl | None = None
    scratch_url: str | None = None

    def read(self, declarations: Iterable[Declaration], types: Mapping[str, str]) -> Schema:
        """What a scratch database makes of the declarations.

        Raises:
            InputErrors: those that the engine refuses.
        """
        statements = [item for declaration in declarations for item in self.engine.dialect.create(declaration, types)]
        with self.engine.scratch(self.url, scratch_url=self.scratch_url) as scratch:
            self.engine.load(scratch, statements)
            return self.engine.introspect(scratch)


def effect(bench: Bench, edit: Edit, current: Schema) -> Schema:
    """The schema after the edit.

    Only what the edit makes different counts: where a declaration does not come out as it went in, that is left aside.
    First as little as seems to be needed is read; when the engine misses something, everything.

    Raises:
        InputError: the engine refuses the new definition, in its own words.
    """
    whole = modelled(current)
    small = needed(whole, edit.needs, triggers=False)
    try:
        return _effect(bench, edit, small, current)
    except InputErrors as error:
        if len(small) == len(whole):
            raise _refused(error) from error
    try:
        return _effect(bench, edit, whole, current)
    except InputErrors as error:
        raise _refused(error) from error


def _effect(bench: Bench, edit: Edit, part: Schema, current: Schema) -> Schema:
    declarations = bench.engine.declare(part)
    edited = edit.apply(declarations)
    types = bench.types
    after = bench.read(edited, types)
    changes = diff(part, after)
    if any(change.action != "create" for change in changes) or _scattered(changes):
        changes = diff(bench.read(declarations, types), after)
    meant = [change for change in changes if edit.counts(change)]
    objects = dict(applied(current, meant).objects)
    for change in meant:
        if change.action == "create":  # a created table stands for what lives in it
            objects.update({id: after[id] for id in children_of(change.id, after)})
        owner = container_of(change.id, after)
        if owner is not None and owner in objects:  # with the words that engines edit
            objects[owner] = replace(objects[owner], notes=after[owner].notes)
    return Schema(engine=current.engine, server_version=current.server_version, objects=objects)


def reached(bench: Bench, current: Schema, target: Schema, steps: Sequence[Step]) -> Schema:
    """The schema that the steps lead to, looked at in scratch; as little as they can touch is made there.

    Args:
        target: the schema that they should lead to.

    Raises:
        UnsupportedError: the schema can't be made in scratch.
        StatementError: a statement fails.
    """
    known = modelled(current)
    part = needed(known, affected(known, steps) | wanted(target, steps))
    with bench.engine.scratch(bench.url, scratch_url=bench.scratch_url) as scratch:
        fault = clone(bench.engine, scratch, part)
        if fault:
            raise UnsupportedError("what undoes it can't be worked out", why=fault)
        statements = [statement for step in steps for statement in step.statements]
        with in_lock(bench.engine, scratch, statements):
            for statement in statements:
                scratch.execute(statement.sql)
        seen = bench.engine.introspect(scratch)
    rest = {id: item for id, item in current.objects.items() if id not in part}
    return Schema(engine=current.engine, server_version=current.server_version, objects={**rest, **seen.objects})


def _scattered(changes: Iterable[object]) -> bool:
    """Whether so much is new that some of it may be a declaration that came out otherwise."""
    return len(tuple(changes)) > 8


def _refused(error: InputErrors) -> InputError:
    first = error.errors[0]
    return InputError(first.what, where=first.where, why=first.why, fix=first.fix)
