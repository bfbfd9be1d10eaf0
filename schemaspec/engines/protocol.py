"""What an engine has to do for the layers above it. Nothing outside `engines/` knows more about one than this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from schemaspec.engines.features import Features

if TYPE_CHECKING:
    from pathlib import Path

    from schemaspec.model.change import Change
    from schemaspec.model.plan import Hazard, Statement, Step
    from schemaspec.model.position import Position
    from schemaspec.model.schema import Schema, SchemaObject
    from schemaspec.model.spec import Declaration
    from schemaspec.model.url import DatabaseUrl

Mode = Literal["read", "write", "create"]
Progress = Callable[[int, int], None]
"""Called with the work done and the whole of it, in bytes, pages or rows; both 0 where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One statement of a script: its text without the closing semicolon, and where it starts (lines, columns from 1)."""

    sql: str
    line: int
    column: int


class Dialect(Protocol):
    """How an engine's SQL is written and read as text. Pure: no method touches a database."""

    name: str
    placeholder: str

    def quote(self, *path: str) -> str:
        """The path as a quoted, dotted identifier. Raises InputError for what no name can hold (NUL, surrogates, length)."""

    def literal(self, value: object) -> str:
        """A Python value (None, bool, int, float, Decimal, str, bytes) as an SQL literal."""

    def path(self, name: str) -> tuple[str, ...]:
        """The path of an object that the spec calls `name`: `sales.orders` → ("sales", "orders") where there are schemas."""

    def display(self, path: tuple[str, ...]) -> str:
        """The inverse of `path`: what the spec calls it (the default schema left out)."""

    def split(self, script: str) -> Iterator[Fragment]:
        """The statements of a script; quoted semicolons, comments and bodies of triggers and routines are understood."""

    def normalize(self, sql: str) -> str:
        """The statement with comments, indentation and line ends folded; string literals untouched. For checksums."""

    def statement(self, sql: str, position: Position | None = None) -> Statement:
        """One statement in the user's own words, with what its words tell: whether it can be rolled back (`transactional`),
        and whether foreign keys must not be enforced while it runs (`foreign_keys`)."""

    def create(self, declaration: Declaration, types: Mapping[str, str]) -> Sequence[Statement]:
        """The statements that make what is declared, each with the position of what it came from.

        `types` are the spec's own type names with this engine's meaning. The statements of all declarations are handed to
        `Engine.load` together, which finds the order.
        """

    def matches(self, expression: str, pattern: str, *, negate: bool = False) -> str:
        """A condition: the SQL expression's text matches the regular expression (a Python string, not yet quoted)."""

    def length(self, expression: str) -> str:
        """The number of characters in a text expression."""

    def seconds_ago(self, expression: str) -> str:
        """An expression: how many seconds ago (UTC) the date or time in the SQL expression was; NULL when it is none."""

    def as_text(self, expression: str) -> str:
        """An expression: the value of the SQL expression as text, NULL where it is NULL."""

    def is_type(self, expression: str, type: str) -> str:
        """A condition: the value (never NULL there) is, or can be read as, a `type` of data rules: integer, number, boolean,
        text, date, datetime, uuid. It never raises for a value that is none. Raises InputError for another `type`."""

    def unmatched(self, key: SchemaObject, own: Sequence[str], parent: str, there: Sequence[str]) -> str:
        """A condition on a row, all of whose keys are there, that the foreign key finds no row for in the other table.

        `own` are its columns as SQL, `parent` is what to select the other table's rows from, `there` are the quoted columns
        that it names.
        """

    def expression(self, text: str) -> str:
        """One SQL expression of the user's in brackets, safe to stand inside a larger statement; a comment in it can't
        swallow what follows. Where the engine would take an unknown quoted name for a string, it no longer can.

        Raises:
            InputError: it is empty, more than one expression (a semicolon outside literals), its brackets do not pair, or
                a literal or comment in it does not end.
        """

    def subquery(self, text: str) -> str:
        """One query of the user's in brackets, to stand after FROM; guarded like `expression`. Raises InputError likewise,
        and when it does not begin with SELECT, WITH, VALUES or TABLE."""


class Connection(Protocol):
    """An open database. Only `engines/<e>/connect.py` knows the driver behind it."""

    url: DatabaseUrl
    server_version: str

    @property
    def driver(self) -> Any:
        """The driver's own connection, for migrations written in Python."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query (placeholders as `Dialect.placeholder`). Raises StatementError, DatabaseError, LockedError."""

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it touched (-1 when unknown). Raises like `query`."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def transaction(self) -> AbstractContextManager[None]:
        """A transaction: committed at the end, rolled back on any exception. Inside one already open: a savepoint."""

    def close(self) -> None:
        """Close it; twice does no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong with a database's content or files.

    Args:
        code: `corrupt`, `orphan`, `invalid_index`, `unvalidated`, `sequence_behind` …
        object: what it concerns.
        message: one sentence.
        fix: how to mend it.
        severity: `fail`, `warn` or `info`.
        query: a statement that shows the rows concerned; "" where it is not about rows.
    """

    code: str
    object: str
    message: str
    fix: str = ""
    severity: Literal["fail", "warn", "info"] = "fail"
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFacts:
    """What a finished backup file holds: for the manifest, and to compare a restored database with."""

    server_version: str
    schema_fingerprint: str
    row_counts: Mapping[str, int]
    details: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))


