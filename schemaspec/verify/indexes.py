"""Indexes: none missing, none changed, none that the spec does not name."""

from __future__ import annotations

from schemaspec.verify.differences import compare
from schemaspec.verify.outcome import Verdict
from schemaspec.verify.rules.data import Data
from schemaspec.verify.subject import Subject


def run(subject: Subject, data: Data) -> Verdict:
    """Compare them with the spec's."""
    return compare(subject, "indexes", "index", "indexes")
