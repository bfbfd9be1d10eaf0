"""The report of a deployment says how it went, and what is so when it is over."""

from __future__ import annotations

import re

import pytest

from tests.shop import Shop

MORE = """schemaspec: 1
migrations:
- {version: 6, description: A discount, up: [alter table products add column discount real, delete from suppliers where id = 99, {SQL}]}
"""


@pytest.fixture
def ready(shop: Shop) -> Shop:
    """A shop with a migration that is pending, and that nothing takes back."""
    shop.edit("specs/catalog.yaml", "      description: text\n", "      description: text\n      discount: real\n")
    shop.edit("migrations.yaml", "schemaspec: 1\n", "schemaspec: 1\ninclude: [more.yaml]\n")
    (shop.path / "more.yaml").write_text(MORE.replace("{SQL}", "insert into suppliers (name) values ('Third')"))
    return shop


def point(text: str, words: str) -> str:
    found = re.search(rf"^- \[.\] {re.escape(words)}.*$", text, re.MULTILINE)
    assert found, words
    return found[0]


def test_what_went_well_is_not_told_as_failed(ready: Shop) -> None:
    """A point that failed before, such as no way back, does not make the deployment a failed one."""
    ran = ready("deploy", "--yes", "--report", "done.md")
    assert (ran.code, "✓ DEPLOYED" in ran.out) == (0, True), ran.all
    text = (ready.path / "done.md").read_text()
    assert text.startswith("# Deployed: Grocery shop\n")
    assert "**failed**" in point(text, "Every pending migration has a way back")
    assert "**done**: store.db.backup." in point(text, "The newest backup was opened again")
    assert point(text, "The newest backup holds the rows").endswith("**done**: 15 tables alike")
    assert r"rows changed since the backup: schema\_version 5 → 6, suppliers 2 → 3" in point(
        text, "The row counts are as expected"
    )
    assert "| Applied | 1 migration |" in text
    assert "## Applied migrations" in text
    assert re.search(r"\| Last backup \| `store\.db\.backup\.", text)
    assert ready("deploy", "--yes", "--report", "again.html").code == 0
    assert "<h1>Deployed" in (ready.path / "again.html").read_text()


def test_what_failed_is_told_so(ready: Shop) -> None:
    (ready.path / "more.yaml").write_text(MORE.replace("{SQL}", "delete from regions where id > 3"))
    ran = ready("deploy", "--yes", "--report", "done.md")
    assert (ran.code, "✗ FAILED - the database was restored" in ran.out) == (4, True), ran.all
    text = (ready.path / "done.md").read_text()
    assert text.startswith("# Deployment failed: Grocery shop\n")
    assert ready.sql("select count(*) from regions") == [(30,)]
    assert ready.sql("select max(version) from schema_version") == [(5,)]


def test_a_refusal_is_told_so(ready: Shop) -> None:
    (ready.path / "more.yaml").write_text(MORE.replace("{SQL}", "insert into nowhere values (1)"))
    ran = ready("deploy", "--yes", "--report", "done.md")
    assert (ran.code, "NOT DEPLOYED" in ran.out) == (1, True), ran.all
    assert (ready.path / "done.md").read_text().startswith("# Deployment refused: Grocery shop\n")
    assert not (ready.path / "backups").exists()
