"""The driver's errors as ours: without secrets, and saying what can be done."""

from __future__ import annotations

import re

from schemaspec.errors import DatabaseError, LockedError, SchemaspecError, StatementError
from schemaspec.model.url import DatabaseUrl, redact

LOST = frozenset({1053, 1927, 2002, 2003, 2006, 2013, 2055})
LOCK_WAIT = frozenset({1205, 1213, 1689, 3572})
REFUSED_LOGIN = frozenset({1044, 1045, 1130, 1698, 1820, 1862, 4151})
NO_DATABASE = 1049
_DUPLICATE, _LOG_FULL = 1062, 1799
_ADDS_KEY = re.compile(r"\s*(?:set\s+statement\b.*?\bfor\s+)?(?:alter\s+table|create\s+unique)\b", re.IGNORECASE | re.DOTALL)
_VALUES = re.compile(r"Duplicate entry '.*' for key", re.DOTALL)


def code_of(error: BaseException) -> int:
    """The server's error number, 0 where there is none; also of an error that `translate` made."""
    kept = getattr(error, "code", None)
    if isinstance(kept, int):
        return kept
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) else 0


def _words(error: BaseException, url: DatabaseUrl) -> str:
    text = str(error.args[1]) if len(error.args) > 1 else str(error) or type(error).__name__
    # The values of a row have no business in a log.
    return redact(_VALUES.sub("Duplicate entry … for key", text), url.password)


def lost(url: DatabaseUrl, why: str) -> DatabaseError:
    """The connection broke."""
    return DatabaseError(
        "the connection to the server was lost",
        where=url,
        why=redact(why, url.password),
        fix="check that the server runs, then run the command again: it goes on where it was",
    )


def translate(error: BaseException, sql: str, url: DatabaseUrl) -> SchemaspecError:
    """An error of a running statement."""
    code = code_of(error)
    why = _words(error, url)
    if code in LOST or (code == 0 and type(error).__name__ in ("InterfaceError", "OperationalError")):
        return lost(url, why)
    if code in LOCK_WAIT:
        locked = LockedError("somebody else holds a lock that the statement needs", where=url, why=why, fix="try again later")
        locked.code = code  # type: ignore[attr-defined]
        return locked
    refused = StatementError(
        "the database refused a statement",
        statement=sql,
        why=f"{why} (error {code})" if code else why,
        fix=_way_out(code, sql),
    )
    refused.code = code  # type: ignore[attr-defined]
    return refused


def _way_out(code: int, sql: str) -> str | None:
    """What helps against an index that could not be built while writes went on (rule Y20)."""
    if code == _LOG_FULL:
        return "run it again at a quiet time, or raise innodb_online_alter_log_max_size"
    if code == _DUPLICATE and _ADDS_KEY.match(sql):
        return "remove the duplicates; where there are none, a write passed through one meanwhile: run it again at a quiet time"
    return None


def unreachable(error: BaseException, url: DatabaseUrl) -> DatabaseError:
    """An error of connecting."""
    code = code_of(error)
    why = _words(error, url)
    if isinstance(error, RuntimeError):  # the driver's, for a package that it needs and that is not installed
        return DatabaseError(
            "the driver lacks what this user's way to log in needs",
            where=url,
            why=why,
            fix="pip install 'pymysql[rsa]' for caching_sha2_password, 'pymysql[ed25519]' for ed25519",
        )
    if code == NO_DATABASE:
        return DatabaseError(f"the server has no database {url.database}", where=url, why=why, fix="create it, or mend the URL")
    if code in REFUSED_LOGIN:
        return DatabaseError("the server refused the login", where=url, why=why, fix="check user, password and grants")
    if code in (1040, 1203):
        return DatabaseError("the server has no free connection", where=url, why=why, fix="close some, or raise max_connections")
    return DatabaseError("the server can't be reached", where=url, why=why, fix="check host, port and that the server runs")
