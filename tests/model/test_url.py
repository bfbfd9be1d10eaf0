"""Addresses of databases."""

from __future__ import annotations

import pytest

from schemaspec.errors import InputError
from schemaspec.model.url import DatabaseUrl


@pytest.mark.parametrize(
    ("authority", "host", "port", "ports"),
    [
        ("one", "one", None, None),
        ("one:5433", "one", 5433, None),
        ("[::1]:5433", "::1", 5433, None),
        ("one,two", "one,two", None, None),
        ("u:a,b@One:5432,two:5433", "one,two", None, "5432,5433"),
        ("one,two:5433", "one,two", None, ",5433"),
        ("[::1]:5,two", "::1,two", None, "5,"),
    ],
)
def test_several_hosts_are_read_as_libpq_reads_them(authority: str, host: str, port: int | None, ports: str | None) -> None:
    url = DatabaseUrl.parse(f"postgresql://{authority}/shop?sslmode=require")
    assert (url.host, url.port, url.options.get("port")) == (host, port, ports)
    assert (url.database, url.options["sslmode"]) == ("shop", "require")
    again = DatabaseUrl.parse(str(url))
    assert (again.host, again.port, dict(again.options)) == (host, port, dict(url.options))


def test_a_port_in_a_list_that_is_none() -> None:
    with pytest.raises(InputError, match="not a database URL") as caught:
        DatabaseUrl.parse("postgresql://one:5432,two:x/shop")
    assert "two:x" in str(caught.value)
