"""Changes → steps. What can be told of one object alone is in the modules beside this one, by family of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from schemaspec.engines.postgresql.render import (
    base_types,
    columns,
    constraints,
    inside,
    names_only,
    not_null_heirs,
    others,
    parents,
    renames,
    routines,
    rows_held,
    sequences,
    swap,
    tables,
    types,
)
from schemaspec.engines.postgresql.render.context import Context
from schemaspec.engines.postgresql.render.online import moved
from schemaspec.engines.postgresql.render.passes import domain_defaults, kept_owners, names_passed, typed, without
from schemaspec.engines.postgresql.targets import CONSTRAINTS
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import Schema

Maker = Callable[[Change, Context], Iterator[Step]]

_MAKERS: dict[str, Maker] = {
    "table": tables.table,
    "foreign_table": tables.table,
    "column": columns.column,
    "default": columns.default,
    **dict.fromkeys(CONSTRAINTS, constraints.constraint),
    "index": constraints.index,
    "trigger": inside.trigger,
    "rule": inside.rule,
    "policy": inside.policy,
    "view": routines.view,
    "materialized_view": routines.materialized_view,
    "function": routines.routine,
    "procedure": routines.routine,
    "enum": types.enum,
    "domain": types.domain,
    "composite": types.composite,
    "range": types.range_type,
    "base_type": base_types.base_type,
    "sequence": sequences.sequence,
    "schema": others.schema,
    "extension": others.extension,
    "foreign_data_wrapper": others.wrapper,
    "server": others.server,
    "user_mapping": others.user_mapping,
    "publication": others.publication,
    "subscription": others.subscription,
    "default_privilege": others.default_privilege,
    "statistics": others.statistics,
    "event_trigger": others.event_trigger,
    "unmodelled": others.unmodelled,
}


def steps(changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Step, ...]:
    """See `protocol.Engine.steps`."""
    context = Context(changes, current, desired)
    names_only.find_renames(context)
    columns.find_implied(context)
    moved.find_moved(context)
    found: list[Step] = [
        *parents.heirs_columns(context),
        *not_null_heirs.names(context),
        *swap.kinds_changed(context),
    ]
    found += swap.checks_first(context)
    # Tables, types and columns first: they say what comes or goes along with them.
    for change in sorted(changes, key=lambda change: _FIRST.get(change.id.kind, 9)):
        if change.action == "rename":
            found += renames.rename(change, context)
        elif change.id not in (context.gone if change.action == "drop" else context.done):
            found += _MAKERS.get(change.id.kind, others.whole)(change, context)
    found += kept_owners.steps(context)
    found = [*rows_held.after_rewriting(names_passed.after_dropped(found, current, desired), current, desired)]
    found = [*typed.after_leaving(found, context), *typed.steps(context)]
    found = list(without.steps(list(domain_defaults.steps(found, context)), context))
    found = list(not_null_heirs.beside_retyping(found, context))
    return tuple(moved.kept_together(types.validated_first(found, context), context))


_FIRST = {"table": 0, "foreign_table": 1, "enum": 2, "domain": 3, "composite": 4, "base_type": 5, "column": 6}
