"""What SQL may do on a connection that must not write, and in a scratch database: the engine asks here while it compiles."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]

_OK, _DENY = 0, 1
_DROP_TABLE = 11
_PRAGMA, _READ, _SELECT, _TRANSACTION, _ATTACH, _DETACH, _FUNCTION, _SAVEPOINT, _RECURSIVE = 19, 20, 21, 22, 24, 25, 31, 32, 33
# Some virtual tables prepare their writes when they are merely read; mode=ro and query_only refuse to run any.
_WRITES_REFUSED_LATER = frozenset({9, 18, 23})
_READING = frozenset({_READ, _SELECT, _TRANSACTION, _SAVEPOINT, _RECURSIVE}) | _WRITES_REFUSED_LATER
_REACHES_OUT = frozenset({"load_extension", "writefile", "readfile", "edit", "fts3_tokenizer"})

# Pragmas that take a table or an index to look at.
_LOOKS_AT = frozenset(
    {
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
        "foreign_key_check",
        "integrity_check",
        "quick_check",
    }
)
# Pragmas that only tell something, unless they are given a value.
_TELLS = frozenset(
    {
        "application_id",
        "auto_vacuum",
        "cache_size",
        "cell_size_check",
        "collation_list",
        "compile_options",
        "data_version",
        "database_list",
        "encoding",
        "foreign_keys",
        "freelist_count",
        "function_list",
        "journal_mode",
        "journal_size_limit",
        "max_page_count",
        "mmap_size",
        "module_list",
        "page_count",
        "page_size",
        "pragma_list",
        "query_only",
        "schema_version",
        "secure_delete",
        "synchronous",
        "temp_store",
        "trusted_schema",
        "user_version",
    }
)
_FALSE = frozenset({"0", "off", "no", "false"})
_FILES = frozenset({"temp_store_directory", "data_store_directory"})


def allow_reading(action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
    """The authorizer of a connection that only reads."""
    if action in _READING:
        return _OK
    if action == _FUNCTION:
        return _DENY if second in _REACHES_OUT else _OK
    if action == _PRAGMA:
        name = (first or "").lower()
        return _OK if name in _LOOKS_AT or (name in _TELLS and second is None) else _DENY
    return _DENY


class Holding:
    """The authorizer of a connection that shall stay in the transaction that it is in; all else is asked of another one.

    Args:
        other: the authorizer that is asked.
        enforced: whether foreign keys are: dropping a table would delete the rows that refer to it, and inside a
            transaction the engine ignores it when they are turned off.

    Attributes:
        refused: the last of BEGIN, COMMIT and ROLLBACK that was tried; "" when none was. Savepoints are no harm.
        endangered: whether something was refused that must not be done while foreign keys are enforced.
    """

    def __init__(self, other: Authorizer | None, *, enforced: bool) -> None:
        self.refused = ""
        self.endangered = False
        self._other = other
        self._enforced = enforced

    def __call__(self, action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
        if action == _TRANSACTION:
            self.refused = str(first)
            return _DENY
        lifts = action == _PRAGMA and (first or "").lower() == "foreign_keys" and (second or "").lower() in _FALSE
        if self._enforced and (lifts or action == _DROP_TABLE):
            self.endangered = True
            return _DENY
        return _OK if self._other is None else self._other(action, first, second, database, inner)


def allow_scratch(action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
    """The authorizer of a scratch database: anything inside it, nothing outside."""
    # VACUUM works in a nameless database of its own, which is in memory and gone afterwards.
    if action == _DETACH or (action == _ATTACH and first != "") or (action == _FUNCTION and second in _REACHES_OUT):
        return _DENY
    if action == _PRAGMA and (first or "").lower() in _FILES:
        return _DENY
    return _OK
