"""The list of backups."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemaspec.model.backup import Backup
from schemaspec.report.backups_text import age_words, render_backups, render_backups_json, size_words

GOOD = Backup(
    name="store.db.backup.20251222_213657.gz",
    path=Path("/srv/backups/store.db.backup.20251222_213657.gz"),
    size=45_123,
    created_at=datetime(2025, 12, 22, 21, 36, 57, tzinfo=UTC),
    age_hours=2.54,
    status="verified",
    trigger="pre-apply",
    sequence=3,
    compressed=True,
)
BAD = Backup(
    name="store.db.backup.20251101_080000",
    path=Path("/x"),
    size=0,
    created_at=datetime(2025, 11, 1, 8, tzinfo=UTC),
    age_hours=1237.6,
    status="damaged",
    reason="its file\x1b[31m is gone",
)


def test_the_table() -> None:
    assert render_backups((GOOD, BAD)).splitlines() == [
        "   Backup                                 Size                      Age  Status    Made for",
        "✓  store.db.backup.20251222_213657.gz  45.1 kB                2.5 hours  verified  pre-apply",
        "✗  store.db.backup.20251101_080000     0 bytes  1,237.6 hours (52 days)  damaged",
        "    its file\\x1b[31m is gone",
        "",
        "2 backups, 1 verified, 45.1 kB",
    ]
    assert "backup create" in render_backups(())


def test_for_programs() -> None:
    data = json.loads(render_backups_json((GOOD, BAD)))
    assert data[0]["age_hours"] == 2.54
    assert data[0]["created_at"] == "2025-12-22T21:36:57Z"
    assert data[1]["status"] == "damaged"


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (3 * 10**12, "3.0 TB")]
)
def test_sizes(count: int, words: str) -> None:
    assert size_words(count) == words


def test_ages() -> None:
    assert age_words(0.04) == "0.0 hours"
    assert age_words(73) == "73.0 hours (3 days)"
