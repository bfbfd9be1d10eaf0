"""A scratch database that is made, and dropped, while there is something else to do.

To make one is what a server needs longest for; meanwhile files are read, and the live database is asked. It is still gone
before the run is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from schemaspec.project.background import Background

if TYPE_CHECKING:
    from types import TracebackType

    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.url import DatabaseUrl


class Ahead:
    """The scratch databases of one run; as a context, which ends when all of them are gone.

    Args:
        url: the live database.
    """

    def __init__(self, engine: Engine, url: DatabaseUrl) -> None:
        self._engine = engine
        self._url = url
        self._making: Background[_Made] | None = None
        self._leaving: list[Background[object]] = []

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Wait until whatever was made is gone."""
        if self._making is not None:
            self._leave(self._making)
        while self._leaving:
            self._leaving.pop().ended()

    def begin(self) -> None:
        """Have one made on the live database's server, unless one is there or is being made."""
        if self._making is None and not self._engine.features.file_based:
            self._making = Background(lambda: _made(self._engine.scratch(self._url)))

    @contextmanager
    def scratch(self, scratch_url: str | None) -> Iterator[Connection]:
        """An empty one, as `protocol.Engine.scratch`: the one that was begun, where there is one."""
        making = self._making
        if making is None or scratch_url is not None:
            with self._engine.scratch(self._url, scratch_url=scratch_url) as connection:
                yield connection
            return
        self._making = None
        _, connection = making.result()
        try:
            yield connection
        finally:
            self._leave(making)

    @contextmanager
    def undone(self, scratch_url: str | None) -> Iterator[Connection]:
        """As `scratch`; where one was begun, all that is done inside is undone, and it is there for `scratch` as before.

        What is done must fit into one transaction.
        """
        making = self._making
        if making is None or scratch_url is not None or not self._engine.features.transactional_ddl:
            with self.scratch(scratch_url) as connection:
                yield connection
            return
        try:
            _, connection = making.result()
        except BaseException:
            self._making = None
            raise
        try:
            with connection.transaction():
                yield connection
                raise _Undo
        except _Undo:
            pass

    def _leave(self, making: Background[_Made]) -> None:
        self._making = None
        self._leaving.append(Background(lambda: _left(making)))


class _Undo(Exception):
    """Ends a transaction without keeping what it did."""


_Made = tuple[AbstractContextManager["Connection"], "Connection"]


def _made(manager: AbstractContextManager[Connection]) -> _Made:
    return manager, manager.__enter__()


def _left(making: Background[_Made]) -> object:
    if making.error is not None:
        return None  # there is nothing to leave
    return making.result()[0].__exit__(None, None, None)
