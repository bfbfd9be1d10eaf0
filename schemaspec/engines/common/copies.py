"""Where a copy of the live database is restored to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from schemaspec.errors import NoScratchError

if TYPE_CHECKING:
    from schemaspec.model.url import DatabaseUrl

C = TypeVar("C")


@contextmanager
def at_home(
    scratch: Callable[..., AbstractContextManager[C]], url: DatabaseUrl, scratch_url: str | None
) -> Iterator[tuple[C, str | None]]:
    """A scratch database on the live one's own server, where its data are at home and all that it needs is installed; where
    none can be made there, on the one that `scratch:` names.

    Args:
        scratch: the engine's way to make one.

    Yields:
        its connection, and the URL of the other server where it is on that.

    Raises:
        NoScratchError: none can be made.
    """
    with ExitStack() as stack:
        named = None
        try:
            place = stack.enter_context(scratch(url))
        except NoScratchError:
            if scratch_url is None:
                raise
            named = scratch_url
            place = stack.enter_context(scratch(url, scratch_url=named))
        yield place, named
