"""Work that is done beside other work: in a thread that is never left behind."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")


class Background(Generic[T]):
    """Work that has begun; as a context, which ends no sooner than the work.

    Args:
        work: what is done. What it uses is nobody else's until it has ended.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._found: list[T] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(work,))
        self._thread.start()

    def __enter__(self) -> Background[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.ended()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._found.append(work())
        except BaseException as error:
            self._error = error

    def ended(self) -> None:
        """Wait for its end, however that came about."""
        self._thread.join()

    @property
    def error(self) -> BaseException | None:
        """What it ended in, if that is an error."""
        self.ended()
        return self._error

    def result(self) -> T:
        """What came of it. Raises what it raised."""
        if self.error is not None:
            raise self.error
        return self._found[0]
