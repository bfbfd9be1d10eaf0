"""What a command finds where nothing has changed, told without working it out again.

What `check` and `status` report follows from its files and from what the database answers. Both are looked at every time:
while every file has the same content and every statement the same answer as in the run before, the report is the same too. The
first answer that differs ends this, and what was answered until then is not asked again. Where all that differs is the data,
what a check has found of the schema holds on.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from types import MappingProxyType

from schemaspec.errors import SchemaspecError
from schemaspec.model.value import Value
from schemaspec.project import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from schemaspec.engines.protocol import Connection
    from schemaspec.model.report import CheckResult, MigrationStatus
    from schemaspec.project import Project

    Rows = list[tuple[Any, ...]]

_QUERY, _EXECUTE, _CALL, _ENTER, _LEAVE = "query", "execute", "call", "enter", "leave"


class Witness:
    """A connection that notes what it is asked and what it answers; see `protocol.Connection`.

    `steps` can be asked again by `confirm`; they are not `sound` when something went wrong, or went past this witness.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.url = connection.url
        self.server_version = connection.server_version
        self.steps: list[list[Any]] = []
        self.sound = True
        self._known: dict[tuple[str, str], Any] = {}

    def __getattr__(self, name: str) -> Any:
        """What only the engine's own connection has; its methods are noted too."""
        value = getattr(self._connection, name)
        return partial(self._call, name, value) if callable(value) else value

    def _call(self, name: str, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        with self._watched():
            answer = method(*arguments, **named)
        if named:
            self.sound = False
            return answer
        if isinstance(answer, AbstractContextManager):
            return self._inside(name, arguments, answer)
        if not isinstance(answer, list | int | str | None):
            self.sound = False
        self.steps.append([_CALL, name, list(arguments), cache.digest(repr(answer))])
        return answer

    @contextmanager
    def _inside(self, name: str, arguments: Sequence[Any], manager: AbstractContextManager[Any]) -> Iterator[Any]:
        self.steps.append([_ENTER, name, list(arguments)])
        with self._watched(), manager as value:
            yield value
        self.steps.append([_LEAVE])

    @property
    def bare(self) -> Connection:
        """The connection itself, for what follows from answers that were noted already."""
        return self._connection

    @property
    def driver(self) -> Any:
        """The driver's own connection, whose answers nobody notes."""
        self.sound = False
        return self._connection.driver

    def query(self, sql: str, parameters: Sequence[object] = ()) -> Rows:
        """The answer, from a moment ago where `confirm` has asked already."""
        key = (sql, repr(tuple(parameters)))
        rows = self._known.get(key)
        if rows is None:
            with self._watched():
                rows = self._connection.query(sql, parameters)
        self.steps.append([_QUERY, sql, list(parameters), cache.digest(repr(rows))])
        return rows

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Passed on."""
        with self._watched():
            count = self._connection.execute(sql, parameters)
        self.steps.append([_EXECUTE, sql, list(parameters)])
        return count

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Passed on."""
        with self._inside("transaction", (), self._connection.transaction()):
            yield

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def confirm(self, steps: Sequence[Sequence[Any]]) -> int:
        """Ask again what was asked before, until an answer is another one; how many of the first answers are the same."""
        entered: list[AbstractContextManager[Any]] = []
        same = 0
        try:
            while same < len(steps) and self._same(entered, *steps[same]):
                same += 1
        except SchemaspecError:
            pass
        finally:
            while entered:
                entered.pop().__exit__(None, None, None)
        return same

    def _same(
        self,
        entered: list[AbstractContextManager[Any]],
        what: str,
        name: str = "",
        arguments: Sequence[Any] = (),
        digest: str = "",
    ) -> bool:
        connection = self._connection
        if what == _QUERY:
            rows = self._known[name, repr(tuple(arguments))] = connection.query(name, arguments)
            return cache.digest(repr(rows)) == digest
        if what == _EXECUTE:
            connection.execute(name, arguments)
        elif what == _CALL:
            # What it does beside its answer, such as a setting, nobody knows here: it is called again by whoever goes on.
            return cache.digest(repr(getattr(connection, name)(*arguments))) == digest
        elif what == _ENTER:
            entered.append(getattr(connection, name)(*arguments))
            entered[-1].__enter__()
        else:
            entered.pop().__exit__(None, None, None)
        return True

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.sound = False
            raise


class Found(Value):
    """What a command found: what its report says beside when it was made and of which database.

    Not `whole`: only what it says of the schema is true any longer.
    """

    migrations: tuple[MigrationStatus, ...]
    checks: tuple[CheckResult, ...] = ()
    counts: Mapping[str, int] = MappingProxyType({})
    title: str = ""
    unreachable: bool = False
    whole: bool = True


def told_again(command: str, project: Project, witness: Witness, options: Sequence[str] = ()) -> Found | None:
    """What the last run of the command with these options found, as far as the files and the answers are those of then."""
    known = recalled(command, project, witness, options)
    try:
        return None if known is None else from_plain(known.found).replaced(whole=known.whole)
    except (KeyError, ValueError, TypeError):  # the entry is not what it should be
        return None


def keep(
    command: str, project: Project, witness: Witness, found: Found, options: Sequence[str] = (), *, of_schema: int | None = None
) -> None:
    """Keep what was found for `told_again`, where it is known what it follows from.

    Args:
        of_schema: from how many of the first answers all that was found of the schema follows; None where that is not known.
    """
    note(command, project, witness, to_plain(found), options, of_schema=of_schema)


class Recalled(Value):
    """What was noted, and whether all of it is still true, or only what it says of the schema."""

    found: Any
    whole: bool


def recalled(command: str, project: Project, witness: Witness, options: Sequence[str] = ()) -> Recalled | None:
    """What `note` wrote down, as far as the files and the answers are those of then."""
    kept = cache.load(command, *_key(project, options))
    try:
        if kept is None or kept["basis"] != _basis(project, witness):
            return None
        same, of_schema = witness.confirm(kept["steps"]), kept["of_schema"]
        whole = same == len(kept["steps"]) and kept["size"] == _size(project)
        if not whole and (of_schema is None or same < of_schema):
            return None
        return Recalled(found=kept["found"], whole=whole)
    except (KeyError, ValueError, TypeError):
        return None


def may_recall(command: str, project: Project, options: Sequence[str] = ()) -> bool:
    """Whether anything was noted of these files that `recalled` may find still true."""
    kept = cache.load(command, *_key(project, options))
    try:
        return kept is not None and kept["basis"][0] == project.head.digest
    except (KeyError, ValueError, TypeError):
        return False


def note(
    command: str, project: Project, witness: Witness, found: Any, options: Sequence[str] = (), *, of_schema: int | None = None
) -> None:
    """Write down plain JSON data that a command has found for `recalled`; see `keep`."""
    basis = _basis(project, witness)
    if witness.sound and basis is not None and project.spec.digest == project.head.digest:
        value = {"basis": basis, "size": _size(project), "steps": witness.steps, "of_schema": of_schema, "found": found}
        with suppress(TypeError):  # a parameter that JSON does not know
            cache.store(command, *_key(project, options), value=value)


def to_plain(found: Found) -> dict[str, Any]:
    """What was found as plain JSON data."""
    return {
        "checks": [[*_values(check)[:-1], list(map(_values, check.findings))] for check in found.checks],
        "counts": dict(found.counts),
        "migrations": list(map(_values, found.migrations)),
        "title": found.title,
    }


def from_plain(data: Mapping[str, Any]) -> Found:
    """What `to_plain` wrote down."""
    from schemaspec.model.report import CheckResult, Finding, MigrationStatus

    return Found(
        checks=tuple(
            CheckResult(id=id, name=name, status=status, message=message, findings=tuple(_made(Finding, row) for row in findings))
            for id, name, status, message, findings in data["checks"]
        ),
        counts=data["counts"],
        migrations=tuple(_made(MigrationStatus, row) for row in data["migrations"]),
        title=data["title"],
    )


def _key(project: Project, options: Sequence[str]) -> tuple[str, ...]:
    return (os.path.realpath(project.spec_file), project.spec_file, str(project.url), *options)


def _basis(project: Project, witness: Witness) -> list[object] | None:
    """What a report follows from beside the answers; None where a file has to be read first."""
    from schemaspec.project.files import migrations_digest

    engine, file = project.engine, project.migrations_file
    migrations = "" if file is None else migrations_digest(file, engine=engine.name)
    snapshot = os.path.splitext(project.spec_file)[0] + ".snapshot.json"
    stands_in = os.stat(snapshot).st_mtime_ns if os.path.exists(snapshot) else 0
    empty = _size(project) == 0
    known: list[object] = [project.head.digest, str(file), migrations, engine.name, witness.server_version, empty, stands_in]
    return None if migrations is None else known


def _size(project: Project) -> int:
    """Of the database's file, which a report tells."""
    path = project.url.database
    return os.stat(path).st_size if project.engine.features.file_based and os.path.isfile(path) else 0


def _values(item: Any) -> list[Any]:
    return [getattr(item, name) for name in item.__slots__]


def _made(kind: Any, values: Sequence[Any]) -> Any:
    made = dict(zip(kind.__slots__, values, strict=True))
    for name in ("where", "position"):
        if made.get(name) is not None:
            from schemaspec.model.position import Position

            made[name] = Position(*made[name])
    return kind(**made)
