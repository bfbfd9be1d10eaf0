"""What a history row says about who applied a migration, with what."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from schemaspec import __version__
from schemaspec.migrate.checksum import checksum
from schemaspec.model.migration import HistoryRow

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.migration import Migration


def row_for(
    migration: Migration, engine: Engine, *, status: str = "applied", batch: str | None = None, backup: str | None = None
) -> HistoryRow:
    """The row of a migration that is applied now. Its time is set by the database."""
    return HistoryRow(
        version=migration.version,
        description=migration.description,
        applied_at=None,
        status=status,
        checksum=checksum(migration, engine.dialect),
        applied_by=who(),
        tool_version=__version__,
        batch=batch,
        backup=backup,
    )


def new_batch() -> str:
    """A name for one run, that sorts by time."""
    from datetime import UTC, datetime

    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"


@cache
def who() -> str:
    """The user and the machine."""
    import getpass
    import platform

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = str(os.getuid())
    return f"{user}@{platform.node()}"
