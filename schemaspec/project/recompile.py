"""What a spec leads to that was edited a little: what it led to before, with the part made anew that the edit has to do with.

Only tables, views and what lives in them or belongs to them may have been edited. Whatever could make the part come out
otherwise than it does within the whole (a script, a name that something else has in another schema or could get from the
engine, an unchanged neighbour that comes out different) means that the whole is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from schemaspec.diff.compare import CONTAINERS
from schemaspec.diff.parts import RECORDED, Key, Part, around, gathered, parts
from schemaspec.model.kinds import KINDS
from schemaspec.model.spec import Declaration, Object, Script, Table
from schemaspec.spec.plain import declared

if TYPE_CHECKING:
    from schemaspec.model.schema import Schema, SchemaObject
    from schemaspec.project.kept import Kept

Identity = tuple[str, ...]
_WORD = re.compile(r"\w+")
_CREATE = re.compile(r"\s*create\b", re.IGNORECASE)
_MORE = re.compile(r';(?!(?:\s|\\[nrt])*")')
"""In the text of a declaration, a semicolon that does not end one of its strings."""
_NUMBER = re.compile(r"\d+\Z")
_LONGEST = 60
"""From so many bytes on, an engine may cut the names that it makes up."""


class Anew(NamedTuple):
    """What has to be put in the place of something.

    Args:
        gone: the parts that are no more, or others now.
        schema: the objects of the parts that come.
        about: what is known of these.
        declared: as `made_of` the declarations.
    """

    gone: Collection[Key]
    schema: Schema
    about: Mapping[Key, Part]
    declared: Sequence[Sequence[str]]


def made_of(declarations: Sequence[Declaration], digest: Callable[[str], str]) -> list[list[str]]:
    """What has to be kept of the declarations with what they lead to: who they are, and a digest of each, "" where it may
    make more than it says, or something else.
    """
    return _rows(declarations, declared(declarations), digest)


def _rows(declarations: Sequence[Declaration], texts: Mapping[Identity, str], digest: Callable[[str], str]) -> list[list[str]]:
    pairs = zip(declarations, texts.items(), strict=True)
    return [[*identity, digest(text), "1" if _is_single(item, text) else ""] for item, (identity, text) in pairs]


def _is_single(item: Declaration, text: str) -> bool:
    """Whether it makes one thing, the one that it names: as far as the author's own statements can be seen to."""
    if _MORE.search(text) or not isinstance(item, Table | Object):
        return False
    if isinstance(item, Object):
        return _is_own(item, item.table or "")
    own = [*item.sql, *(index.definition for index in item.indexes if index.definition)]
    return (
        len(item.sql) < 2
        and all(_CREATE.match(words) and _names([_bare(item.name)]).search(words) for words in own)
        and all(_is_own(inner, item.name) for inner in item.objects)
    )


def _is_own(item: Object, table: str) -> bool:
    own = item.sql or ((item.text,) if item.text and _CREATE.match(item.text) else ())
    names = [_names([_bare(name)]) for name in (item.name, table) if name]
    return len(own) < 2 and all(_CREATE.match(words) and all(name.search(words) for name in names) for words in own)


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


def anew(
    old: Kept,
    was: Sequence[Sequence[str]],
    declarations: Sequence[Declaration],
    *,
    path: Callable[[str], tuple[str, ...]],
    digest: Callable[[str], str],
    make: Callable[[Sequence[Declaration]], Schema],
) -> Anew | None:
    """What is another one now, made from a part of the declarations.

    Args:
        old: what the declarations led to before.
        was: what `made_of` said of them then.
        path: takes a name of the spec apart.
        digest: as for `made_of`.
        make: makes a schema of some declarations.

    Returns:
        None where the whole has to be made.

    Raises:
        SchemaspecError: a declaration is refused, maybe for lack of others.
    """
    texts = declared(declarations)
    rows = _rows(declarations, texts, digest)
    before, after = ({tuple(identity): said for *identity, said, _ in side} for side in (was, rows))
    if any(isinstance(item, Script) for item in declarations) or any(identity[0] == "s" for identity in before):
        return None
    if [identity for identity in before if identity in after] != [identity for identity in after if identity in before]:
        return None  # the order may be what names follow from that the engine makes up
    edited = {identity for identity in (*before, *after) if before.get(identity) != after.get(identity)}
    if any(not single and tuple(identity) in edited for *identity, _, single in (*was, *rows)):
        return None
    homes = {identity: _home(identity, path, old.parts) for identity in (*before, *after)}
    seeds = {homes[identity] for identity in edited}
    if any(home is None or home[0] not in RECORDED for home in seeds):
        return None
    if not {homes[identity] for identity in edited & before.keys()} <= old.parts.keys():
        return None  # it made something else than it said
    scope = _Scope(old.parts, {home for home in seeds if home is not None})
    wanted = scope.declarations(texts, {identity: home for identity, home in homes.items() if home is not None}, edited)
    if wanted is None:
        return None
    chosen = [item for item, identity in zip(declarations, texts, strict=True) if identity in wanted]
    return scope.compared(old, make(chosen), rows)


