"""A file that is written is there completely, or is what it was."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from schemaspec.errors import InputError
from schemaspec.project.whole_file import write_whole


def test_new_and_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    write_whole(path, "one\n")
    path.chmod(0o640)
    write_whole(str(path), "two é \ud800\n")
    assert path.read_bytes() == "two é \ud800\n".encode("utf-8", "surrogatepass")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["a.yaml"]


def test_a_new_file_heeds_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("one")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "two"


def test_what_is_no_plain_file_is_written_to(tmp_path: Path) -> None:
    write_whole("/dev/null", "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize(
    ("code", "fix"),
    [(errno.ENOSPC, "make room"), (errno.EROFS, "that you may write to"), (errno.EIO, "in a folder that is there")],
)
def test_what_was_there_stays_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fix: str) -> None:
    path = tmp_path / "migrations.yaml"
    path.write_text("the work of years")

    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match=r"migrations\.yaml can't be written") as caught:
        write_whole(path, "a half")
    assert fix in (caught.value.fix or "")
    assert path.read_text() == "the work of years"
    assert [found.name for found in tmp_path.iterdir()] == ["migrations.yaml"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        write_whole(tmp_path / "no" / "a", "")
    with pytest.raises(InputError, match="can't be written"):
        write_whole(tmp_path, "")
