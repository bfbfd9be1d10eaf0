"""Functions, procedures, aggregates and event triggers."""

from __future__ import annotations

from typing import Any

from schemaspec.engines.postgresql.introspect import catalog
from schemaspec.engines.postgresql.introspect.build import Build, owned
from schemaspec.engines.postgresql.names import dotted, identifier
from schemaspec.model.schema import Value

_KINDS = {"f": "function", "w": "function", "p": "procedure", "a": "aggregate"}
_FINAL = {"r": "READ_ONLY", "s": "SHAREABLE", "w": "READ_WRITE"}
_PARALLEL = {"s": "SAFE", "r": "RESTRICTED"}
_ENABLED = {"O": None, "D": "disabled", "R": "replica", "A": "always"}


def routines(build: Build) -> None:
    """Functions, procedures and aggregates; their path ends with `name(types)`."""
    for row in build.rows["functions"]:
        kind = _KINDS[row.kind]
        notes: dict[str, Value] = {
            **owned(row),
            "signature": f"{dotted((row.schema, row.name))}({row.signature})",
            "arguments": row.arguments,
            "returns": row.result,
            "defaults": row.defaults,
            "names": tuple(row.names or ()),
            "modes": tuple(row.modes or ()),
            "language": row.language,
        }
        attributes: dict[str, Value] = {
            "definition": row.definition.strip() if row.definition is not None else _aggregate(row),
            "privileges": build.privileges("function", row.acl, row.owner),
        }
        path = (row.schema, f"{row.name}({row.types})")
        build.add(kind, path, attributes, (catalog.PROC, row.oid), notes=notes)


def _aggregate(row: Any) -> str:
    (transition, state, space, final, final_extra, final_modify, combine, serial, deserial) = row.facts[:9]
    (moving, inverse, moving_state, moving_space, moving_final, moving_extra, moving_modify) = row.facts[9:16]
    sort, aggregate_kind, parallel = row.facts[16:]
    # Ordered-set aggregates may change what they are given unless said otherwise, plain ones may not.
    usual = "r" if aggregate_kind == "n" else "w"
    parts = [f"SFUNC = {transition}", f"STYPE = {state}"]
    parts += [f"SSPACE = {space}"] if space != "0" else []
    parts += _named(("FINALFUNC", final))
    parts += ["FINALFUNC_EXTRA"] if final_extra == "true" else []
    parts += [f"FINALFUNC_MODIFY = {_FINAL[final_modify]}"] if final_modify != usual else []
    parts += _named(("COMBINEFUNC", combine), ("SERIALFUNC", serial), ("DESERIALFUNC", deserial))
    parts += [f"INITCOND = {_literal(row.initial)}"] if row.initial is not None else []
    parts += _named(("MSFUNC", moving), ("MINVFUNC", inverse), ("MSTYPE", moving_state))
    parts += [f"MSSPACE = {moving_space}"] if moving_space != "0" else []
    parts += _named(("MFINALFUNC", moving_final))
    parts += ["MFINALFUNC_EXTRA"] if moving_extra == "true" else []
    parts += [f"MFINALFUNC_MODIFY = {_FINAL[moving_modify]}"] if moving != "-" and moving_modify != usual else []
    parts += [f"MINITCOND = {_literal(row.moving_initial)}"] if row.moving_initial is not None else []
    parts += _named(("SORTOP", sort))
    parts += [f"PARALLEL = {_PARALLEL[parallel]}"] if parallel in _PARALLEL else []
    parts += ["HYPOTHETICAL"] if aggregate_kind == "h" else []
    return f"CREATE AGGREGATE {dotted((row.schema, row.name))}({row.arguments or '*'}) ({', '.join(parts)})"


def _named(*pairs: tuple[str, str]) -> list[str]:
    return [f"{name} = {value}" for name, value in pairs if value != "-"]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def event_triggers(build: Build) -> None:
    """Event triggers."""
    for row in build.rows["event_triggers"]:
        tags = ", ".join(_literal(tag) for tag in row.tags or ())
        when = f" WHEN TAG IN ({tags})" if tags else ""
        definition = f"CREATE EVENT TRIGGER {identifier(row.name)} ON {row.event}{when} EXECUTE FUNCTION {row.function}()"
        attributes: dict[str, Value] = {"definition": definition, "enabled": _ENABLED[row.enabled]}
        build.add("event_trigger", (row.name,), attributes, (catalog.EVENT_TRIGGER, row.oid))
