"""Environment variables in URLs: `${NAME}` and `${NAME:-default}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemaspec.errors import InputError
from schemaspec.model.position import Position

_REFERENCE = re.compile(r"\$(?:\$|\{([^{}]*)\}|\{)")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def interpolate(text: str, environ: Mapping[str, str], where: Position | None = None) -> str:
    """The text with its variables filled in; `$$` stands for a dollar sign.

    Raises:
        InputError: a variable is not set and has no default, or a reference is not closed. Never shows a value.
    """

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        parts = _NAME.fullmatch(found[1] or "")
        if parts is None:
            raise InputError("not a variable: write ${NAME} or ${NAME:-default}", where=where, fix="a dollar sign itself is $$")
        name, default = parts.groups()
        given = environ.get(name, "")
        if given or default is not None:
            return given or str(default)
        raise InputError(
            f"the environment variable {name} is not set",
            where=where,
            fix=f"set it, or give it a default: ${{{name}:-…}}; or name the database with --database URL",
        )

    return _REFERENCE.sub(value, text)


def holds_secret(text: str) -> bool:
    """Whether the text of a URL field itself holds a password, not only a variable that stands for one."""
    from schemaspec.model.url import redact

    bare = _REFERENCE.sub(lambda found: found[0] if ":-" in found[0] else "", text).replace(":@", "@")
    return redact(bare) != bare
