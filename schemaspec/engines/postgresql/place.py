"""Which database a URL leads to, with all that libpq takes from elsewhere."""

from __future__ import annotations

import os

from schemaspec.engines.postgresql.features import FEATURES
from schemaspec.model.url import DatabaseUrl, machine

_VARIABLES = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "service": "PGSERVICE"}


def place(url: DatabaseUrl) -> str:
    """See `abilities.Locates.place`. What a service stands for is not read: two services are two databases."""
    said = {"host": url.host, "port": str(url.port or ""), "dbname": url.database}
    given = {key: said.get(key) or url.options.get(key, "") for key in _VARIABLES}
    service = given["service"] or os.environ.get("PGSERVICE", "")
    if not service:  # its file goes before the variables
        given = {key: value or os.environ.get(_VARIABLES[key], "") for key, value in given.items()}
    host = given["host"] or given["hostaddr"]
    port = given["port"] or ("" if service else str(FEATURES.default_port))
    name = given["dbname"] or ("" if service else url.user)
    return f"{service}@{host and machine(host)}:{port}/{name}" if service else f"{machine(host)}:{port}/{name}"
