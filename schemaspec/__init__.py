"""schemaspec: what a database must be, in YAML; checked, planned, proven and applied safely."""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["Migration", "Project", "run_migrations"]

TYPE_CHECKING = False  # true to type checkers; `typing` itself would be a tenth of what a small command takes
if TYPE_CHECKING:
    from schemaspec.migrate.python import run_migrations
    from schemaspec.model.migration import Migration
    from schemaspec.project import Project

_HOMES = {
    "Migration": "schemaspec.model.migration",
    "Project": "schemaspec.project",
    "run_migrations": "schemaspec.migrate.python",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for, so that the command line pays only for what it uses."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
