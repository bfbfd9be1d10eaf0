"""What is wrong in a file is said with its place and the way to mend it: the cases of faults.yaml, word for word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemaspec.errors import InputError
from schemaspec.spec.migrations_reader import read_migrations
from schemaspec.spec.reader import read_spec

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_fault(case: dict[str, Any], files: Any) -> None:
    root = files(case["files"]).parent
    first = next(iter(case["files"]))
    with pytest.raises(InputError) as caught:
        if first == "migrations.yaml":
            read_migrations(first, engine="sqlite")
        else:
            read_spec(first, environ={})
    assert str(caught.value).replace(str(root.resolve()), "ROOT") == case["says"]
    assert caught.value.exit_code == 2
