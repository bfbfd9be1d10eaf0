"""What the driver says went wrong, as one of our errors: without secrets and without values of rows."""

from __future__ import annotations

import re
from typing import Any

from schemaspec.errors import DatabaseError, InputError, LockedError, SchemaspecError, StatementError
from schemaspec.model.url import DatabaseUrl, redact

_ENCRYPTION = re.compile(r"\b(?:ssl error|ssl was required|does not support ssl|private key file)\b")
_KEY_VALUES = re.compile(r"=\((?:[^()]|\([^()]*\))*\)")
_IN_THE_WAY = ("55P03", "40P01")
"""A lock was not to be had in time, or each of two waited for what the other had."""
_TAKES_NO_WRITES = (
    "the server is a standby, or default_transaction_read_only is on for the role or the database: use the primary's URL, take "
    "the setting back (ALTER DATABASE … RESET), or add ?options=-c%20default_transaction_read_only%3Doff to the URL"
)


def translate(error: Any, sql: str, url: DatabaseUrl, *, broken: bool = False) -> SchemaspecError:
    """A driver's error as one of ours, without secrets and without values of rows."""
    import psycopg

    state = error.sqlstate or ""
    diagnosis = error.diag
    message = redact(diagnosis.message_primary or " ".join(str(error).split()) or type(error).__name__, url.password)
    # What a foreign server is to blame for comes as an ordinary error; this connection lives on.
    lost = state.startswith("57P") or (state.startswith("08") and diagnosis.severity_nonlocalized != "ERROR")
    if broken or lost or (isinstance(error, psycopg.OperationalError) and not state):
        return DatabaseError(
            "the connection to the server was lost",
            where=url,
            why=message,
            fix="check that the server runs, then run the command again: work that was not committed has been undone",
        )
    detail = diagnosis.message_detail or ""
    if state.startswith("23"):
        detail = _KEY_VALUES.sub("=(…)", detail) if detail.startswith("Key ") else ""
    why = redact("; ".join(part for part in (message, detail) if part), url.password)
    hint = redact(diagnosis.message_hint, url.password) if diagnosis.message_hint else None
    if state in _IN_THE_WAY:
        return LockedError("somebody else holds a lock that the statement needs", where=url, why=why, fix="try again later")
    hint = _TAKES_NO_WRITES if state == "25006" else hint
    wrapped = StatementError("the database refused a statement", statement=sql, why=why, fix=hint)
    wrapped.sqlstate = state  # type: ignore[attr-defined]
    return wrapped


def unreachable(error: Any, url: DatabaseUrl) -> SchemaspecError:
    secrets = (url.password, *(url.options.get(key, "") for key in ("password", "sslpassword")))
    text = " ".join(redact(str(error), *secrets).split())
    lowered = text.lower()
    if "does not exist" in lowered and "database" in lowered:
        return DatabaseError(f"the server has no database {url.database}", where=url, why=text, fix="create it, or mend the URL")
    if "no encryption" in lowered:
        return DatabaseError(
            "the server takes encrypted connections only",
            where=url,
            why=text,
            fix="add sslmode=require or verify-full to it",
        )
    if "password" in lowered or "authentication" in lowered or "no pg_hba.conf" in lowered or "role " in lowered:
        return DatabaseError("the server refused the login", where=url, why=text, fix="check user, password and pg_hba.conf")
    if "certificate" in lowered or _ENCRYPTION.search(lowered):
        return DatabaseError(
            "no encrypted connection to the server came about",
            where=url,
            why=text,
            fix="check sslmode, sslrootcert, sslcert and sslkey in the URL: who signed the certificate of the server?",
        )
    if "too many" in lowered or "remaining connection slots" in lowered:
        return DatabaseError("the server has no free connection", where=url, why=text, fix="close some, or raise max_connections")
    if "starting up" in lowered or "shutting down" in lowered or "recovery" in lowered:
        return DatabaseError("the server is not ready", where=url, why=text, fix="wait until it is up")
    if "invalid" in lowered and ("option" in lowered or "value" in lowered):
        return InputError("the server or driver refused an option of the URL", where=url, why=text)
    return DatabaseError("the server can't be reached", where=url, why=text, fix="check host, port and that the server runs")
