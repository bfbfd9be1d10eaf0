"""Every other kind of object: types, sequences, functions, policies, extensions … and what has no model."""

from __future__ import annotations

from schemaspec.model.kinds import KINDS
from schemaspec.verify.differences import compare
from schemaspec.verify.outcome import Verdict
from schemaspec.verify.rules.data import Data
from schemaspec.verify.subject import Subject


def applies(subject: Subject) -> bool:
    """Whether this database can hold any such object, or does."""
    if any(KINDS[kind].check == "objects" and kind != "unmodelled" for kind in subject.engine.features.kinds):
        return True
    return subject.current is not None and bool(subject.current.of_kind("unmodelled"))


def run(subject: Subject, data: Data) -> Verdict:
    """Compare them with the spec's."""
    return compare(subject, "objects", "object", "objects")
