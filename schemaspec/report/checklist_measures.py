"""The automatic points of the checklist: each looks at the facts and says what it found. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from schemaspec.model.checklist import ChecklistFacts
from schemaspec.report.backups_text import size_words
from schemaspec.report.words import engine_words, plural

FRESH_HOURS = 24.0
_ROOM = 3
"""How many times its size a database needs for a backup, a rebuilt table and its journal."""


class Measured(NamedTuple):
    """What a measure found."""

    status: Literal["done", "failed", "open", "skipped"]
    text: str


Measure = Callable[[ChecklistFacts], Measured]


def _verdict(good: bool, text: str) -> Measured:
    return Measured("done" if good else "failed", text)


def _unknown(text: str = "not measured") -> Measured:
    return Measured("open", text)


def reachable(facts: ChecklistFacts) -> Measured:
    """The database answered."""
    known = f"{engine_words(facts.engine, facts.server_version)}, {plural(len(facts.tables), 'table')}"
    return _verdict(not facts.fault, facts.fault or known)


def _check(facts: ChecklistFacts, *ids: str) -> Measured:
    found = [check for check in facts.checks if check.id in ids and check.status != "skip"]
    if not found:
        return _unknown("not checked" if not facts.fault else "the database can't be used")
    bad = [check for check in found if check.status in ("fail", "error")]
    return _verdict(not bad, "; ".join(f"{check.name}: {check.message}" for check in bad or found))


def integrity(facts: ChecklistFacts) -> Measured:
    """The engine's own integrity check."""
    return _check(facts, "integrity")


def data_integrity(facts: ChecklistFacts) -> Measured:
    """Foreign keys, data rules and assertions."""
    return _check(facts, "data_integrity")


_SCHEMA_CHECKS = ("tables", "columns", "constraints", "indexes", "views", "triggers", "objects")


def schema_before(facts: ChecklistFacts) -> Measured:
    """The schema equals the spec, or, where migrations are pending, what the applied ones make."""
    found = _check(facts, *_SCHEMA_CHECKS)
    if found.status == "failed" and facts.by_hand is not None:
        others = f"{', '.join(facts.by_hand[:3])}{' …' if len(facts.by_hand) > 3 else ''}"
        known = sum(row.status in ("applied", "baseline") for row in facts.migrations)
        made = "what the applied migration makes" if known == 1 else f"what the {known} applied migrations make"
        return _verdict(not facts.by_hand, f"not {made}: {others}" if others else f"the schema is {made}")
    if found.status == "failed" and facts.pending:
        return Measured("open", f"differs from the spec, which is ahead by {plural(len(facts.pending), 'migration')}")
    if found.status == "done":
        return Measured("done", "the schema matches the spec")
    return found


def _versions(facts: ChecklistFacts, *states: str) -> str:
    return ", ".join(f"v{row.version} ({row.status.replace('_', ' ')})" for row in facts.migrations if row.status in states)


def _none_in(facts: ChecklistFacts, *states: str) -> Measured:
    if facts.fault:
        return _unknown("the history can't be read")
    bad = _versions(facts, *states)
    known = sum(row.status in ("applied", "baseline") for row in facts.migrations)
    return _verdict(not bad, bad or f"{plural(known, 'migration')} applied, all in order")


def edited(facts: ChecklistFacts) -> Measured:
    """Checksums of what was applied."""
    return _none_in(facts, "edited")


def failed(facts: ChecklistFacts) -> Measured:
    """Nothing half done."""
    return _none_in(facts, "failed", "running")


def order(facts: ChecklistFacts) -> Measured:
    """No gaps, nothing late."""
    return _none_in(facts, "missing", "out_of_order")


def pending(facts: ChecklistFacts) -> Measured:
    """What will run."""
    if facts.fault:
        return _unknown("the history can't be read")
    listed = ", ".join(f"v{item.version} {item.description}" for item in facts.pending)
    return Measured("done", f"{plural(len(facts.pending), 'migration')}: {listed}" if listed else "nothing is pending")


def proof(facts: ChecklistFacts) -> Measured:
    """The migrations lead to the spec."""
    if facts.proof == "proven":
        return Measured("done", facts.proof_message or "run in a scratch database: they lead to the spec")
    if facts.proof == "refuted":
        return Measured("failed", facts.proof_message or "they lead to another schema")
    return _unknown(facts.proof_message or "not tried here")


def reversible(facts: ChecklistFacts) -> Measured:
    """All have a `down`."""
    none = [f"v{item.version}" for item in facts.pending if item.way_back == "none"]
    if not facts.pending:
        return Measured("skipped", "nothing is pending")
    return _verdict(not none, f"no way back: {', '.join(none)}" if none else f"all {len(facts.pending)} can be taken back")


