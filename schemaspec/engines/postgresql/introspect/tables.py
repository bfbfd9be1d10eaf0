"""Relations, and what lives in them."""

from __future__ import annotations

import re
from typing import Any

from schemaspec.engines.postgresql.introspect import catalog, not_null
from schemaspec.engines.postgresql.introspect.build import Build, Draft, owned
from schemaspec.engines.postgresql.introspect.index_text import without_parameters
from schemaspec.engines.postgresql.introspect.types import sequence_options
from schemaspec.engines.postgresql.names import dotted, foreign_options, made_name
from schemaspec.engines.postgresql.targets import literal
from schemaspec.model.schema import ObjectId, Value

_KINDS = {"r": "table", "p": "table", "f": "foreign_table", "v": "view", "m": "materialized_view"}
_CONSTRAINTS = {"p": "primary_key", "u": "unique", "c": "check", "f": "foreign_key", "x": "exclusion"}
_ENABLED = {"O": None, "D": "disabled", "R": "replica", "A": "always"}
_STORAGE = {"p": "plain", "e": "external", "m": "main", "x": "extended"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}
_INTEGERS = ("smallint", "integer", "bigint")
_HEAP = "heap"
_BY_HASH = re.compile(r"(?<=satisfies_hash_partition\()'(\d+)'::oid\b")
"""It names its parent by a number that means nothing in another database."""
_COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}


def relations(build: Build) -> None:
    """Tables, partitions, foreign tables, views and materialized views."""
    for row in build.rows["relations"]:
        kind = _KINDS[row.kind]
        options = (*(row.options or ()), *(f"toast.{option}" for option in row.toast_options or ()))
        attributes: dict[str, Value] = {
            "persistence": "unlogged" if row.persistence == "u" else None,
            "definition": row.definition.strip().removesuffix(";") if row.definition else None,
            "partition_key": row.partition_key,
            # No column of the key can be altered: who wants another type wants another table.
            "partition_key_types": tuple(row.key_types or ()),
            "bound": row.bound,
            "of_type": row.of_type,
            "options": tuple(sorted(options)),
            # A partitioned table has none, unless it says which one its partitions get.
            "access_method": None if row.access_method == _HEAP and row.partition_key is None else row.access_method,
            "tablespace": row.tablespace,
            "replica_identity": {"n": "nothing", "f": "full"}.get(row.replica_identity) if kind == "table" else None,
            "row_security": row.row_security,
            "force_row_security": row.force_row_security,
            "server": row.server,
            "server_options": tuple(sorted(foreign_options(row.server_options))),
            "privileges": build.privileges("table", row.acl, row.owner),
        }
        keys = [(catalog.CLASS, row.oid), (catalog.TYPE, row.row_type), (catalog.TYPE, row.row_array)]
        # The order in which options were given means nothing, but it is kept when the table is made again.
        notes: dict[str, Value] = {**owned(row), "options": options}
        notes["server_options"] = foreign_options(row.server_options)
        notes["unfilled"] = row.unfilled
        build.add(kind, (row.schema, row.name), attributes, *keys, notes=notes)
    for row in build.rows["relations"]:
        parents = tuple(
            dotted(build.path_of(catalog.CLASS, oid)) for oid in row.parents or () if (catalog.CLASS, oid) in build.keys
        )
        if parents:
            name = "inherits" if row.bound is None else "partition_of"
            draft = build.drafts[build.keys[catalog.CLASS, row.oid]]
            # Their order shows only in that of the columns, and nothing changes it: leaving a parent makes its columns one's own.
            draft.attributes[name] = tuple(sorted(parents)) if row.bound is None else parents[0]
            draft.notes["inherits"] = parents
            if row.fitting:
                draft.notes["fitting"] = _BY_HASH.sub(lambda found: _by_name(build, found), row.fitting)
            if row.access_method == _HEAP and row.bound is not None and row.partition_key is None:
                draft.notes["access_method"] = _HEAP  # PARTITION OF would give it what the parent says
            for oid in row.parents:
                draft.depends_on[build.keys[catalog.CLASS, oid]] = None
            if row.bound == "DEFAULT":
                build.drafts[build.keys[catalog.CLASS, row.parents[0]]].notes["has_default"] = True