def _home(identity: Identity, path: Callable[[str], tuple[str, ...]], known: Collection[Key]) -> Key | None:
    """The part that a declaration makes, or that what it makes lives in."""
    letter, kind, name, table, _ = identity
    if letter == "t" or kind in CONTAINERS:
        return ("", path(name))
    if table:
        return ("", path(table))
    if kind not in KINDS or KINDS[kind].parent is not None:
        return None
    bare = (kind, path(name)[-1:])  # of a kind whose names belong to no schema
    return bare if bare in known else (kind, path(name))


class _Scope:
    """The parts that an edit has to do with: `core`, which may be others now, and `all`, those among which they are made."""

    def __init__(self, known: Mapping[Key, Part], seeds: set[Key]) -> None:
        self.known = known
        self.core, self.all = around((known,), seeds)
        self.core |= seeds
        self._seeds = seeds

    def declarations(
        self, texts: Mapping[Identity, str], homes: Mapping[Identity, Key], edited: Collection[Identity]
    ) -> set[Identity] | None:
        """The declarations to be made; None where that would be most of them.

        Whoever speaks of what is edited may alter it; and what the edited ones speak of they may need. That a word is found
        somewhere only adds to what is made, and decides nothing.
        """
        if any(key[0] == "event_trigger" for key in self.known) or len(texts) != sum(1 for item in texts if item in homes):
            return None
        names = _names({key[1][-1] for key in self.core})
        speaking = {homes[identity] for identity, text in texts.items() if names.search(text)}
        words = {word for identity in edited if identity in texts for word in _WORD.findall(texts[identity].casefold())}
        spoken = {key for key in self.known if set(_WORD.findall(key[1][-1].casefold())) <= words}
        _, self.all = around((self.known,), self._seeds, speaking | spoken)
        if 2 * sum(self.known[key].size for key in self.all if key in self.known) > sum(
            part.size for part in self.known.values()
        ):
            return None
        return {
            identity
            for identity in texts
            if identity in edited
            or homes[identity] in self.all
            or homes[identity] not in self.known
            or homes[identity][0] not in RECORDED
        }

    def compared(self, old: Kept, made: Schema, declared: Sequence[Sequence[str]]) -> Anew | None:
        """What the part came out as, where that is what it comes out as within the whole."""
        found, members = parts(made), gathered(made)
        before = gathered(old.only(self.all))
        new = [key for key in found if key in self.core or key not in self.known]
        same = [key for key in found if key not in self.core and key in self.known]
        if not {key for key in self.all if key in self.known and key not in self.core} <= set(same):
            return None  # something unchanged is not there any more
        if not all(key in self.all and _alike(before[key], members[key]) for key in same):
            return None
        if not self._names_apart({key: found[key] for key in new}):
            return None
        kept = made.only(item.id for key in new for item in members[key])
        return Anew([key for key in self.core if key in self.known], kept, {key: found[key] for key in new}, declared)

    def _names_apart(self, new: Mapping[Key, Part]) -> bool:
        """Whether no name that came, or went, can have to do with one of what was left out."""
        gone = {(key[1][:-1], name) for key in self.core if key in self.known for name in self.known[key].names}
        come = {(key[1][:-1], name) for key, part in new.items() for name in part.names}
        others = [(key, name) for key, part in self.known.items() if key not in self.core for name in part.names]
        if any(len(name.encode()) > _LONGEST for _, name in come ^ gone):
            return False
        taken = {(key[1][:-1], name) for key, name in others}
        if taken & (come - gone):
            return False
        numbered = {(schema, name) for schema, name in taken if _NUMBER.search(name)}
        left = gone - come
        if any((schema, _NUMBER.sub("", name)) in left for schema, name in numbered):
            return False
        # A name that comes or goes must not be what an unqualified one elsewhere means, or meant.
        moved = {key for key in new if key not in self.known} | {key for key in self.core if key in self.known and key not in new}
        bare = {key[1][-1].casefold() for key in moved}
        return not any(key[1][-1].casefold() in bare for key in self.known if key not in moved)


def _names(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names)))})(?!\w)", re.IGNORECASE)


def _alike(one: Sequence[SchemaObject], other: Sequence[SchemaObject]) -> bool:
    """Whether two parts are the same in all that is known of them."""
    return list(map(_facts, one)) == list(map(_facts, other))


def _facts(item: SchemaObject) -> tuple[object, ...]:
    return item.id, dict(item.attributes), dict(item.notes), frozenset(item.depends_on)