def hazards(facts: ChecklistFacts) -> Measured:
    """Blocking hazards that nobody has accepted."""
    found = [(item, hazard) for item in facts.pending for hazard in item.hazards if hazard.blocking]
    everything = "all" in facts.accepted
    open_ones = [(item, hazard) for item, hazard in found if not everything and hazard.code not in facts.accepted]
    if open_ones:
        told = "; ".join(f"v{item.version} {hazard.code}: {hazard.message}" for item, hazard in open_ones)
        return Measured("failed", told)
    return Measured("done", f"{plural(len(found), 'hazard')}, all accepted" if found else "no blocking hazard")


def lock(facts: ChecklistFacts) -> Measured:
    """The migration lock is free."""
    if facts.lock_free is None:
        return _unknown()
    return _verdict(facts.lock_free, "the lock is free" if facts.lock_free else "another program holds it")


def space(facts: ChecklistFacts) -> Measured:
    """Free space where the backups lie."""
    if facts.database_bytes is None or facts.free_bytes is None:
        return _unknown()
    needed = facts.database_bytes * _ROOM
    return _verdict(facts.free_bytes >= needed, f"{size_words(facts.free_bytes)} free, {size_words(needed)} wanted")


def revision(facts: ChecklistFacts) -> Measured:
    """The commit, and nothing beside it."""
    if not facts.revision:
        return _unknown("no git repository")
    return _verdict(not facts.dirty, facts.revision[:12] + (", with changes that are not committed" if facts.dirty else ""))


def warnings(facts: ChecklistFacts) -> Measured:
    """What the engine warns of."""
    last = facts.last_backup
    told = list(facts.warnings)
    if last and "warning" in last.details:
        told.append(str(last.details["warning"]))
    return _verdict(not told, "; ".join(told) or "no warning")


def backup_fresh(facts: ChecklistFacts) -> Measured:
    """The newest verified backup and its age."""
    last = facts.last_backup
    if last is None:
        return Measured("failed", "there is no verified backup")
    text = f"{last.name}, {size_words(last.size)}, {last.age_hours:.1f} hours old"
    return _verdict(last.age_hours <= FRESH_HOURS, text)


def backup_verified(facts: ChecklistFacts) -> Measured:
    """How thoroughly the newest was checked."""
    last = facts.last_backup
    if last is None:
        return Measured("failed", "there is no verified backup")
    return Measured("done", f"{last.name}: level {last.level}" + (f", {last.reason}" if last.reason else ""))


def backup_counts(facts: ChecklistFacts) -> Measured:
    """Rows in the backup and in the database."""
    last = facts.last_backup
    if last is None or not facts.tables:
        return _unknown("nothing to compare")
    then, now = last.row_counts, facts.tables
    shared = [name for name in now if name in then]
    differing = [f"{name} {then[name]} → {now[name]}" for name in shared if then[name] != now[name]]
    more = f" and {len(differing) - 5} more" if len(differing) > 5 else ""
    text = f"rows changed since: {', '.join(differing[:5])}{more}" if differing else f"{plural(len(shared), 'table')} alike"
    return _verdict(not differing, text)


def backup_damaged(facts: ChecklistFacts) -> Measured:
    """Backups that are not what they should be."""
    bad = [f"{backup.name}: {backup.reason}" for backup in facts.backups if backup.status == "damaged"]
    return _verdict(not bad, "; ".join(bad[:3]) or f"{plural(len(facts.backups), 'backup')} looked at")


def backup_private(facts: ChecklistFacts) -> Measured:
    """The folder's permissions."""
    if facts.backup_folder_mode is None:
        return _unknown("there is no backup folder yet")
    return _verdict(not facts.backup_folder_mode & 0o077, f"{facts.backup_folder} has {facts.backup_folder_mode:04o}")


def backup_restorable(facts: ChecklistFacts) -> Measured:
    """Whether a restore could begin at once."""
    return _verdict(facts.can_restore, "nothing is missing" if facts.can_restore else "the secret key that opens it is not here")


def backup_signed(facts: ChecklistFacts) -> Measured:
    """Whether the newest is signed."""
    last = facts.last_backup
    if last is None:
        return _unknown("there is no verified backup")
    return Measured("done", "signed") if last.signed else _unknown("not signed")


def rollback_way(facts: ChecklistFacts) -> Measured:
    """Whether taking the migrations back is possible at all."""
    none = [f"v{item.version}" for item in facts.pending if item.way_back == "none"]
    if none:
        return Measured("open", f"not for {', '.join(none)}: restore the backup instead")
    return Measured("open", "possible for all pending migrations" if facts.pending else "nothing is pending")


MEASURES: dict[str, Measure] = {
    measure.__name__: measure
    for measure in (
        reachable,
        integrity,
        data_integrity,
        schema_before,
        edited,
        failed,
        order,
        pending,
        proof,
        reversible,
        hazards,
        lock,
        space,
        revision,
        warnings,
        backup_fresh,
        backup_verified,
        backup_counts,
        backup_damaged,
        backup_private,
        backup_restorable,
        backup_signed,
        rollback_way,
    )
}
