"""Backup of PostgreSQL databases with the server's own pg_dump; what is restored is restored in one transaction of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, CopyFacts, Progress
    from schemaspec.model.url import DatabaseUrl


class PostgresCopier:
    """See `Copier`. It needs `pg_dump` and `pg_restore` of the server's version, or newer, on this machine."""

    def backup(
        self,
        url: DatabaseUrl,
        target: Path,
        *,
        compact: bool = False,
        timeout: float = 60.0,
        progress: Progress | None = None,
    ) -> None:
        """See `Copier.backup`: a dump in pg_dump's custom format, which is always compact. `timeout` bounds the wait for
        each lock, and how long the dump may make no headway; one that gets on may take as long as it needs."""
        from schemaspec.engines.postgresql.copy.dump import dump

        dump(url, target, timeout, progress)

    def verify(
        self,
        path: Path,
        url: DatabaseUrl,
        *,
        level: Literal["fast", "default", "full"] = "default",
        scratch_url: str | None = None,
    ) -> CopyFacts:
        """See `Copier.verify`. `fast` reads the list of contents; the other levels restore into a scratch database on the
        server of `url`, else on that of `scratch_url`. What can't be looked at here is told in the facts' detail
        `cannot_verify`; it is not damage."""
        from schemaspec.engines.postgresql.copy.facts import facts_of

        return facts_of(path, url, level, scratch_url)

    def restore(self, path: Path, url: DatabaseUrl, *, timeout: float = 60.0, progress: Progress | None = None) -> None:
        """See `Copier.restore`. All that the database holds is replaced in one transaction. `timeout` bounds the wait for
        the locks of others; bringing the content in may take as long as it needs."""
        from schemaspec.engines.postgresql.copy.archive import Archive
        from schemaspec.engines.postgresql.copy.fill import replace

        with Archive(path) as archive:
            replace(archive, url, timeout=timeout, progress=progress)

    @contextmanager
    def open(self, path: Path, url: DatabaseUrl, *, scratch_url: str | None = None) -> Iterator[Connection]:
        """See `Copier.open`: restored into a scratch database on the server of `url`."""
        from schemaspec.engines.postgresql.copy.facts import open_copy

        with open_copy(path, url, scratch_url) as connection:
            yield connection
