"""A MariaDB or MySQL server of our own for the tests: in a temporary folder, on a free port, gone afterwards.

MariaDB has to be there. MySQL is tested too where SCHEMASPEC_TEST_MYSQLD names its `mysqld`, or PATH has one.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from schemaspec.engines.mysql.connect import connect_server
from schemaspec.errors import SchemaspecError
from schemaspec.model.url import DatabaseUrl
from tests.in_memory import servers_place

START_SECONDS = 60
NAMED = "SCHEMASPEC_TEST_MYSQLD"
_INSTALLERS = ("mariadb-install-db", "mysql_install_db")
_DAEMONS = ("mariadbd", "mysqld")
_OWN = {
    "mariadb": ("--innodb-buffer-pool-size=64M",),
    "mysql": ("--innodb-buffer-pool-size=64M", "--mysqlx=OFF", "--skip-log-bin", "--secure-file-priv=NULL"),
}


@dataclass(slots=True)
class PrivateServer:
    """A running server, which may be killed and started again."""

    folder: Path
    port: int
    product: str = "mariadb"
    process: subprocess.Popen[bytes] | None = None

    @property
    def mysql(self) -> bool:
        """Whether it is MySQL, not MariaDB."""
        return self.product == "mysql"

    def url(self, database: str = "") -> DatabaseUrl:
        """The URL of one of its databases."""
        return DatabaseUrl.parse(f"mysql://root@127.0.0.1:{self.port}/{database}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = [
            daemon(self.product),
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder / 'tmp'}",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
            "--innodb-flush-log-at-trx-commit=0",
            "--performance-schema=OFF",
            *_OWN[self.product],
            *_as_root(),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                connect_server(self.url()).close()
                return
            except SchemaspecError:
                assert self.process is not None
                if time.monotonic() > end or self.process.poll() is not None:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"the server does not start:\n{log[-3000:]}") from None
                time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it and wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()


def products() -> tuple[str, ...]:
    """The products to test: MariaDB in any case, MySQL where it is."""
    return ("mariadb", "mysql") if mysqld() else ("mariadb",)


def missing() -> str:
    """What lacks to have a MariaDB server of our own; "" when nothing does."""
    return ", ".join(names[0] for names in (_INSTALLERS, _DAEMONS) if _found(names) is None)


@cache
def mysqld() -> str:
    """MySQL's server program; "" where there is none. MariaDB has a program of this name too.

    Raises:
        RuntimeError: the one that the environment names is not MySQL's.
    """
    named = os.environ.get(NAMED, "")
    path = named or _found(("mysqld",)) or ""
    if path and not _is_mysql(path):
        if named:
            raise RuntimeError(f"{NAMED}={named} is no MySQL server")
        return ""
    return path


def _is_mysql(path: str) -> bool:
    try:
        said = subprocess.run([path, "--no-defaults", "--version"], capture_output=True, text=True)
    except OSError:
        return False
    return said.returncode == 0 and "mariadb" not in said.stdout.lower()


def daemon(product: str) -> str:
    """The product's server program."""
    path = mysqld() if product == "mysql" else _found(_DAEMONS)
    assert path, f"no {product} here"
    return path


def _found(names: tuple[str, ...]) -> str | None:
    places = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/usr/local/mysql/bin"
    return next((path for name in names if (path := shutil.which(name, path=places))), None)


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


@contextmanager
def private_server(product: str = "mariadb") -> Iterator[PrivateServer]:
    """A server of our own. Raises RuntimeError when it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="ssmy-", dir=servers_place()))
    try:
        (folder / "tmp").mkdir()
        _install(product, folder)
        server = PrivateServer(folder=folder, port=_free_port(), product=product)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install(product: str, folder: Path) -> None:
    common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder / 'tmp'}", *_as_root()]
    if product == "mysql":
        arguments = [daemon(product), *common, "--initialize-insecure", "--innodb-redo-log-capacity=8M"]
    else:
        (folder / "data").mkdir()
        install = _found(_INSTALLERS)
        assert install, missing()
        own = ["--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-buffer-pool-size=32M"]
        arguments = [install, *common, *own]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
