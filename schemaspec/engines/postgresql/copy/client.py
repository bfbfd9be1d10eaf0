"""The server's own programs for dumps: which of those on this machine serve, and running them without showing a secret."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from schemaspec.errors import DatabaseError
from schemaspec.model.url import redact

if TYPE_CHECKING:
    from schemaspec.engines.postgresql.connect import PostgresConnection

_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/usr/local/opt/postgresql*/bin",
    "/usr/local/opt/libpq/bin",
    "/Library/PostgreSQL/*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_SAFE_MINOR: Mapping[int, int] = {13: 22, 14: 19, 15: 14, 16: 10, 17: 12, 18: 7}
"""The first minor release of each major one that a crafted dump can't make run something of its own."""
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_TOLD = 64 * 1024
_GRACE = 3.0
SERVICE = "schemaspec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A folder with `pg_dump` and `pg_restore`, and their version."""

    folder: Path
    major: int
    minor: int

    @property
    def safe(self) -> bool:
        """Whether it is free of known ways in which a dump makes it, or what runs its output, do something else."""
        return self.minor >= _SAFE_MINOR.get(self.major, 0) and self.major >= min(_SAFE_MINOR)

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.folder / name)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor} in {self.folder}"


def clients() -> tuple[Client, ...]:
    """Every client on this machine, those of the places where packages put them first, then those on the PATH."""
    folders = [found for place in _PLACES for found in sorted(Path("/").glob(place[1:]))]
    folders += [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    result: dict[Path, Client] = {}
    for folder in folders:
        program = folder / "pg_dump"
        real = Path(os.path.realpath(program))
        # A wrapper under another name chooses a version by rules of its own; what it would start is found without it.
        if (
            real in result
            or real.name != "pg_dump"
            or not (os.access(real, os.X_OK) and os.access(folder / "pg_restore", os.X_OK))
        ):
            continue
        if (version := _version(program)) is not None:
            result[real] = Client(folder=folder, major=version[0], minor=version[1])
    return tuple(result.values())


def _version(program: Path) -> tuple[int, int] | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(done.stdout)
    return (int(found[1]), int(found[2] or 0)) if found else None


def client(major: int, *, doing: str, where: object, found: Sequence[Client] | None = None) -> Client:
    """The client of this major version, else the next newer one: an older one can't read what a newer server made.

    Args:
        doing: what it is needed for, for the message: `back up`, `read the backup`.
        found: the clients to choose from; by default those on this machine.

    Raises:
        DatabaseError: there is none, or only one that is known to be unsafe.
    """
    there = clients() if found is None else found
    fitting = sorted((item for item in there if item.major >= major), key=lambda item: (item.major, -item.minor))
    for item in fitting:
        if item.safe:
            return item
    install = (
        f"install the client programs of PostgreSQL {major}: the package postgresql-client-{major} (Debian, Ubuntu), "
        f"postgresql{major} (Red Hat, SUSE), postgresql@{major} (Homebrew); a folder on the PATH is searched too"
    )
    if fitting:
        old = fitting[0]
        raise DatabaseError(
            f"could not {doing}: pg_dump and pg_restore are too old to be safe",
            where=where,
            why=f"{old}; a crafted dump can make them run something of its own, mended in {old.major}.{_SAFE_MINOR[old.major]}",
            fix=f"update them; {install}",
        )
    had = ", ".join(map(str, there)) or "none"
    raise DatabaseError(
        f"could not {doing}: it needs pg_dump and pg_restore of version {major} or newer",
        where=where,
        why=f"found: {had}",
        fix=install,
    )


class Running:
    """A program at work: its output, what it says on standard error, and its end."""

    def __init__(self, process: subprocess.Popen[bytes], secrets: Sequence[str]) -> None:
        self.process = process
        self._secrets = secrets
        self._told = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def output(self) -> IO[bytes]:
        """What it writes to a pipe."""
        assert self.process.stdout is not None
        return self.process.stdout

    def _listen(self) -> None:
        assert self.process.stderr is not None
        while block := self.process.stderr.read1(8192):  # type: ignore[attr-defined]
            self._told += block
            del self._told[:-_TOLD]

    def told(self) -> str:
        """What it said, without secrets; to be asked once it has ended."""
        self._listener.join(_GRACE)
        return redact(self._told.decode("utf-8", "replace").strip(), *self._secrets)

    def end(self) -> None:
        """End it, and whatever it started, if it still runs."""
        if self.process.poll() is None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(_GRACE)
                    break
        self._listener.join(_GRACE)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


@contextmanager
def running(
    command: Sequence[str],
    *,
    stdin: Any = subprocess.DEVNULL,
    stdout: Any = subprocess.PIPE,
    environment: Mapping[str, str] | None = None,
    handles: Sequence[int] = (),
    secrets: Sequence[str] = (),
) -> Iterator[Running]:
    """Run a program in a process group of its own; it does not outlive the block.

    Args:
        environment: what it finds beside the ordinary environment; nothing of ours about PostgreSQL reaches it.
        handles: open files that it inherits.
        secrets: what must not be seen in what it says.
    """
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    settings = {**plain, "LC_ALL": "C", "LANGUAGE": "C", **(environment or {})}
    process = subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=settings, pass_fds=handles, start_new_session=True
    )
    run = Running(process, secrets)
    try:
        yield run
    finally:
        run.end()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a program reaches the same server as an open connection: no secret is in its arguments or its environment."""

    environment: Mapping[str, str]
    handles: tuple[int, ...]
    secrets: tuple[str, ...]


# Those that every libpq knows; a newer one is passed on where the URL itself asks for it.
_PASSED_ON = frozenset(
    (
        "user",
        "dbname",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslrootcert",
        "sslcrl",
        "channel_binding",
        "requirepeer",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "krbsrvname",
        "gsslib",
        "gssencmode",
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "options",
    )
)
_ASKED_FOR = frozenset(("sslcrldir", "sslsni", "sslnegotiation", "sslcertmode", "require_auth", "gssdelegation"))


@contextmanager
def access(connection: PostgresConnection, name: str) -> Iterator[Access]:
    """What a program needs to connect as this connection did, whatever that took from the URL, files or the environment.

    Args:
        name: what the program calls itself to the server.
    """
    info = connection.driver.info
    wanted = _PASSED_ON | (_ASKED_FOR & connection.url.options.keys())
    told = {item.keyword.decode(): item.val.decode() for item in connection.driver.pgconn.info if item.val}
    settings = {key: value for key, value in told.items() if key in wanted}
    settings |= {"host": info.host, "port": str(info.port), "application_name": name}
    password = info.password or ""
    for key, value in (*settings.items(), ("password", password)):
        if "\n" in value or "\r" in value:
            raise DatabaseError(
                f"the {key} of the database holds a line break, which pg_dump can't be given", where=connection.url
            )
    with _private(f"*:*:*:*:{_escaped(password)}\n" if password else "") as passwords:
        lines = "\n".join(f"{key}={value}" for key, value in sorted(settings.items()))
        with _private(f"[{SERVICE}]\n{lines}\n") as services:
            yield Access(
                environment={"PGPASSFILE": f"/dev/fd/{passwords}", "PGSERVICEFILE": f"/dev/fd/{services}"},
                handles=(passwords, services),
                secrets=tuple(filter(None, (password, told.get("sslpassword", "")))),
            )


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")


@contextmanager
def _private(text: str) -> Iterator[int]:
    """A file without a name that only we and those who inherit it can read; it is gone with us, also when we are killed."""
    with tempfile.TemporaryFile() as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text.encode())
        file.flush()
        file.seek(0)
        yield file.fileno()
