"""Which of the clients on a machine serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemaspec.engines.postgresql.copy.client import Client, client, clients
from schemaspec.errors import DatabaseError


def of(*versions: str) -> list[Client]:
    return [
        Client(folder=Path(f"/{text}"), major=int(major), minor=int(minor))
        for text in versions
        for major, minor in [text.split(".")]
    ]


@pytest.mark.parametrize(
    ("major", "there", "chosen"),
    [
        (15, ["15.20"], "15.20"),
        (15, ["14.23", "16.12", "15.15", "15.20", "18.9"], "15.20"),
        (15, ["13.23", "17.12", "16.12"], "16.12"),
        (15, ["15.13", "16.12"], "16.12"),
        (18, ["18.8"], "18.8"),
        (19, ["19.0"], "19.0"),
    ],
)
def test_its_own_version_or_the_next_newer_one(major: int, there: list[str], chosen: str) -> None:
    item = client(major, doing="back up", where="here", found=of(*there))
    assert f"{item.major}.{item.minor}" == chosen


@pytest.mark.parametrize("there", [["15.13"], ["17.11", "16.9"], ["18.6"]])
def test_one_that_a_dump_can_turn_against_us_is_refused(there: list[str]) -> None:
    with pytest.raises(DatabaseError, match="too old to be safe") as caught:
        client(15, doing="read the backup", where="here", found=of(*there))
    assert "update" in (caught.value.fix or "")


@pytest.mark.parametrize("there", [[], ["14.23", "13.23"]])
def test_what_lacks_is_named(there: list[str]) -> None:
    with pytest.raises(DatabaseError, match="pg_restore of version 16 or newer") as caught:
        client(16, doing="back up", where="here", found=of(*there))
    assert "postgresql-client-16" in (caught.value.fix or "")
    assert (there[0] if there else "none") in (caught.value.why or "")


def test_those_on_the_path_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 44.3 (Some 44.3-1)"\n')
        (tmp_path / name).chmod(0o755)
    half = tmp_path / "half"
    half.mkdir()
    (half / "pg_dump").symlink_to(tmp_path / "pg_dump")
    monkeypatch.setenv("PATH", f"{half}:{tmp_path}:/nowhere")
    found = {(item.major, item.minor, item.folder) for item in clients()}
    assert (44, 3, tmp_path) in found
