"""What keeps a scratch database apart from the live ones on the same server: no statement reaches past it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from schemaspec.engines.common import tokens
from schemaspec.engines.common.tokens import Token
from schemaspec.errors import InputError

_NOTHING = "DO 0"
_SERVER_OBJECTS = frozenset({"USER", "ROLE", "SERVER", "TABLESPACE", "LOGFILE", "RESOURCE"})
_ABOUT_RIGHTS = frozenset(
    {"GRANT", "REVOKE", "FLUSH", "ANALYZE", "OPTIMIZE", "CHECK", "REPAIR", "LOCK", "UNLOCK", "KILL", "PURGE", "RESET"}
)
_NEVER = frozenset(
    {"SHUTDOWN", "INSTALL", "UNINSTALL", "CHANGE", "STOP", "BACKUP", "BINLOG", "HANDLER", "CACHE", "CLONE", "IMPORT"}
)
_PROGRAMS = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"})
_TARGETS = frozenset({"TABLE", "VIEW", "SEQUENCE", "INDEX", "INTO", "ON", *_PROGRAMS})
_WRITES = frozenset({"ALTER", "DROP", "RENAME", "TRUNCATE", "UPDATE", "DELETE"})
_CREATES = frozenset({"CREATE", "INSERT", "REPLACE", "LOAD"})
_DATABASE_OPTIONS = frozenset({"DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "COMMENT", "ENCRYPTION"})
_HEAD_WORDS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Rewrites statements for a scratch database.

    Args:
        live: the database that it stands for: names qualified by it lose the qualifier.
        others: the other databases of the server, which no statement may write to.
    """

    live: str
    others: Collection[str]

    def __call__(self, sql: str) -> str:
        """The statement as it may be run in the scratch database; a harmless one for what concerns the server alone.

        Raises:
            InputError: it would touch another database or the server itself.
        """
        words = list(_first(sql, _HEAD_WORDS))
        if not words:
            return sql
        first = words[0].upper
        second = next((word.upper for word in words[1:4] if word.upper and word.upper not in ("OR", "REPLACE")), "")
        if first in _ABOUT_RIGHTS or second in _SERVER_OBJECTS or (first == "SET" and second in ("PASSWORD", "ROLE", "DEFAULT")):
            return _NOTHING
        if first in _NEVER or (first == "SET" and _sets_server(words)):
            raise _refused(sql, "it concerns the whole server")
        if first == "USE" or second in ("DATABASE", "SCHEMA"):
            return self._about_database(sql, words, first)
        if "." not in sql or not (self.live or self.others):
            return sql
        program = (
            first == "CREATE"
            and next((w.upper for w in words[1:16] if w.upper in _PROGRAMS | {"TABLE", "VIEW"}), "") in _PROGRAMS
        )
        own = self._unqualified(sql, header=program)
        self._refuse_foreign(own, first, header=program)
        return own

    def _about_database(self, sql: str, words: Sequence[Token], first: str) -> str:
        named = any(word.kind in ("word", "quoted") and word.name == self.live for word in words)
        if named and first in ("USE", "CREATE"):
            return _NOTHING
        if named and first == "ALTER":
            return re.sub(r"(?i)((?:database|schema)\s+)(`[^`]+`|[^\s]+)", r"\1", sql, count=1)
        if first == "ALTER" and len(words) > 2 and words[2].kind == "word" and words[2].upper in _DATABASE_OPTIONS:
            return sql  # the session's own
        raise _refused(sql, "it concerns another database, or the database as a whole")

    def _unqualified(self, sql: str, *, header: bool) -> str:
        """Without the live database's qualifier; of a program only its header is looked at, its text is kept as it is."""
        if not self.live or self.live not in sql:
            return sql
        words = list(_first(sql, _HEAD_WORDS)) if header else list(tokens.significant(sql, tokens.MYSQL))
        alias = not header and any(
            _is(word, self.live) and not _dot(words, number + 1) and not _dot(words, number - 1)
            for number, word in enumerate(words)
        )
        cuts: list[tuple[int, int]] = []
        for number, word in enumerate(words):
            if not _is(word, self.live) or not _dot(words, number + 1) or _dot(words, number - 1) or number + 2 >= len(words):
                continue
            if header and not (number and words[number - 1].upper in _TARGETS | {"EXISTS"}):
                continue
            if not alias or _dot(words, number + 3):
                cuts.append((word.start, words[number + 2].start))
        for start, end in reversed(cuts):
            sql = sql[:start] + sql[end:]
        return sql

    def _refuse_foreign(self, sql: str, first: str, *, header: bool) -> None:
        if first not in _WRITES | _CREATES:
            return
        words = list(_first(sql, _HEAD_WORDS)) if header or first in _CREATES else list(tokens.significant(sql, tokens.MYSQL))
        for number, word in enumerate(words):
            if word.kind not in ("word", "quoted") or word.name not in self.others:
                continue
            if not _dot(words, number + 1) or _dot(words, number - 1):
                continue
            before = words[number - 1].upper if number else ""
            if first in _CREATES and before not in _TARGETS | {"EXISTS", "INSERT", "REPLACE", "IGNORE"}:
                continue
            raise _refused(sql, f"it writes to the database {word.name}")


def _first(sql: str, count: int) -> Iterator[Token]:
    for number, token in enumerate(tokens.significant(sql, tokens.MYSQL)):
        if number >= count:
            return
        if not token.text.startswith(("/*", "*/")):
            yield token


def _is(word: Token, name: str) -> bool:
    return word.kind in ("word", "quoted") and word.name == name


def _dot(words: Sequence[Token], number: int) -> bool:
    return 0 <= number < len(words) and words[number].text == "."


def _sets_server(words: Sequence[Token]) -> bool:
    return any(word.upper in ("GLOBAL", "PERSIST", "PERSIST_ONLY") or word.text.lower().startswith("@@global") for word in words)


def _refused(sql: str, why: str) -> InputError:
    text = " ".join(sql.split())
    return InputError(
        f"a statement that must not run in a scratch database: {text[:100]}{'…' if len(text) > 100 else ''}",
        why=why,
        fix="keep such statements out of the spec and the migrations; they belong to the set-up of the server",
    )
