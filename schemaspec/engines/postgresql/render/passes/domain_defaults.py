"""Defaults of domains that call what goes, or is made anew: a domain is rid of its default before, and gets one again afterwards.

The default is part of the domain, which columns have meanwhile and which therefore stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schemaspec.engines.postgresql.names import dotted
from schemaspec.engines.postgresql.render.context import Context, statement
from schemaspec.engines.postgresql.render.fate import CALLED
from schemaspec.engines.postgresql.render.overloads import comes_again
from schemaspec.model.plan import Step
from schemaspec.model.schema import ObjectId


def steps(found: Sequence[Step], context: Context) -> Iterator[Step]:
    """The steps, with those that take defaults away and bring them back."""
    rid = _rid(context)
    for step in found:
        mine = step.drops & rid.keys()
        gone = frozenset(used for domain in mine for used in rid[domain])
        first = {_bond(domain) for domain in rid if domain in mine or not step.drops.isdisjoint(rid[domain])}
        yield replace(step, after=step.after | first, freed=step.freed | gone, sheds=step.sheds | gone) if first else step
    for domain, gone in rid.items():
        bond, alter = _bond(domain), f"ALTER DOMAIN {dotted(domain.path)}"
        yield Step(action="alter", id=bond, statements=(statement(f"{alter} DROP DEFAULT", domain),), drops=frozenset({bond}))
        default = context.desired[domain].get("default")
        own = context.alters.get(domain)
        if default is not None and domain not in context.swapped and not (own is not None and own.changed("default")):
            text = statement(f"{alter} SET DEFAULT {default}", domain)
            yield Step(
                action="alter",
                id=domain,
                statements=(text,),
                creates=frozenset({domain}),
                after=frozenset({bond}),
                freed=gone,
            )


def _rid(context: Context) -> dict[ObjectId, frozenset[ObjectId]]:
    """The domains that stay, with what their defaults call and can't go on to call."""
    found = {}
    for domain in context.current.of_kind("domain"):
        after, default = context.desired.get(domain.id), domain.get("default")
        if after is None or default is None or domain.id in context.drops:
            continue
        gone = frozenset(used for used in domain.depends_on if used.kind in CALLED and used in context.drops)
        if any(after.get("default") == default or comes_again(used, context.creates) for used in gone):
            found[domain.id] = gone
    return found


def _bond(domain: ObjectId) -> ObjectId:
    """Stands for what makes a domain need what its default calls, so that others can wait for its end."""
    return ObjectId("domain", (*domain.path, "default"))
