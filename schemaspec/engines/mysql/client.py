"""The server's own command-line programs: dump and client. A password reaches them by a file, never by their arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemaspec.engines.mysql.server import Server
from schemaspec.errors import DatabaseError
from schemaspec.model.url import DatabaseUrl, redact

_POLL_SECONDS = 0.2
_ERRORS_KEPT = 2000


@dataclass(frozen=True, slots=True)
class Program:
    """A dump program or a client: where it is, and whether it is MariaDB's; else it is MySQL's."""

    path: str
    mariadb: bool


def program(kind: Literal["dump", "client"], server: Server) -> Program:
    """The dump program or the client that fits the server best: its own product's, else the other's.

    Raises:
        DatabaseError: none is installed.
    """
    names = {"dump": ("mariadb-dump", "mysqldump"), "client": ("mariadb", "mysql")}[kind]
    other: Program | None = None
    for name in names if server.mariadb else reversed(names):
        for folder in os.get_exec_path():
            path = shutil.which(name, path=folder)
            if path is None:
                continue
            found = Program(path, name.startswith("mariadb") or _says_mariadb(path))
            if found.mariadb == server.mariadb:
                return found
            other = other or found
    if other is not None:
        return other
    raise DatabaseError(
        f"{names[0] if server.mariadb else names[1]} is not installed",
        fix="install the server's client programs: the package mariadb-client, or mysql-client",
    )


def _says_mariadb(path: str) -> bool:
    """Whether a program under MySQL's name is MariaDB's, as many systems install it."""
    try:
        said = subprocess.run([path, "--no-defaults", "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise DatabaseError(f"{path} can't be started", why=error.strerror) from error
    return "mariadb" in said.stdout.lower()


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
