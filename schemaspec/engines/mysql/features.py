"""What MariaDB and MySQL can do."""

from __future__ import annotations

from types import MappingProxyType

from schemaspec.engines.protocol import Features

LEASE_TABLE = "schemaspec_lease"
"""Where a lock that holds in a whole cluster is kept while it is held."""

FEATURES = Features(
    kinds=frozenset(
        {
            "database_default",
            "table",
            "column",
            "primary_key",
            "unique",
            "check",
            "foreign_key",
            "period",
            "index",
            "view",
            "trigger",
            "function",
            "procedure",
            "event",
            "sequence",
            "unmodelled",
        }
    ),
    inline=frozenset({"column", "primary_key", "unique", "check", "period", "index"}),
    table_at_once=True,
    transactional_ddl=False,
    batch_transaction=False,
    file_based=False,
    default_port=3306,
    implicit_values=True,
    types=MappingProxyType(
        {
            "key": "bigint not null auto_increment primary key",
            "integer": "bigint",
            "text": "longtext",
            "name": "varchar(191)",
            "timestamp": "datetime(6)",
            "now": "(utc_timestamp(6))",
        }
    ),
)
