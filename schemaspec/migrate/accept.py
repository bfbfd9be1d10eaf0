"""Hazards that have to be accepted by name before anything goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from schemaspec.errors import NoScratchError, RefusedError

if TYPE_CHECKING:
    from schemaspec.model.plan import Hazard

ALL = "all"
"""The code that accepts every hazard and every issue."""


def without_accepted(hazards: Iterable[Hazard], allow: frozenset[str]) -> tuple[Hazard, ...]:
    """The same hazards; those that were accepted block nothing any more, and are only told."""
    return tuple(replace(hazard, blocking=hazard.blocking and not allow & {hazard.code, ALL}) for hazard in hazards)


def in_words(hazard: Hazard) -> str:
    """A hazard in one sentence: its code and rule, what it does, and the safer way."""
    rule = f" [{hazard.rule}]" if hazard.rule else ""
    safer = f"; safer: {hazard.safer}" if hazard.safer else ""
    return f"{hazard.code}{rule}: {hazard.message}{safer}"


def not_tried(error: NoScratchError) -> Hazard:
    """What to tell of migrations that no scratch database has seen."""
    from schemaspec.model.plan import Hazard

    return Hazard(
        code="unproven",
        object="",
        message=f"what the migrations do could not be tried out beforehand, nor what is lost be counted: {error.in_short}",
        safer=error.ways,
    )


def refuse_hazards(hazards: Iterable[Hazard], allow: frozenset[str], *, in_file: bool = True) -> None:
    """Stop where a hazard has to be accepted first.

    Args:
        in_file: whether it can also be accepted in migrations.yaml.

    Raises:
        RefusedError: names every hazard that was not accepted.
    """
    found = [hazard for hazard in without_accepted(hazards, allow) if hazard.blocking]
    if not found:
        return
    codes = ",".join(dict.fromkeys(hazard.code for hazard in found))
    safer = "; ".join(dict.fromkeys(hazard.safer for hazard in found if hazard.safer))
    raise RefusedError(
        f"{len(found)} hazard{'s' if len(found) > 1 else ''} not accepted: " + "; ".join(hazard.message for hazard in found),
        fix=f"{safer + '; or ' if safer else ''}accept with --allow {codes}"
        + (f", or with `allow: [{codes}]` in the migration" if in_file else ""),
    )
