"""What the engine would not refuse: values of existing columns that changes would silently make others of, or take away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemaspec.model.change import Change
from schemaspec.model.plan import Hazard
from schemaspec.plan import facts
from schemaspec.plan.keys import row_numbers
from schemaspec.plan.live import Live
from schemaspec.plan.losses import losses
from schemaspec.plan.tally import Tally
from schemaspec.plan.violations import ask_column, ask_columns

CODES = frozenset({"not_null_violated", "value_conversion", "drop_column"})
"""The codes of these hazards."""


def altered(live: Live, changes: Sequence[Change]) -> Iterator[Hazard]:
    """Of `violations` and `losses`, those about columns that stay under their name, where there is something to lose.

    What the engine refuses by itself, or can't be asked beforehand, is not among them: its own word on it is a better one.

    Args:
        changes: with those that come along with them, see `closure`.
    """
    tally = Tally(live)
    created = {change.id for change in changes if change.action == "create"}
    columns: list[Change] = []
    for change in changes:
        if change.id.kind == "table" and change.action == "alter":
            ask_columns(live, tally, change.id)
        if change.id.kind == "column" and (change.action != "drop" or change.id in created):
            columns.append(change)
        after, table = change.after, live.table_of(change.id)
        if after is None or table is None:
            continue
        if change.id.kind == "column" and change.action == "alter" and facts.is_held_against_rows(after):
            ask_column(live, tally, table, change.before, after)
        elif change.id.kind == "primary_key" and (change.before is None or not change.before.get("rowid_alias")):
            yield from (found for _, found in row_numbers(live, table, after, facts.key_expressions(after, live.collated(table))))
    for _, hazard in (*tally.hazards(), *losses(live, columns)):
        refused = hazard.code == "not_null_violated" and not live.engine.features.fills_nulls
        if hazard.rows and not refused:
            yield hazard
