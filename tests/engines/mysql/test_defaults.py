"""The collation that a database gives to what names none: named by the spec, or left to the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemaspec.errors import InputErrors
from schemaspec.project import Project
from schemaspec.project.initialise import describe_database
from tests.engines.mysql.conftest import Make
from tests.engines.mysql.planning import schema_of

TABLE = "create table notes (id int primary key, words varchar(20) not null, code char(3) collate latin1_bin);"
SPEC = """
schemaspec: 1
database: mysql://root@127.0.0.1/shop
{}
tables:
  notes: {{columns: {{id: int primary key, words: varchar(20) not null, code: char(3) collate latin1_bin}}}}
"""


def test_what_init_wrote_means_the_same_on_every_database(database: Make, tmp_path: Path) -> None:
    here = database(TABLE)
    there = database(TABLE, name="other", collation="latin1_swedish_ci")
    empty = database(name="empty", collation="latin1_swedish_ci")
    file = str(tmp_path / "expected_schema.yaml")
    describe_database(str(here), file)
    assert (tmp_path / "expected_schema.yaml").read_text(encoding="utf-8").count("utf8mb4") == 1
    assert Project.open(file, database=str(here)).check().passed
    for other in (there, empty):
        project = Project.open(file, database=str(other))
        assert not project.check().passed
        project.apply_direct(allow=frozenset({"all"}), backup=False)
        assert project.check().passed
        assert schema_of(other) == schema_of(here)
    assert Project.open(file, database=str(empty)).test().passed


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "latin1_swedish_ci"])
def test_a_spec_that_names_none_takes_the_databases_own(collation: str, database: Make, tmp_path: Path) -> None:
    url = database(TABLE, collation=collation)
    file = tmp_path / "expected_schema.yaml"
    file.write_text(SPEC.format(""), encoding="utf-8")
    assert Project.open(str(file), database=str(url)).check().passed


@pytest.mark.parametrize(
    ("defaults", "why"),
    [
        ("{collation: utf8mb4_nosuch_ci}", "Unknown collation"),
        ("{collation: utf8mb4_bin; drop database shop}", "not a collation"),
        ("{collatoin: utf8mb4_bin}", "unknown key `collatoin`"),
    ],
)
def test_what_is_no_default_is_told_at_its_line(defaults: str, why: str, database: Make, tmp_path: Path) -> None:
    file = tmp_path / "expected_schema.yaml"
    file.write_text(SPEC.format(f"defaults: {defaults}"), encoding="utf-8")
    with pytest.raises(InputErrors) as error:
        Project.open(str(file), database=str(database(TABLE))).check()
    told = error.value.errors[0]
    assert why in f"{told.what} {told.why}"
    assert "expected_schema.yaml:4:" in str(told.where)
