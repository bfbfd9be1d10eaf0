"""Which engine answers to which URL. An engine's modules are imported when it is asked for, never before."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from schemaspec.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.url import DatabaseUrl

ENGINES = ("sqlite", "postgresql", "mysql")

_SCHEMES = {
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}


def engine_for(url: DatabaseUrl) -> Engine:
    """The engine of a database URL. A SQLAlchemy driver suffix (`postgresql+psycopg`) is understood and ignored.

    Raises:
        InputError: no engine has that scheme.
    """
    scheme = url.scheme.partition("+")[0]
    if scheme not in _SCHEMES:
        raise InputError(f"no engine for {url.scheme}://", fix=f"use one of {', '.join(f'{name}://' for name in ENGINES)}")
    return engine(_SCHEMES[scheme])


@cache
def engine(name: str) -> Engine:
    """The engine of that name, one of `ENGINES`."""
    found: Engine = import_module(f"schemaspec.engines.{name}").ENGINE
    return found
