"""What kind of server it is, and where MariaDB and MySQL part ways. No other module asks which of the two it talks to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server's product and version.

    Args:
        mariadb: MariaDB; else MySQL (or what follows it: Percona, Aurora).
        version: major, minor, patch.
    """

    mariadb: bool
    version: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> Server:
        """The server behind a version text such as `10.11.6-MariaDB-0+deb12u1` or `8.0.36`."""
        # Old MariaDB replication prefixes the version with 5.5.5-; what follows is the real one.
        found = _VERSION.search(text.removeprefix("5.5.5-"))
        numbers = tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)
        return cls(mariadb="mariadb" in text.lower(), version=(numbers[0], numbers[1], numbers[2]))

    @property
    def supported(self) -> bool:
        """Whether its catalogs are known: MariaDB from 10.6, MySQL from 8.0."""
        return self.version >= ((10, 6, 0) if self.mariadb else (8, 0, 0))

    @property
    def label(self) -> str:
        """For people: `MariaDB 10.11.6`."""
        return f"{'MariaDB' if self.mariadb else 'MySQL'} {'.'.join(map(str, self.version))}"

    @property
    def or_replace(self) -> bool:
        """Whether routines, triggers, events and sequences know CREATE OR REPLACE (views do everywhere)."""
        return self.mariadb

    @property
    def anonymous_blocks(self) -> bool:
        """Whether BEGIN NOT ATOMIC … END runs outside of a routine."""
        return self.mariadb

    @property
    def algorithms(self) -> tuple[tuple[str, str], ...]:
        """The ways to run an ALTER TABLE, the cheapest first: (ALGORITHM, LOCK). "" leaves LOCK to the server."""
        if self.mariadb:
            return (
                ("INSTANT", "NONE"),
                ("INSTANT", "EXCLUSIVE"),
                ("NOCOPY", "NONE"),
                ("NOCOPY", "SHARED"),
                ("INPLACE", "NONE"),
                ("INPLACE", "SHARED"),
                *([("COPY", "NONE")] if self.version >= (11, 2, 0) else []),
                ("COPY", "SHARED"),
                ("COPY", "EXCLUSIVE"),
            )
        # MySQL refuses any LOCK but DEFAULT together with INSTANT.
        return (("INSTANT", ""), ("INPLACE", "NONE"), ("INPLACE", "SHARED"), ("COPY", "SHARED"), ("COPY", "EXCLUSIVE"))

    @property
    def nocopy(self) -> bool:
        """Whether INPLACE is asked for only where all rows are written anew, for NOCOPY says that they are not."""
        return self.mariadb

    @property
    def inline_references(self) -> bool:
        """Whether `REFERENCES` in a column's definition makes a foreign key: MariaDB from 10.5, MySQL from 9.0 (rule Y17)."""
        return self.mariadb or self.version >= (9, 0, 0)

    @property
    def instant_changes(self) -> int | None:
        """How many instant changes of its columns a table takes before it has to be rebuilt; None for any number (rule Y5)."""
        if self.mariadb:
            return None
        return 255 if self.version >= (9, 1, 0) else 64

    @property
    def remembers_stated_collation(self) -> bool:
        """Whether a column shows, by its character set, that its collation was stated although it is the table's. It makes no
        difference, and a dump that is restored leaves every column so that shows its collation. One that states none gets the
        table's new one where both change in the same ALTER TABLE."""
        return not self.mariadb

    @property
    def adds_any_default(self) -> bool:
        """Whether a column can be added with a default that gives another value each time (rule Y6)."""
        return self.mariadb

    @property
    def tells_bodies(self) -> bool:
        """Whether the catalogs tell the bodies of triggers and events as they were written; else SHOW CREATE alone does, for
        the catalogs leave out the second of two quotes and the backslashes."""
        return self.mariadb

    @property
    def ignored_index(self) -> tuple[str, str]:
        """How an index that the optimizer does not use is written, and one that it does."""
        return ("IGNORED", "NOT IGNORED") if self.mariadb else ("INVISIBLE", "VISIBLE")

    @property
    def drop_check(self) -> str:
        """The words of ALTER TABLE that drop a CHECK."""
        return "DROP CONSTRAINT" if self.mariadb else "DROP CHECK"

    @property
    def check_names_per_database(self) -> bool:
        """Whether the name of a CHECK is unique in the whole database instead of in its table."""
        return not self.mariadb

    @property
    def keeps_history(self) -> bool:
        """Whether the server's dump program can write down the history of system-versioned tables."""
        return self.mariadb and self.version >= (10, 11, 0)

    @property
    def refuses_generated_values(self) -> bool:
        """Whether an INSERT that gives a generated column its very value is refused."""
        return not self.mariadb

    @property
    def read_only_setting(self) -> str:
        """The session's setting by which nothing can be written."""
        return "tx_read_only" if self.mariadb else "transaction_read_only"

    @property
    def settings(self) -> Mapping[str, str]:
        """What our sessions set on this server alone: MySQL else tells sizes and row counts as they were up to a day ago."""
        return {} if self.mariadb else {"information_schema_stats_expiry": "0"}

    @property
    def wishes(self) -> Mapping[str, str]:
        """What our sessions that write set on this server where the user may: that a table is as it was declared, with no
        column of the server's own, and that foreign keys which are there already can be made anew."""
        found = {}
        if not self.mariadb and self.version >= (8, 0, 30):
            found["sql_generate_invisible_primary_key"] = "0"
        if not self.mariadb and self.version >= (8, 4, 0):
            found["restrict_fk_on_non_standard_key"] = "0"
        return found

    @property
    def scratch_wishes(self) -> Mapping[str, str]:
        """What sessions in scratch databases set beside, where the user may: tables without a primary key can be there from
        before the server asked for one, and are made anew as they are."""
        return {"sql_require_primary_key": "0"} if not self.mariadb and self.version >= (8, 0, 13) else {}

    @property
    def lock_wait_seconds(self) -> int:
        """The greatest wait that `lock_wait_timeout` takes."""
        return 31536000
