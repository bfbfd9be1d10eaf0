"""Which database a URL leads to: what keeps a backup of one from being restored into another."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from schemaspec.engines.postgresql import ENGINE
from schemaspec.model.url import DatabaseUrl

VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _place(text: str, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> str:
    with monkeypatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return ENGINE.place(DatabaseUrl.parse(text))


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("postgresql://localhost/shop", {}),
        ("postgresql://me:secret@127.0.0.1:5432/shop?sslmode=disable", {}),
        ("postgres://[::1]/shop", {}),
        ("postgresql:///shop?host=/var/run/postgresql", {}),
        ("postgresql://%2Fvar%2Frun%2Fpostgresql/shop", {}),
        ("postgresql://LOCALHOST?dbname=shop&port=5432", {}),
        ("postgresql:///", {"PGDATABASE": "shop"}),
        ("postgresql:///shop", {"PGHOST": "localhost", "PGPORT": "5432"}),
    ],
)
def test_one_database_in_many_spellings(text: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _place(text, monkeypatch, variables) == "localhost:5432/shop"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("postgresql:///shop", {"PGHOST": "prod"}), ("postgresql:///shop", {"PGHOST": "staging"})),
        (("postgresql:///shop", {"PGPORT": "5433"}), ("postgresql:///shop", {})),
        (("postgresql:///", {"PGDATABASE": "a"}), ("postgresql:///", {"PGDATABASE": "b"})),
        (("postgresql:///?service=prod", {}), ("postgresql:///?service=staging", {})),
        (("postgresql:///", {"PGSERVICE": "prod"}), ("postgresql:///", {"PGSERVICE": "staging"})),
        (("postgresql:///shop?service=prod", {}), ("postgresql:///shop", {})),
    ],
)
def test_two_databases(
    one: tuple[str, dict[str, str]], other: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _place(one[0], monkeypatch, one[1]) != _place(other[0], monkeypatch, other[1])


def test_a_service_goes_before_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "postgresql:///?service=prod"
    assert _place(text, monkeypatch, {"PGHOST": "elsewhere"}) == _place(text, monkeypatch, {})