def _by_name(build: Build, number: re.Match[str]) -> str:
    parent = build.keys.get((catalog.CLASS, int(number[1])))
    return number[0] if parent is None else f"{literal(dotted(parent.path))}::regclass"


def columns(build: Build) -> None:
    """Columns of tables as objects; those of views as notes of the view; column defaults."""
    sequences = {(row.owner_relation, row.owner_column): row for row in build.rows["sequences"] if row.ownership == "i"}
    view_columns: dict[int, list[Any]] = {}
    taken = not_null.copied(build)
    for row in build.rows["columns"]:
        relation = build.keys.get((catalog.CLASS, row.relation))
        if relation is None or relation.kind == "composite":
            continue
        owner = build.drafts[relation]
        if relation.kind in ("view", "materialized_view"):
            view_columns.setdefault(row.relation, []).append(row)
            continue
        path = (*relation.path, row.name)
        expression = row.expression
        attributes: dict[str, Value] = {
            "type": row.type,
            "not_null": row.not_null,
            "collation": row.collation,
            "generated": expression if row.generated else None,
            "virtual": row.generated == "v",
            "storage": _STORAGE.get(row.storage),
            "compression": _COMPRESSION.get(row.compression),
            "statistics": row.statistics,
            "options": column_options(row),
            "server_options": tuple(sorted(foreign_options(row.server_options))),
            "inherited": row.inherited > 0 and not row.local,
            "privileges": build.privileges("column", row.acl, str(owner.notes.get("owner", ""))),
            "comment": build.texts.get((catalog.CLASS, row.relation, row.number)),
        }
        attributes |= _identity(build, row, relation.path, sequences, unlogged=owner.attributes.get("persistence") == "unlogged")
        bound, bound_notes = not_null.facts(build, row, relation.path, taken, parted=owner.attributes.get("bound") is not None)
        attributes |= bound
        keys = [(catalog.ATTRDEF, row.default_oid)] if row.generated else []
        notes = {"position": row.number, "server_options": foreign_options(row.server_options), **bound_notes}
        notes["options"] = _set_options(row)
        if row.storage:
            notes["usual_storage"] = _STORAGE[row.usual_storage]
        draft = build.add("column", path, attributes, notes=notes)
        build.columns[row.relation, row.number] = draft.id
        for key in keys:
            build.keys[key] = draft.id
        draft.depends_on[relation] = None
        if expression is not None and not row.generated:
            key = (catalog.ATTRDEF, row.default_oid)
            default = build.add("default", path, {"expression": expression}, key, notes={"volatile": row.volatile})
            default.depends_on[draft.id] = None
    _view_columns(build, view_columns)


def _identity(
    build: Build, row: Any, table: tuple[str, ...], sequences: dict[tuple[int, int], Any], *, unlogged: bool
) -> dict[str, Value]:
    if not row.identity:
        return {}
    sequence = sequences.get((row.relation, row.number))
    if sequence is None and row.inherited:
        return {}  # a partition's, which draws on the sequence of the partitioned table and is an identity through that alone
    found: dict[str, Value] = {"identity": "always" if row.identity == "a" else "by default"}
    if sequence is not None:
        usual = (table[0], made_name(table[-1], row.name, "seq"))
        name = (sequence.schema, sequence.name)
        found["identity_sequence"] = None if name == usual else dotted(name)
        found["identity_options"] = sequence_options(sequence)
        if sequence.type != row.type and row.type in _INTEGERS:
            found["identity_type"] = sequence.type
        if (sequence.persistence == "u") != unlogged:
            found["sequence_persistence"] = "logged" if unlogged else "unlogged"
        found["sequence_privileges"] = build.privileges("sequence", sequence.acl, sequence.owner)
        found["sequence_comment"] = build.texts.get((catalog.CLASS, sequence.oid, 0))
    return found


def column_options(row: Any) -> tuple[str, ...]:
    """The options that somebody set on a column; what the server keeps there for itself is left out."""
    return tuple(sorted(_set_options(row)))


