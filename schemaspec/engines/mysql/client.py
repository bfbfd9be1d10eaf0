"""The server's own command-line programs: dump and client. A password reaches them by a file, never by their arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from schemaspec.engines.mysql.server import Server
from schemaspec.errors import DatabaseError
from schemaspec.model.url import DatabaseUrl, redact

_POLL_SECONDS = 0.2
_ERRORS_KEPT = 2000


def program(kind: str, server: Server) -> str:
    """The path of the dump program or the client (`dump`, `client`) that fits the server.

    Raises:
        DatabaseError: it is not installed.
    """
    names = {"dump": ("mariadb-dump", "mysqldump"), "client": ("mariadb", "mysql")}[kind]
    for name in names if server.mariadb else reversed(names):
        found = shutil.which(name)
        if found:
            return found
    raise DatabaseError(
        f"{names[0]} is not installed",
        fix="install the server's client programs: the package mariadb-client, or mysql-client",
    )


@contextmanager
def login_file(url: DatabaseUrl) -> Iterator[Path]:
    """An option file with what is needed to reach the server, readable by its owner alone, gone afterwards."""
    values = {"host": url.host or "127.0.0.1", "port": str(url.port or 3306), "user": url.user, "password": url.password}
    if "unix_socket" in url.options:
        values = {"socket": url.options["unix_socket"], "user": url.user, "password": url.password}
    for name in ("ssl_ca", "ssl_cert", "ssl_key"):
        if name in url.options:
            values[name.replace("_", "-")] = url.options[name]
    lines = ["[client]", *(f'{name}="{_escaped(value)}"' for name, value in values.items() if value)]
    if "socket" not in values:
        lines.append("protocol=tcp")
    folder = tempfile.mkdtemp(prefix="schemaspec-")
    path = Path(folder) / "login.cnf"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _escaped(value: str) -> str:
    for letter, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(letter, escaped)
    return value


def running(arguments: Sequence[str], *, source: Path | None, target: Path | None, url: DatabaseUrl) -> Iterator[None]:
    """Run a program; one item each time some time has passed, so that progress can be told; ends when the program has.

    Args:
        source, target: files for its standard input and output.

    Raises:
        DatabaseError: it can't be started, or failed; in its own words.
    """
    name = Path(arguments[0]).name
    with ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile())
        stdin = stack.enter_context(source.open("rb")) if source else subprocess.DEVNULL
        stdout = stack.enter_context(target.open("wb")) if target else subprocess.DEVNULL
        try:
            process = subprocess.Popen(list(arguments), stdin=stdin, stdout=stdout, stderr=errors)
        except OSError as error:
            raise DatabaseError(f"{name} can't be started", why=error.strerror) from error
        stack.callback(_ended, process)
        while True:
            try:
                code = process.wait(_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                yield
        if code:
            errors.seek(0)
            words = errors.read(_ERRORS_KEPT).decode("utf-8", "replace").strip()
            raise DatabaseError(f"{name} failed", where=url, why=redact(words, url.password))


def _ended(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait()
