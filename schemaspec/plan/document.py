"""A plan as a file: JSON to keep and apply later, and an SQL script to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from schemaspec.errors import InputError
from schemaspec.model.change import Action
from schemaspec.model.digest import digest_of
from schemaspec.model.ending import ended
from schemaspec.model.kinds import KINDS
from schemaspec.model.plan import Fill, Hazard, Plan, Proof, Statement, Step
from schemaspec.model.schema import ObjectId

VERSION = 1


def plan_to_json(plan: Plan) -> str:
    """The plan as JSON text; `plan_from_json` reads it."""
    return json.dumps(to_plain(plan), ensure_ascii=False, indent=1) + "\n"


def to_plain(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON data."""
    data: dict[str, Any] = {
        "schemaspec_plan": VERSION,
        "engine": plan.engine,
        "fingerprint": plan.fingerprint,
        "start": plan.start,
        "end": plan.end,
        "proof": plan.proof,
        "proof_message": plan.proof_message,
        "steps": [_step(step) for step in plan.steps],
        "hazards": [_hazard(hazard) for hazard in plan.hazards],
        "notes": list(plan.notes),
    }
    return {**data, "digest": _digest(data)}


def _digest(data: Mapping[str, Any]) -> str:
    """A digest of all that the document says but this."""
    text = json.dumps({key: value for key, value in data.items() if key != "digest"}, sort_keys=True)
    return digest_of(text.encode()).hex()


def plan_from_json(text: str, where: str = "") -> Plan:
    """The plan that `plan_to_json` wrote.

    Args:
        where: the file's name, for errors.

    Raises:
        InputError: it is no plan, one of another version of the format, or its statements were edited.
    """
    fix = "make it again: schemaspec plan -o plan.json"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("this is no plan: it is not JSON", where=where or None, why=str(error), fix=fix) from None
    if not isinstance(data, dict) or "schemaspec_plan" not in data:
        raise InputError("this is no plan", where=where or None, fix=fix)
    if data["schemaspec_plan"] != VERSION:
        raise InputError(
            f"a plan of version {data['schemaspec_plan']!r}; only {VERSION} is known here", where=where or None, fix=fix
        )
    try:
        plan = from_plain(data)
        whole = data["fingerprint"] == plan.fingerprint and data["digest"] == _digest(data)
    except (KeyError, ValueError, TypeError) as error:
        why = f"{error!r} is missing or wrong"
        raise InputError("the plan is incomplete or was edited", where=where or None, why=why, fix=fix) from None
    if not whole:
        raise InputError(
            "the plan was edited: what it says does not belong to its fingerprint",
            where=where or None,
            fix=fix + "; what is special about a change belongs into a migration of your own",
        )
    return plan


def from_plain(data: Mapping[str, Any]) -> Plan:
    """The plan of plain JSON data.

    Raises:
        KeyError, ValueError, TypeError: it is none.
    """
    return Plan(
        engine=_text(data["engine"]),
        start=_text(data["start"]),
        end=_text(data["end"]),
        steps=tuple(_read_step(step) for step in data["steps"]),
        hazards=tuple(_read_hazard(hazard) for hazard in data["hazards"]),
        notes=tuple(map(_text, data["notes"])),
        proof=_one_of(data["proof"], get_args(Proof)),
        proof_message=_text(data["proof_message"]),
    )


def plan_to_sql(plan: Plan, separator: str = ";") -> str:
    """The plan as an SQL script. No name or other text from a database or a spec stands in it but inside statements."""
    lines = [f"-- {len(plan.statements)} statements; {plan.proof}", ""]
    for number, step in enumerate(plan.steps, 1):
        lines.append(f"-- {number}. {step.action} {KINDS[step.id.kind].title} {safe(str(step.id))}")
        for statement in step.statements:
            lines += [f"-- hazard {safe(hazard.code)}: {safe(hazard.message)}" for hazard in statement.hazards]
            if not statement.transactional:
                lines.append("-- outside a transaction:")
            if statement.repeat:
                lines.append("-- again and again, until it touches no row:")
            lines.append(ended(statement.sql.rstrip().rstrip(";")) + separator)
        lines.append("")
    return "\n".join(lines) if plan.steps else "-- nothing to do\n"


def safe(text: str) -> str:
    """The text fit for one line of a comment: control, line-breaking and direction-changing characters as `?`."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _step(step: Step) -> dict[str, Any]:
    return {
        "action": step.action,
        "object": [step.id.kind, *step.id.path],
        "statements": [_statement(statement) for statement in step.statements],
        "drops": sorted([id.kind, *id.path] for id in step.drops),
        "creates": sorted([id.kind, *id.path] for id in step.creates),
    }


def _statement(statement: Statement) -> dict[str, Any]:
    found: dict[str, Any] = {"sql": statement.sql}
    if statement.object is not None:
        found["object"] = [statement.object.kind, *statement.object.path]
    for name, usual in (("transactional", True), ("foreign_keys", True), ("undo", ""), ("repeat", False)):
        if getattr(statement, name) != usual:
            found[name] = getattr(statement, name)
    if statement.fill is not None:
        found["fill"] = statement.fill.to_plain()
    if statement.hazards:
        found["hazards"] = [_hazard(hazard) for hazard in statement.hazards]
    return found


def _hazard(hazard: Hazard) -> dict[str, Any]:
    names = ("code", "object", "message", "safer", "blocking", "rows", "bytes", "rule")
    return {name: value for name in names if (value := getattr(hazard, name)) not in (None, "")}


def _read_step(data: Mapping[str, Any]) -> Step:
    return Step(
        action=_one_of(data["action"], get_args(Action)),
        id=_id(data["object"]),
        statements=tuple(_read_statement(item) for item in data["statements"]),
        drops=frozenset(map(_id, data["drops"])),
        creates=frozenset(map(_id, data["creates"])),
    )


def _read_statement(data: Mapping[str, Any]) -> Statement:
    return Statement(
        sql=_text(data["sql"]),
        object=_id(data["object"]) if "object" in data else None,
        transactional=_flag(data, "transactional", True),
        foreign_keys=_flag(data, "foreign_keys", True),
        undo=_text(data.get("undo", "")),
        repeat=_flag(data, "repeat", False),
        fill=Fill.from_plain(data["fill"]) if "fill" in data else None,
        hazards=tuple(_read_hazard(item) for item in data.get("hazards", ())),
    )


def _read_hazard(data: Mapping[str, Any]) -> Hazard:
    return Hazard(
        code=_text(data["code"]),
        object=_text(data.get("object", "")),
        message=_text(data["message"]),
        safer=_text(data.get("safer", "")),
        blocking=_flag(data, "blocking", True),
        rows=_number(data.get("rows")),
        bytes=_number(data.get("bytes")),
        rule=_text(data.get("rule", "")),
    )


def _id(data: Any) -> ObjectId:
    kind, *path = map(_text, data)
    if kind not in KINDS or not path:
        raise ValueError(kind)
    return ObjectId(kind, tuple(path))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _flag(data: Mapping[str, Any], name: str, usual: bool) -> bool:
    value = data.get(name, usual)
    if not isinstance(value, bool):
        raise TypeError(name)
    return value


def _number(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(value)
    return value


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError(value)
    return value
