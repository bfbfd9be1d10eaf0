"""A PostgreSQL cluster of our own for the tests: in a temporary folder, on a free port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemaspec.engines.postgresql.copy.client import client
from schemaspec.errors import DatabaseError
from schemaspec.model.url import DatabaseUrl
from tests.in_memory import servers_place

_PROGRAMS = ("initdb", "pg_ctl")
_CHOSEN = "SCHEMASPEC_TEST_PG_BIN"
"""The variable that names the folder of another version's programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateCluster:
    """A running cluster. Its superuser is `postgres`, who needs no password."""

    folder: Path
    port: int
    settings: str = ""

    def url(self, database: str = "postgres") -> DatabaseUrl:
        """The URL of one of its databases."""
        return DatabaseUrl.parse(f"postgresql://postgres@127.0.0.1:{self.port}/{database}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off "
            "-c full_page_writes=off -c max_connections=60 -c autovacuum=off -c wal_level=logical "
            f"{self.settings}"
        )
        log = self.folder / "log"
        _run([program("pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "60", "-l", str(log), "-o", options, "start"])

    def stop(self, mode: str = "immediate") -> None:
        """End it: `fast` in good order, `immediate` as a power cut would."""
        _run([program("pg_ctl"), "-D", str(self.folder / "data"), "-w", "-m", mode, "stop"])


def missing() -> str:
    """What lacks to have a cluster of our own; "" when nothing does."""
    lacking = [name for name in _PROGRAMS if _found(name) is None]
    if not lacking and os.geteuid() == 0 and _unprivileged() is None:
        return "a user other than root to run it"
    return ", ".join(lacking)


def _found(name: str) -> str | None:
    if chosen := os.environ.get(_CHOSEN):
        return shutil.which(name, path=chosen)
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    places = [*map(str, homes), os.environ.get("PATH", "")]
    return shutil.which(name, path=os.pathsep.join(places))


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, of the version that was chosen or else of the newest that is installed."""
    found = _found(name)
    assert found, f"{name} is not installed"
    return found


def major_version() -> int:
    """The version of these programs; 0 where there are none."""
    found = _found("pg_ctl")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout if found else "0"
    return int(re.findall(r"\d+", said)[0])


def no_client() -> str:
    """Why no backup can be made of such a cluster here; "" where one can."""
    try:
        client(major_version(), doing="back up", where="the cluster")
    except DatabaseError as error:
        return f"{error.what}: {error.why}"
    return ""


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs the server when we are root, which it refuses to be run by."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _run(command: Sequence[str]) -> None:
    who = _unprivileged() if os.geteuid() == 0 else None
    extra = {} if who is None else {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    with tempfile.TemporaryFile() as output:  # a server that is started keeps a pipe open
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **extra)  # type: ignore[call-overload]
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[0]} failed:\n{output.read().decode(errors='replace')[-3000:]}")


@contextmanager
def private_cluster(settings: str = "") -> Iterator[PrivateCluster]:
    """A cluster of our own, with more settings (`-c name=value`). Raises RuntimeError when it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="sspg-", dir=servers_place()))
    try:
        who = _unprivileged() if os.geteuid() == 0 else None
        if who is not None:
            os.chown(folder, who.pw_uid, who.pw_gid)
        data = str(folder / "data")
        _run([program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        cluster = PrivateCluster(folder=folder, port=port, settings=settings)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
