"""Changes → steps. What can be told of one object alone is in the `render_*` modules, by family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from schemaspec.engines.postgresql import (
    domain_defaults,
    kept_owners,
    moved,
    names_only,
    names_passed,
    not_null_heirs,
    render_base_type,
    render_column,
    render_constraint,
    render_inside,
    render_other,
    render_parents,
    render_rename,
    render_routine,
    render_sequence,
    render_swap,
    render_table,
    render_type,
    rows_held,
    typed,
    without,
)
from schemaspec.engines.postgresql.plan_context import Context
from schemaspec.engines.postgresql.targets import CONSTRAINTS
from schemaspec.model.change import Change
from schemaspec.model.plan import Step
from schemaspec.model.schema import Schema

Maker = Callable[[Change, Context], Iterator[Step]]

_MAKERS: dict[str, Maker] = {
    "table": render_table.table,
    "foreign_table": render_table.table,
    "column": render_column.column,
    "default": render_column.default,
    **dict.fromkeys(CONSTRAINTS, render_constraint.constraint),
    "index": render_constraint.index,
    "trigger": render_inside.trigger,
    "rule": render_inside.rule,
    "policy": render_inside.policy,
    "view": render_routine.view,
    "materialized_view": render_routine.materialized_view,
    "function": render_routine.routine,
    "procedure": render_routine.routine,
    "enum": render_type.enum,
    "domain": render_type.domain,
    "composite": render_type.composite,
    "range": render_type.range_type,
    "base_type": render_base_type.base_type,
    "sequence": render_sequence.sequence,
    "schema": render_other.schema,
    "extension": render_other.extension,
    "foreign_data_wrapper": render_other.wrapper,
    "server": render_other.server,
    "user_mapping": render_other.user_mapping,
    "publication": render_other.publication,
    "subscription": render_other.subscription,
    "default_privilege": render_other.default_privilege,
    "statistics": render_other.statistics,
    "event_trigger": render_other.event_trigger,
    "unmodelled": render_other.unmodelled,
}


def steps(changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Step, ...]:
    """See `protocol.Engine.steps`."""
    context = Context(changes, current, desired)
    names_only.find_renames(context)
    render_column.find_implied(context)
    moved.find_moved(context)
    found: list[Step] = [
        *render_parents.heirs_columns(context),
        *not_null_heirs.names(context),
        *render_swap.kinds_changed(context),
    ]
    found += render_swap.checks_first(context)
    # Tables, types and columns first: they say what comes or goes along with them.
    for change in sorted(changes, key=lambda change: _FIRST.get(change.id.kind, 9)):
        if change.action == "rename":
            found += render_rename.rename(change, context)
        elif change.id not in (context.gone if change.action == "drop" else context.done):
            found += _MAKERS.get(change.id.kind, render_other.whole)(change, context)
    found += kept_owners.steps(context)
    found = [*rows_held.after_rewriting(names_passed.after_dropped(found, current, desired), current, desired)]
    found = [*typed.after_leaving(found, context), *typed.steps(context)]
    found = list(without.steps(list(domain_defaults.steps(found, context)), context))
    found = list(not_null_heirs.beside_retyping(found, context))
    return tuple(moved.kept_together(render_type.validated_first(found, context), context))


_FIRST = {"table": 0, "foreign_table": 1, "enum": 2, "domain": 3, "composite": 4, "base_type": 5, "column": 6}
