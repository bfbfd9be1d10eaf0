"""Every error that schemaspec raises on purpose: what happened, where, why, and how to mend it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class SchemaspecError(Exception):
    """Base of all deliberate errors.

    Args:
        what: one sentence that says what happened.
        where: the file position, object or server it concerns.
        why: the cause, often the engine's own words.
        fix: what the reader can do about it.
    """

    exit_code = 70

    def __init__(self, what: str, *, where: object = None, why: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class InputError(SchemaspecError):
    """Bad usage, YAML, spec or migrations (exit code 2)."""

    exit_code = 2


class InputErrors(InputError):
    """Several faults of the input, reported together.

    Args:
        errors: the faults, in the order of the files.
    """

    def __init__(self, errors: Iterable[InputError]) -> None:
        self.errors = tuple(errors)
        count = len(self.errors)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the input")

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class RefusedError(SchemaspecError):
    """Nothing was done because something asks for a decision first: a hazard, an edited migration (exit code 1)."""

    exit_code = 1


class DatabaseError(SchemaspecError):
    """The database is unreachable, locked or not what it claims to be (exit code 3)."""

    exit_code = 3


class LockedError(DatabaseError):
    """Another process holds the database, or the migration lock, for longer than we were willing to wait."""


class NoScratchError(DatabaseError):
    """There is nowhere to try statements out: no scratch database can be made.

    Args:
        fix: the ways to have one.
    """

    def __init__(self, what: str, *, where: object = None, why: str | None = None, fix: str) -> None:
        alone = (
            "a snapshot beside the spec (`schemaspec init --snapshot`) serves `check`, `diff`, `plan` and `apply --direct` "
            "alone: here statements are run"
        )
        super().__init__(what, where=where, why=why, fix=f"{fix}; {alone}")
        self.ways = fix

    def or_snapshot(self) -> NoScratchError:
        """The same where a snapshot beside the spec would do."""
        self.fix = f"{self.ways}, or lay a snapshot beside the spec where one can be made (`schemaspec init --snapshot`)"
        return self

    @property
    def in_short(self) -> str:
        """What and why, in one line."""
        return f"{self.what} ({self.why})" if self.why else self.what


class DamagedError(DatabaseError):
    """A database or a backup is damaged, was tampered with, or is none at all."""


class StatementError(SchemaspecError):
    """The database refused one statement.

    Args:
        statement: the SQL text that was refused.
    """

    exit_code = 4

    def __init__(
        self, what: str, *, statement: str, where: object = None, why: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what, where=where, why=why, fix=fix)
        self.statement = statement


class MigrationError(SchemaspecError):
    """A migration failed; the message says in which state the database is (exit code 4)."""

    exit_code = 4


class UnsupportedError(InputError):
    """What was asked for cannot be done on this engine; the message names the way out (exit code 2)."""


class RiskWarning(UserWarning):
    """Something that works and is dangerous all the same, said by way of `warnings`; on the command line, on standard error."""
