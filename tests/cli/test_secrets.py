"""A password is in no output, whatever form it was given in and whatever goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.shop import Shop

CANARY = "c4n4ry"
ODD = "c4n4ry%40%2F%3A%23w0rd"  # a percent-encoded @ / : and #
COMMANDS = [
    ("check",),
    ("check", "--format", "json", "--report", "report.html", "--report", "report.json", "-v"),
    ("status", "-v"),
    ("plan",),
    ("apply", "--yes"),
    ("apply", "--direct", "--yes"),
    ("rollback", "--yes"),
    ("backup", "create"),
    ("backup", "list"),
    ("checklist",),
    ("deploy", "--yes", "--report", "deployment.md"),
    ("test",),
]
URLS = {
    "refused": f"postgresql://shop:{CANARY}@127.0.0.1:1/shop",
    "encoded": f"mysql://shop:{ODD}@127.0.0.1:1/shop",
    "an option": f"postgresql://shop@127.0.0.1:1/shop?password={CANARY}",
    "a bad port": f"postgresql://shop:{CANARY}@127.0.0.1:port/shop",
    "an unknown engine": f"oracle://shop:{CANARY}@127.0.0.1/shop",
    "no such host": f"mariadb://shop:{CANARY}@no-such-host.invalid/shop",
    "an unencoded at": f"postgresql://shop:{CANARY}@{CANARY}@127.0.0.1:1/shop",
    "an unknown option": f"mysql://shop:{CANARY}@127.0.0.1:1/shop?nonsense=1&sslkey={CANARY}",
    "a SQLite host": f"sqlite://shop:{CANARY}@host/store.db",
}


def _clean(shop: Shop, said: str, *more: Path) -> None:
    assert CANARY not in said
    for path in (
        *more,
        *(found for found in shop.path.rglob("*") if found.is_file() and found.suffix in (".html", ".json", ".md")),
    ):
        assert CANARY not in path.read_text(errors="replace"), path


@pytest.mark.parametrize("form", URLS)
def test_in_the_command_line(shop: Shop, form: str) -> None:
    for command in (COMMANDS[0], COMMANDS[2], COMMANDS[5]):
        ran = shop(*command, "-d", URLS[form])
        assert ran.code in (1, 2, 3), ran.all
        _clean(shop, ran.all)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_in_a_variable(shop: Shop, command: tuple[str, ...]) -> None:
    ran = shop(*command, env={"DATABASE_URL": URLS["refused"]})
    assert ran.code in (0, 1, 2, 3), ran.all
    _clean(shop, ran.all)


def test_in_the_spec_itself(shop: Shop) -> None:
    shop.edit("expected_schema.yaml", "${DATABASE_URL:-sqlite:///store.db}", URLS["refused"])
    for command in (("check",), ("check", "-v"), ("plan",), ("diff", "expected_schema.yaml", URLS["encoded"])):
        ran = shop(*command)
        assert ran.code in (2, 3), ran.all
        _clean(shop, ran.all)
    cache = Path(shop.environment["SCHEMASPEC_CACHE_DIR"])
    assert all(CANARY not in found.read_text() for found in cache.rglob("*.json"))


def test_in_diff_and_init(shop: Shop) -> None:
    for command in (
        ("diff", URLS["refused"], "store.db"),
        ("diff", URLS["refused"], URLS["encoded"]),
        ("diff", URLS["an option"], "expected_schema.yaml"),
        ("init", "-d", URLS["refused"], "-o", "new.yaml"),
        ("check", "--compare", URLS["refused"]),
        ("test", "-d", URLS["refused"]),
    ):
        ran = shop(*command)
        assert ran.code in (1, 2, 3), ran.all
        _clean(shop, ran.all)


def test_in_a_file_name_of_a_report(shop: Shop) -> None:
    report = json.loads(shop("check", "--format", "json", env={"DATABASE_URL": URLS["refused"]}).out)
    assert report["database"] == "postgresql://shop:***@127.0.0.1:1/shop"
