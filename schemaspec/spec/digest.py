"""Whether the files of a spec have changed, told without reading any YAML."""

from __future__ import annotations

import os

from schemaspec.model.digest import Digest
from schemaspec.model.value import Value
from schemaspec.spec.sources import expand, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from schemaspec.model.spec import Spec

FORMAT = "3"
"""Changes when the same files are read to another spec than before."""


class SpecInputs(Value):
    """What a spec, or a set of migrations, was read from.

    Args:
        files: every file, the first one first, relative to the root.
        patterns: the patterns of `include`, relative to the root: a new file that one of them matches is a change.
    """

    files: tuple[str, ...]
    patterns: tuple[str, ...] = ()


def inputs_of(spec: Spec) -> SpecInputs:
    """What the spec was read from."""
    return SpecInputs(files=spec.files, patterns=spec.includes)


def inputs_to_plain(inputs: SpecInputs) -> dict[str, Any]:
    """The inputs as plain JSON data."""
    return {"files": list(inputs.files), "patterns": list(inputs.patterns)}


def inputs_from_plain(data: Mapping[str, Any]) -> SpecInputs:
    """The inputs that `inputs_to_plain` wrote down. Raises KeyError, TypeError for other data."""
    return SpecInputs(files=tuple(data["files"]), patterns=tuple(data["patterns"]))


def digest_now(inputs: SpecInputs, root: str | os.PathLike[str]) -> str:
    """The digest of the inputs as they are now; equal to `Spec.digest` while nothing has changed.

    Args:
        inputs: what was read.
        root: the folder of the first file.

    Raises:
        InputError: a file can't be read.
    """
    base = os.fspath(root)
    files = list(inputs.files)
    for pattern in inputs.patterns:
        files += [name for name in expand(base, pattern) if name not in files]
    return digest_of((name, read_file(os.path.join(base, name), name)) for name in files)


def digest_of(contents: Iterable[tuple[str, bytes]]) -> str:
    """A digest of the names and contents of files; hexadecimal."""
    digest = Digest()
    digest.add(FORMAT.encode())
    for name, data in contents:
        digest.add(f"\0{len(data)}\0{name}\0".encode("utf-8", "surrogateescape"))
        digest.add(data)
    return digest.hex()
