"""Files of a spec, written into a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Files = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Write files into an empty folder that becomes the current one; returns the path of the first."""
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(root)

    def write(contents: Mapping[str, str]) -> Path:
        for name, text in contents.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return root / next(iter(contents))

    return write
