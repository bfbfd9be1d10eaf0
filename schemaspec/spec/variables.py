"""Environment variables in URLs: `${NAME}` and `${NAME:-default}`."""

from __future__ import annotations

from schemaspec.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemaspec.model.position import Position


def interpolate(text: str, environ: Mapping[str, str], where: Position | None = None) -> str:
    """The text with its variables filled in; `$$` stands for a dollar sign.

    Raises:
        InputError: a variable is not set and has no default, or a reference is not closed. Never shows a value.
    """

    def value(reference: str) -> str:
        name, default = _parts(reference)
        if not (name.isascii() and name.isidentifier()):
            raise InputError("not a variable: write ${NAME} or ${NAME:-default}", where=where, fix="a dollar sign itself is $$")
        given = environ.get(name, "")
        if given or default is not None:
            return given or str(default)
        raise InputError(
            f"the environment variable {name} is not set",
            where=where,
            fix=f"set it, or give it a default: ${{{name}:-…}}; or name the database with --database URL",
        )

    return _replaced(text, value, dollar="$")


def holds_secret(text: str) -> bool:
    """Whether the text of a URL field itself holds a password, not only a variable that stands for one."""
    from schemaspec.model.url import redact

    def bare(reference: str) -> str:
        return f"${{{reference}}}" if _parts(reference)[1] is not None else ""

    words = _replaced(text, bare, dollar="").replace(":@", "@")
    return redact(words) != words


def _parts(reference: str) -> tuple[str, str | None]:
    """The name of a reference, and its default."""
    name, mark, default = reference.partition(":-")
    return name, default if mark else None


def _replaced(text: str, value: Callable[[str], str], *, dollar: str) -> str:
    """The text with what stands in `${…}` replaced, "" for one that is not closed; `$$` by `dollar`."""
    parts = []
    while (start := text.find("$")) >= 0 and start + 1 < len(text):
        parts.append(text[:start])
        if text[start + 1] == "$":
            parts.append(dollar)
            text = text[start + 2 :]
        elif text[start + 1] == "{":
            inner, closed, rest = text[start + 2 :].partition("}")
            whole = closed and "{" not in inner
            parts.append(value(inner if whole else ""))
            text = rest if whole else text[start + 2 :]
        else:
            parts.append("$")
            text = text[start + 1 :]
    return "".join(parts) + text