class Copier(Protocol):
    """Backup and restore of a whole database, one file a backup. Files are plain here: `backup/` adds names, compression,
    manifests, checksums and retention."""

    def backup(
        self,
        url: DatabaseUrl,
        target: Path,
        *,
        compact: bool = False,
        timeout: float = 60.0,
        progress: Progress | None = None,
    ) -> None:
        """Write a consistent copy to `target`, which must not exist. It may run while another connection of this process
        holds the migration lock. Raises DatabaseError; leaves no file behind then."""

    def verify(
        self,
        path: Path,
        url: DatabaseUrl,
        *,
        level: Literal["fast", "default", "full"] = "default",
        scratch_url: str | None = None,
    ) -> CopyFacts:
        """Open the copy (or restore it into scratch) and prove that it is whole. Raises DatabaseError that says what is not.

        Args:
            scratch_url: a server for scratch databases, where none can be made on the database's own.
        """

    def restore(self, path: Path, url: DatabaseUrl, *, timeout: float = 60.0, progress: Progress | None = None) -> None:
        """Make the database what the copy holds. Other connections see the old content or the new, never a mixture."""

    def open(self, path: Path, url: DatabaseUrl, *, scratch_url: str | None = None) -> AbstractContextManager[Connection]:
        """The copy as a read-only database, to introspect and query it. `scratch_url` as for `verify`."""


class Engine(Protocol):
    """An engine. Implementations are stateless and import their driver only when they connect."""

    name: str
    features: Features
    dialect: Dialect
    copier: Copier

    def connect(self, url: DatabaseUrl, *, mode: Mode = "read", timeout: float = 5.0) -> Connection:
        """Open the database.

        `read` can't write whatever SQL is run (SQLite: mode=ro, query_only and an authorizer; servers: READ ONLY
        transactions); `create` also makes a SQLite file that is not there. `timeout`: seconds to wait for locks.

        Raises:
            DatabaseError: unreachable, missing, not a database, wrong password … always without secrets.
            InputError: the URL lacks something, or the driver is not installed (says which extra to install).
        """

    def introspect(self, connection: Connection) -> Schema:
        """Everything that the database holds, in a fixed number of statements. What has no model is an object of the kind
        `unmodelled`. Objects that belong to the engine itself or to an extension are left out."""

    def scratch(self, url: DatabaseUrl | None, *, scratch_url: str | None = None) -> AbstractContextManager[Connection]:
        """An empty database of its own, gone afterwards. `url` is the live database whose server and version it shall have.

        Raises:
            DatabaseError: none can be made; the message names the ways out.
        """

    def load(self, connection: Connection, statements: Sequence[Statement]) -> None:
        """Run the statements in a scratch database, those whose needs come later after them, until all ran.

        Raises:
            InputErrors: those that the engine refuses, each with its own words at the statement's position.
        """

    def declare(self, schema: Schema) -> tuple[Declaration, ...]:
        """The schema as declarations that `Dialect.create` turns into the same schema again, in the short forms that a
        person would write wherever these say it all."""

    def replaces(self, change: Change, current: Schema, desired: Schema) -> bool:
        """Whether an `alter` can only be made by dropping the object and creating it again."""

    def invalidates(self, change: Change, current: Schema, desired: Schema) -> bool:
        """Whether an `alter` or `rename` made in place is refused, or goes wrong, while objects that depend on it exist."""

    def steps(self, changes: Sequence[Change], current: Schema, desired: Schema) -> tuple[Step, ...]:
        """The steps that make these changes, in any order. A replaced object comes as a drop and a create. A created or
        dropped table stands for all that lives in it. Known dangers are attached to the statements as hazards.

        Raises:
            UnsupportedError: a change that can't be made; names the object and the way out.
        """

    def exclusive(
        self, connection: Connection, *, timeout: float = 10.0, foreign_keys: bool = True, orphans: int = 0
    ) -> AbstractContextManager[None]:
        """Hold the migration lock of this database. With `features.batch_transaction` it is also a write transaction,
        committed at the end and rolled back on an exception, and `foreign_keys` says whether it enforces them. Where it
        does not, up to `orphans` rows may violate one at the end that did not before: those that somebody has accepted.

        Raises:
            LockedError: somebody else has held it for `timeout` seconds; says who, where the engine knows.
        """

    def run(self, connection: Connection, statement: Statement) -> None:
        """Run one statement on the live database, with the engine's lock timeouts and retries. Raises StatementError."""

    def measure(self, connection: Connection, statement: Statement) -> tuple[Hazard, ...]:
        """Run the statement in scratch and report what it does there: locks, rewrites, the algorithm used."""

    def estimate(self, connection: Connection, table: SchemaObject) -> tuple[int, int]:
        """About how many rows and bytes a live table has, from the catalog where it knows."""

    def integrity(self, connection: Connection) -> tuple[Fault, ...]:
        """What is damaged or inconsistent in the database's own structures (not in the data: see `orphans`)."""

    def orphans(self, connection: Connection, schema: Schema) -> tuple[Fault, ...]:
        """Rows that violate a foreign key, a table and key each, with a count."""


__all__ = [
    "Connection",
    "Copier",
    "CopyFacts",
    "Dialect",
    "Engine",
    "Fault",
    "Features",
    "Fragment",
    "Mode",
    "Progress",
]
