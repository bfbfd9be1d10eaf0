"""One scratch database for many looks, where making one is slow and everything done in it can be rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.url import DatabaseUrl


class SharedScratch:
    """The engine, but `scratch` gives the same empty database each time. Closed, it makes a new one each time again.

    The operations of a migration are read in scratch one by one; on a server every database made costs more than the look.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stack = ExitStack()
        self._kept: Connection | None = None
        features = engine.features
        self._open = features.transactional_ddl and not features.batch_transaction
        self._busy = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @contextmanager
    def scratch(self, url: DatabaseUrl | None, *, scratch_url: str | None = None) -> Iterator[Connection]:
        """See `Engine.scratch`; what was done is rolled back at the end."""
        if not self._open or self._busy:
            with self._engine.scratch(url, scratch_url=scratch_url) as connection:
                yield connection
            return
        if self._kept is None:
            self._kept = self._stack.enter_context(self._engine.scratch(url, scratch_url=scratch_url))
        self._busy = True
        try:
            with self._kept.transaction():
                yield self._kept
                raise _Undo
        except _Undo:
            pass
        finally:
            self._busy = False

    def close(self) -> None:
        """Remove the database; twice does no harm."""
        self._open, self._kept = False, None
        self._stack.close()


class _Undo(BaseException):
    """Rolls a transaction back."""
