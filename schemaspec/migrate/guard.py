"""The driver's connection as a migration's function sees it: it can do everything but end our transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from schemaspec.errors import MigrationError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Dialect


class DriverGuard:
    """Passes everything on to the driver's connection, except for what would commit or close it behind the runner's back.

    Functions moved here from loose scripts often end with `commit()`, or run a script through a method that commits
    first. The runner commits them together with their history row, so the first is not needed and the second is run
    statement by statement.
    """

    __slots__ = ("_dialect", "_driver")

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        object.__setattr__(self, "_driver", driver)
        object.__setattr__(self, "_dialect", dialect)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._driver, name, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def commit(self) -> None:
        """Does nothing: the migration is committed with its history row, or not at all."""

    def close(self) -> None:
        """Does nothing: the connection is the runner's."""

    def rollback(self) -> None:
        """Refused: half of a run can't be taken back from inside."""
        raise MigrationError(
            "a migration's function can't roll back", fix="raise an exception instead; the runner then undoes the migration"
        )

    def executescript(self, script: str) -> Any:
        """Run a script statement by statement, inside the migration's transaction."""
        cursor = self._driver.cursor()
        for fragment in self._dialect.split(script):
            cursor.execute(fragment.sql)
        return cursor
