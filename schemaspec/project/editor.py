"""What an editor's YAML language server needs: the JSON Schemas beside the spec, and a first line that names them."""

from __future__ import annotations

import os
from pathlib import Path

from schemaspec.errors import InputError
from schemaspec.project.whole_file import write_whole

FOLDER = ".schemaspec"
_MARK = "yaml-language-server:"
_PLACES = (f"{FOLDER}/{{}}.schema.json", "schemaspec/spec/schemas/{}.schema.json")
"""Where the JSON Schemas may lie below a project: as `write_schemas` puts them, or in a checkout of schemaspec."""


def modeline(name: str, folder: Path) -> str:
    """The first line for a file in that folder, "" where it would name a JSON Schema that is not there.

    Args:
        name: `expected_schema` or `migrations`.
    """
    there = next((place for place in (text.format(name) for text in _PLACES) if (folder / place).is_file()), None)
    return f"# {_MARK} $schema={there}\n" if there else ""


def write_schemas(spec: Path, migrations: Path) -> list[str]:
    """Write the JSON Schemas beside the spec, and name them in the first line of both files, where these are there.

    A file that names one already is left as it is.

    Returns:
        What was done, a line each.

    Raises:
        InputError: something can't be written.
    """
    from schemaspec.spec.schemas import load

    folder = spec.parent / FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        fix = "name a spec in a folder that is there, and that you may write to: -s FILE"
        raise InputError(f"{folder} can't be made", why=error.strerror, fix=fix) from None
    done = []
    for name, file in (("expected_schema", spec), ("migrations", migrations)):
        schema = folder / f"{name}.schema.json"
        write_whole(schema, load(name))
        done.append(f"{schema}: written")
        if file.is_file() and _named(file, schema):
            done.append(f"{file}: its first line names it")
    return done


def _named(file: Path, schema: Path) -> bool:
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    if _MARK in text.partition("\nschemaspec:")[0]:
        return False
    end = "\r\n" if "\r\n" in text else "\n"
    place = Path(os.path.relpath(schema.resolve(), file.resolve().parent)).as_posix()
    write_whole(file, f"# {_MARK} $schema={place}{end}{text.removeprefix(chr(0xFEFF))}")
    return True
