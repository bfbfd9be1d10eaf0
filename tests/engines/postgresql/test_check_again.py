"""A check that is made again looks at the catalogs again."""

from __future__ import annotations

from pathlib import Path

from schemaspec.project import Project
from tests.engines.postgresql.conftest import Make, run


def test_what_has_changed_since_the_last_check_is_seen(database: Make, tmp_path: Path) -> None:
    live = database()
    spec = tmp_path / "expected_schema.yaml"
    spec.write_text("schemaspec: 1\n", encoding="utf-8")

    def passed() -> bool:
        return Project.open(str(spec), database=str(live)).check().passed

    assert passed()
    assert passed()
    run(live, "create view late as select 1 as one")
    assert not passed()