def _set_options(row: Any) -> tuple[str, ...]:
    return tuple(option for option in row.options or () if not option.startswith("pg_"))


def _view_columns(build: Build, found: dict[int, list[Any]]) -> None:
    for relation, rows in found.items():
        draft = build.drafts[build.keys[catalog.CLASS, relation]]
        owner = str(draft.notes.get("owner", ""))
        draft.notes["columns"] = tuple((row.name, row.type, row.collation) for row in rows)
        details: dict[str, Value] = {
            "column_comments": tuple(
                (row.name, text) for row in rows if (text := build.texts.get((catalog.CLASS, relation, row.number)))
            ),
            "column_privileges": tuple((row.name, entry) for row in rows for entry in build.privileges("column", row.acl, owner)),
            "column_defaults": tuple((row.name, row.expression) for row in rows if row.expression is not None),
            "column_statistics": tuple((row.name, row.statistics) for row in rows if row.statistics is not None),
            "column_storage": tuple((row.name, _STORAGE[row.storage]) for row in rows if row.storage),
            "column_compression": tuple((row.name, _COMPRESSION[row.compression]) for row in rows if row.compression),
            "column_options": tuple((row.name, *column_options(row)) for row in rows if column_options(row)),
        }
        draft.notes["usual_storage"] = tuple((row.name, _STORAGE[row.usual_storage]) for row in rows if row.storage)
        draft.attributes.update({key: value for key, value in details.items() if value})
        for row in rows:
            if row.default_oid:
                build.keys[catalog.ATTRDEF, row.default_oid] = draft.id


def constraints(build: Build) -> None:
    """Constraints of tables and domains, without those that come from a parent table."""
    indexes = {row.oid: row for row in build.rows["indexes"]}
    for row in build.rows["constraints"]:
        home = build.keys.get((catalog.CLASS, row.relation)) or build.keys.get((catalog.TYPE, row.domain))
        if home is None:
            continue
        if (row.kind == "c" and row.inherited and not row.local) or (row.kind == "f" and row.parent):
            continue
        kind = _CONSTRAINTS[row.kind]
        names = [build.columns.get((row.relation, number)) for number in row.columns or ()]
        attributes: dict[str, Value] = {"definition": row.definition}
        keys = [(catalog.CONSTRAINT, row.oid)]
        index = indexes.get(row.index) if kind in ("primary_key", "unique", "exclusion") else None
        if index is not None:
            keys.append((catalog.CLASS, index.oid))
            attributes |= _index_facts(index)
        notes: dict[str, Value] = {"columns": tuple(id.name for id in names if id is not None)}
        notes["options"] = tuple(index.options or ()) if index is not None else ()
        notes["incomplete"] = index is not None and _is_incomplete(index)
        if kind == "foreign_key":
            target = build.keys.get((catalog.CLASS, row.target))
            notes["target"] = target.path if target else None
            ids = [build.columns.get((row.target, number)) for number in row.target_columns or ()]
            notes["target_columns"] = tuple(id.name for id in ids if id is not None)
        draft = build.add(kind, (*home.path, row.name), attributes, *keys, notes=notes)
        if index is not None and (comment := build.texts.get((catalog.CLASS, index.oid, 0))):
            draft.attributes["index_comment"] = comment
        draft.depends_on[home] = None


def _index_facts(row: Any) -> dict[str, Value]:
    return {
        "options": tuple(sorted(row.options or ())),
        "tablespace": row.tablespace,
        "clustered": row.clustered,
        "replica_identity": row.replica_identity,
        "invalid": not (row.valid and row.ready and row.live) and row.table_kind != "p",
        "statistics": tuple(row.statistics or ()),
    }


def _is_incomplete(row: Any) -> bool:
    """Whether it is a partitioned table's index that not all partitions have."""
    return row.table_kind == "p" and not row.valid


