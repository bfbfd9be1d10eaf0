"""Snapshots: a schema written down, to stand in where no scratch database may be made, and for `diff`.

The snapshot of a spec lies beside it. Once it is there, every run that can make a scratch database keeps it up to date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from schemaspec.errors import InputError

if TYPE_CHECKING:
    from schemaspec.model.schema import Schema
    from schemaspec.model.spec import Spec


def file_of(spec: Spec) -> str:
    """Where the snapshot of a spec lies: `expected_schema.snapshot.json` beside `expected_schema.yaml`."""
    stem = os.path.splitext(os.path.basename(spec.file))[0]
    return f"{spec.root}/{stem}.snapshot.json"


def write(path: str, schema: Schema, *, digest: str = "", proven: bool = True) -> None:
    """Write a schema down.

    Args:
        digest: that of the spec which it was made from; "" for a database's.
        proven: whether a scratch database was seen to come to it; else the next run that can make one writes it anew.

    Raises:
        InputError: the file can't be written.
    """
    from schemaspec.model.schema import to_plain
    from schemaspec.project.whole_file import write_whole

    mark = {} if proven else {"proven": False}
    text = json.dumps({"digest": digest, **mark, "schema": to_plain(schema)}, indent=1, ensure_ascii=False)
    write_whole(path, text + "\n")


def read(path: str) -> Schema:
    """The schema in a snapshot file.

    Raises:
        InputError: the file is no snapshot.
    """
    from schemaspec.model.schema import from_plain

    try:
        return from_plain(_content(path)["schema"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _none(path, str(error)) from None


def keep(spec: Spec, schema: Callable[[], Schema]) -> None:
    """Bring the snapshot beside the spec up to date, where there is one. A folder that can't be written to is no error.

    Args:
        schema: makes what the spec leads to.
    """
    path = file_of(spec)
    if not os.path.exists(path):
        return
    try:
        content = _content(path)
        if content.get("digest") != spec.digest or not content.get("proven", True):
            write(path, schema(), digest=spec.digest)
    except InputError:
        return


def stand_in(spec: Spec, engine: str) -> Schema | None:
    """The schema in the snapshot beside the spec; None where there is no snapshot.

    Raises:
        InputError: it was made of another version of the spec, or for another engine.
    """
    path = file_of(spec)
    if not os.path.isfile(path):
        return None
    if _content(path).get("digest") != spec.digest:
        raise InputError(
            f"{path} was made from another version of the spec",
            fix="run `schemaspec check` once where a scratch database can be made: that brings it up to date",
        )
    schema = read(path)
    if schema.engine != engine:
        raise InputError(f"{path} was made for {schema.engine}, the database is {engine}")
    return schema


def _content(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read())
    except (OSError, ValueError, RecursionError) as error:
        raise _none(path, str(error)) from None
    if not isinstance(data, dict):
        raise _none(path, "it is no JSON object")
    return data


def _none(path: str, why: str) -> InputError:
    return InputError(f"{path} is not a snapshot", why=why, fix="write one with `schemaspec init --snapshot`")
