"""What was worked out once, kept between runs: what a spec compiles to, what a check of the same database has found.

Every entry holds a digest of what it was made of, and is used only while that is the same; losing the cache costs time only.
Entries are written as Python writes its own compiled files (`marshal`), which asks for no other module to read them, and are
believed on the same ground: nobody but their owner can write them. A checksum tells those that are damaged.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

from schemaspec import __version__
from schemaspec.model.digest import SIZE, digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_ENTRIES = 500
_ENDING = ".kept"
_LENGTH = 8
"""How many bytes say how long the value is; what follows it are the bytes beside it."""
_PLAIN = frozenset({str, int, float, bool, type(None)})
_INSTALLED = ("site-packages", "dist-packages")


def cache_folder() -> str | None:
    """Where entries lie: `SCHEMASPEC_CACHE_DIR`, else the user's cache folder. None when the variable is `off`."""
    given = os.environ.get("SCHEMASPEC_CACHE_DIR")
    if given == "off":
        return None
    return given or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "schemaspec")


def load(kind: str, *key: str) -> Any:
    """The entry of that key, or None where there is none that can be read."""
    return load_with(kind, *key)[0]


def load_with(kind: str, *key: str) -> tuple[Any, bytes]:
    """The entry of that key, and the bytes that were kept with it."""
    path = _entry(kind, *key)
    if path is None:
        return None, b""
    try:
        with open(path, "rb") as file:
            stat = os.fstat(file.fileno())
            if stat.st_uid != os.getuid() or stat.st_mode & 0o022:  # somebody else could have written what is in it
                return None, b""
            content = file.read()
        start = SIZE + _LENGTH + int.from_bytes(content[SIZE : SIZE + _LENGTH], "big")
        if digest_of(content[SIZE:]) != content[:SIZE]:
            return None, b""
        tool, value = marshal.loads(content[SIZE + _LENGTH : start])
        return (value, content[start:]) if tool == _tool() else (None, b"")
    except (OSError, ValueError, TypeError, EOFError):
        return None, b""


def store(kind: str, *key: str, value: Any, body: bytes = b"") -> None:
    """Keep a plain JSON value, and bytes that nobody has to read to know it. A cache that can't be written is no error.

    Raises:
        TypeError: the value is none.
    """
    path = _entry(kind, *key)
    if path is None:
        return
    head = marshal.dumps([_tool(), _plain(value)])
    content = len(head).to_bytes(_LENGTH, "big") + head + body
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(digest_of(content) + content)
        os.replace(temporary, path)
        _tidy(os.path.dirname(path))
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)


def digest(*parts: str) -> str:
    """A digest of texts; hexadecimal."""
    return digest_of("\0".join(parts).encode("utf-8", "surrogatepass")).hex()


def _plain(value: Any) -> Any:
    """The value in plain types alone, as reading it from JSON would give it."""
    kind = type(value)
    # Nearly all of it is of these very types; to ask for more than that is what takes its time.
    if kind in _PLAIN:
        return value
    if kind is list or kind is tuple:
        return [item if type(item) in _PLAIN else _plain(item) for item in value]
    if kind is dict:
        return {
            name if type(name) is str else str(name): item if type(item) in _PLAIN else _plain(item)
            for name, item in value.items()
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"not plain: {type(value).__name__}")


def _entry(kind: str, *key: str) -> str | None:
    folder = cache_folder()
    return os.path.join(folder, f"{kind}-{digest(kind, *key)[:40]}{_ENDING}") if folder else None


@cache
def _tool() -> str:
    """What made an entry: another version of this tool may make something else of the same files."""
    folder = os.path.dirname(os.path.dirname(__file__))
    return __version__ if os.path.dirname(folder).endswith(_INSTALLED) else f"{__version__} {_newest(folder)}"


def _newest(folder: str) -> int:
    """When a file of the tool was last written; in a checkout, whose version says little."""
    newest, waiting = 0, [folder]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for item in found:
                if "." in item.name:
                    newest = max(newest, item.stat().st_mtime_ns)
                elif item.is_dir():
                    waiting.append(item.path)
    return newest


def _tidy(folder: str) -> None:
    """Delete the older half of the entries when there are very many."""
    with os.scandir(folder) as found:
        entries = [item for item in found if item.name.endswith(_ENDING)]
    if len(entries) > _MOST_ENTRIES:
        for item in sorted(entries, key=lambda item: item.stat().st_mtime)[: _MOST_ENTRIES // 2]:
            os.unlink(item.path)
