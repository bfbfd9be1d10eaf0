"""A MariaDB server of our own for the tests: in a temporary folder, on a free port, gone afterwards."""

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
from pathlib import Path

from schemaspec.engines.mysql.connect import connect_server
from schemaspec.errors import SchemaspecError
from schemaspec.model.url import DatabaseUrl

START_SECONDS = 60
_PROGRAMS = (("mariadb-install-db", "mysql_install_db"), ("mariadbd", "mysqld"))


@dataclass(slots=True)
class PrivateServer:
    """A running server, which may be killed and started again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "") -> DatabaseUrl:
        """The URL of one of its databases."""
        return DatabaseUrl.parse(f"mysql://root@127.0.0.1:{self.port}/{database}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        daemon = _found(_PROGRAMS[1])
        assert daemon
        arguments = [
            daemon,
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
            "--innodb-buffer-pool-size=64M",
            "--performance-schema=OFF",
            *(["--user=root"] if os.geteuid() == 0 else []),
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


def missing() -> str:
    """What lacks to have a server of our own; "" when nothing does."""
    return ", ".join(names[0] for names in _PROGRAMS if _found(names) is None)


def _found(names: tuple[str, ...]) -> str | None:
    places = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/usr/local/mysql/bin"
    return next((path for name in names if (path := shutil.which(name, path=places))), None)


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """A server of our own. Raises RuntimeError when it does not start."""
    install = _found(_PROGRAMS[0])
    assert install, missing()
    # In memory where that can be had: nothing here has to outlive a power cut.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="ssmy-", dir=place))
    try:
        for name in ("data", "tmp"):
            (folder / name).mkdir()
        arguments = [
            install,
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            f"--tmpdir={folder / 'tmp'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-buffer-pool-size=32M",
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]
        done = subprocess.run(arguments, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{install} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        server = PrivateServer(folder=folder, port=_free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
