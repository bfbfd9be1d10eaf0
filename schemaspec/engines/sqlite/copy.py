"""Backup of SQLite databases through SQLite itself: a live database is never copied as a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from schemaspec.engines.common.files import create_exclusively, sync_file
from schemaspec.engines.sqlite.copy_files import (
    Deadline,
    copy_pages,
    database_path,
    primary_code,
    raw_connection,
    reading,
    remove_quietly,
    translated,
)
from schemaspec.errors import DatabaseError

if TYPE_CHECKING:
    import sqlite3

    from schemaspec.engines.protocol import Connection, CopyFacts, Progress
    from schemaspec.model.url import DatabaseUrl


class SqliteCopier:
    """See `Copier`. One process must not use another SQLite library, nor fork, while one of these methods runs."""

    def backup(
        self,
        url: DatabaseUrl,
        target: Path,
        *,
        compact: bool = False,
        timeout: float = 60.0,
        progress: Progress | None = None,
    ) -> None:
        """See `Copier.backup`. `compact` writes no free pages, but may renumber the rows of tables without an integer
        primary key and leaves WAL mode out of the copy."""
        path = database_path(url)
        deadline = Deadline(timeout)
        with reading(path, deadline.left) as source:
            create_exclusively(target)
            try:
                if compact:
                    _vacuum_into(source, path, target, deadline, progress)
                else:
                    _copy_pages(source, path, target, deadline, progress)
                sync_file(target)
            except BaseException as error:
                remove_quietly(target)
                if isinstance(error, OSError):
                    raise DatabaseError("could not write the copy", where=target, why=error.strerror) from error
                raise

    def verify(
        self,
        path: Path,
        url: DatabaseUrl,
        *,
        level: Literal["fast", "default", "full"] = "default",
        scratch_url: str | None = None,
    ) -> CopyFacts:
        """See `Copier.verify`. What can't be looked at here (a collation or function of the application's own) is told in
        the facts' detail `cannot_verify`; it is not damage."""
        from schemaspec.engines.sqlite.copy_verify import facts_of

        return facts_of(self, path, url, level)

    def restore(self, path: Path, url: DatabaseUrl, *, timeout: float = 60.0, progress: Progress | None = None) -> None:
        """See `Copier.restore`. Nothing of this process may have the database open. Where the live file is too damaged
        for SQLite to write into, it is set aside as `<name>.damaged.<time>` and a new file takes its place."""
        from schemaspec.engines.sqlite.copy_restore import restore_file

        restore_file(path, database_path(url), Deadline(timeout), progress)

    @contextmanager
    def open(self, path: Path, url: DatabaseUrl, *, scratch_url: str | None = None) -> Iterator[Connection]:
        """See `Copier.open`."""
        from schemaspec.engines.sqlite.copy_verify import open_copy

        with open_copy(path) as connection:
            yield connection


def _copy_pages(source: sqlite3.Connection, path: Path, target: Path, deadline: Deadline, progress: Progress | None) -> None:
    import sqlite3

    # Nobody else can see the target yet: no journal, and one fsync at the end instead of many.
    destination = raw_connection(target, "rw", deadline.left)
    try:
        destination.execute("PRAGMA journal_mode=OFF")
        destination.execute("PRAGMA synchronous=OFF")
        copy_pages(source, destination, path, "copy the database", deadline, progress)
    except sqlite3.Error as error:
        raise translated(error, path, "copy the database") from error
    finally:
        destination.close()


def _vacuum_into(source: sqlite3.Connection, path: Path, target: Path, deadline: Deadline, progress: Progress | None) -> None:
    import sqlite3

    # VACUUM is a transaction of its own; it takes its snapshot itself.
    source.execute("ROLLBACK")
    total = source.execute("PRAGMA page_count").fetchone()[0] * source.execute("PRAGMA page_size").fetchone()[0]

    def tick() -> int:
        if progress:
            progress(min(target.stat().st_size, total), total)
        return 0 if deadline.left else 1

    source.set_progress_handler(tick, 100_000)
    try:
        source.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        if primary_code(error) == 9:
            deadline.check(path, "write a compact copy", locked=False)
        if "no such" in str(error):
            raise DatabaseError(
                "can't write a compact copy: the database needs something of its application's own",
                where=path,
                why=str(error),
                fix="back up without compacting; that copies the pages as they are",
            ) from error
        raise translated(error, path, "write a compact copy") from error
    finally:
        source.set_progress_handler(None, 0)
    if progress:
        progress(total, total)


COPIER = SqliteCopier()