def indexes(build: Build) -> None:
    """Indexes that are not a constraint's; then which index belongs to which index of the parent table."""
    for row in build.rows["indexes"]:
        table = build.keys.get((catalog.CLASS, row.relation))
        if table is None or row.constraint_oid is not None:
            continue
        attributes: dict[str, Value] = {"unique": row.is_unique, "definition": _definition(row)} | _index_facts(row)
        notes: dict[str, Value] = {"options": tuple(row.options or ()), "incomplete": _is_incomplete(row)}
        draft = build.add("index", (*table.path, row.name), attributes, (catalog.CLASS, row.oid), notes=notes)
        draft.depends_on[table] = None
    for row in build.rows["indexes"]:
        child, parent = build.keys.get((catalog.CLASS, row.oid)), build.keys.get((catalog.CLASS, row.parent or 0))
        if child is not None and parent is not None:
            build.drafts[child].attributes["parent"] = dotted(parent.path)
            build.drafts[child].depends_on[parent] = None


def _definition(row: Any) -> str:
    """What follows the table's name, without the storage parameters: these are a fact of their own."""
    text: str = row.definition
    return text if not row.options else without_parameters(text)


def _reads_itself(view: Draft, column: int) -> bool:
    """Whether the view, whose rule depends on it, is its own reader: before PostgreSQL 16 the rule of every view does."""
    return column > 0 or dotted(view.id.path) in str(view.attributes.get("definition"))


def circles(build: Build) -> None:
    """Notes the views that read each other in a circle: they can only be made in two goes, as those that read themselves."""
    reads = {
        draft.id: {used for used in draft.depends_on if used.kind == "view"}
        for draft in build.drafts.values()
        if draft.id.kind == "view"
    }
    read_by: dict[ObjectId, set[ObjectId]] = {id: set() for id in reads}
    for id, used in reads.items():
        for other in used:
            read_by[other].add(id)
    # Whatever only leads to a circle, or away from one, is peeled off.
    for ways, back in ((reads, read_by), (read_by, reads)):
        ends = [id for id, others in ways.items() if not others]
        while ends:
            end = ends.pop()
            for other in back.pop(end, set()):
                ways[other].discard(end)
                if not ways[other] and other in back:
                    ends.append(other)
            ways.pop(end, None)
    for id in reads:
        build.drafts[id].notes["recursive"] = True


def rows_and_rules(build: Build) -> None:
    """Triggers, rewrite rules and row-level security policies."""
    for row in build.rows["triggers"]:
        table = build.keys.get((catalog.CLASS, row.relation))
        if table is None:
            continue
        attributes: dict[str, Value] = {"definition": row.definition, "enabled": _ENABLED[row.enabled]}
        if row.of_parent:  # the parent's trigger: all that is told of it is when it fires
            attributes = {"of_parent": True, "enabled": _ENABLED[row.enabled] or "origin"}
        build.add("trigger", (*table.path, row.name), attributes, (catalog.TRIGGER, row.oid)).depends_on[table] = None
    selves = {
        (row.oid, build.keys.get((row.target_classid, row.target_oid))): row.target_number
        for row in build.rows["dependencies"]
        if row.classid == catalog.REWRITE and row.kind == "n"
    }
    for row in build.rows["rules"]:
        table = build.keys.get((catalog.CLASS, row.relation))
        if table is None:
            continue
        if row.definition is None:
            build.keys[catalog.REWRITE, row.oid] = table
            if (row.oid, table) in selves and _reads_itself(build.drafts[table], selves[row.oid, table]):
                build.drafts[table].notes["recursive"] = True
            continue
        attributes = {"definition": row.definition.strip().removesuffix(";"), "enabled": _ENABLED[row.enabled]}
        build.add("rule", (*table.path, row.name), attributes, (catalog.REWRITE, row.oid)).depends_on[table] = None
    for row in build.rows["policies"]:
        table = build.keys.get((catalog.CLASS, row.relation))
        if table is not None:
            attributes = {
                "command": _COMMANDS[row.command],
                "restrictive": not row.permissive,
                "roles": tuple(row.roles),
                "using": row.using_expression,
                "check": row.check_expression,
            }
            build.add("policy", (*table.path, row.name), attributes, (catalog.POLICY, row.oid)).depends_on[table] = None
