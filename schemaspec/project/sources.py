"""What `diff` can compare: a database, a spec, a .sql file, a backup, a snapshot; each becomes a `Schema`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.errors import InputError

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.change import Change
    from schemaspec.model.plan import Plan
    from schemaspec.model.schema import Schema
    from schemaspec.model.url import DatabaseUrl

_SQLITE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How two sources differ: the changes that turn `a` into `b`, and the plan for them where it was asked for."""

    a: str
    b: str
    changes: tuple[Change, ...]
    plan: Plan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """The engine and server that .sql files and specs are read with."""

    engine: Engine
    server: DatabaseUrl | None


def database_url(text: str) -> DatabaseUrl:
    """A URL, or the path of an existing file, as a database URL.

    Raises:
        InputError: it is neither.
    """
    from schemaspec.model.url import DatabaseUrl, file_url

    if "://" in text:
        return DatabaseUrl.parse(text)
    if Path(text).is_file():
        return DatabaseUrl(scheme="sqlite", database=text)
    file_url(text)
    raise InputError(
        f"not a database URL, and no file of that name: {text}",
        fix="write for example sqlite:///store.db or postgresql://user@host/name",
    )


def compare_sources(
    a: str, b: str, *, engine_name: str | None = None, server: str | None = None, with_plan: bool = False
) -> Comparison:
    """Compare any two sources.

    Args:
        a, b: database URLs, or paths of specs, .sql files, backups, snapshots.
        engine_name: the engine to read .sql files with, when neither side says.
        server: URL of a server for scratch databases.
        with_plan: also plan the way from `a` to `b`.

    Raises:
        InputError: a side is none of these, or they belong to different engines.
        DatabaseError: a side can't be read.
    """
    from schemaspec.diff.compare import diff
    from schemaspec.diff.policy import without_history

    context = _context(a, b, engine_name, server)
    current, desired = without_history(_schema(a, context)), without_history(_schema(b, context))
    changes = diff(current, desired)
    plan = None
    if with_plan:
        from schemaspec.model.spec import Spec
        from schemaspec.plan.planner import make_plan

        plan = make_plan(context.engine, None, current, desired, Spec(file=b, root="."), url=context.server, scratch_url=server)
    return Comparison(a=_shown(a), b=_shown(b), changes=changes, plan=plan)


def _shown(source: str) -> str:
    from schemaspec.model.url import redact

    return redact(source)


def _context(a: str, b: str, engine_name: str | None, server: str | None) -> _Context:
    from schemaspec.engines.registry import engine, engine_for
    from schemaspec.model.url import DatabaseUrl

    found: dict[str, DatabaseUrl | None] = {}
    for source in (a, b):
        if "://" in source:
            url = DatabaseUrl.parse(source)
            found.setdefault(engine_for(url).name, url)
        elif not _is_spec(source) and (name := _engine_of_file(_path(source))) is not None:
            found.setdefault(name, None)
    if server is not None:
        url = DatabaseUrl.parse(server)
        found[engine_for(url).name] = url
    if engine_name is not None:
        found.setdefault(engine_name, None)
    if not found:  # a spec may be meant for several engines: what it names itself counts where nothing else does
        for url in filter(None, map(_database_of, filter(_is_spec, (a, b)))):
            known = engine_for(url)
            found.setdefault(known.name, None if known.features.file_based else url)
    if len(found) > 1:
        raise InputError(f"{_shown(a)} and {_shown(b)} belong to different engines: {' and '.join(found)}")
    name, url_or_none = next(iter(found.items()), ("sqlite", None))
    return _Context(engine=engine(name), server=url_or_none)


def _is_spec(source: str) -> bool:
    return "://" not in source and Path(source).suffix in (".yaml", ".yml")


def _database_of(spec_file: str) -> DatabaseUrl | None:
    """The database that a spec names."""
    from schemaspec.model.url import DatabaseUrl
    from schemaspec.project.files import read_spec

    database = read_spec(spec_file, engine=None, database=None).database
    return DatabaseUrl.parse(database) if database else None


def _engine_of_file(path: Path) -> str | None:
    """The engine that a file belongs to, as far as its content tells."""
    if path.suffix == ".json":
        from schemaspec.project.snapshot import read

        return read(str(path)).engine
    if path.is_file() and path.open("rb").read(16) == _SQLITE_MAGIC:
        return "sqlite"
    return None


def _path(source: str) -> Path:
    """The file that is meant: a path, or the name of a backup in the folder where backups lie."""
    path, backup = Path(source), Path("backups") / source
    return backup if not path.is_file() and backup.is_file() else path


def _schema(source: str, context: _Context) -> Schema:
    from schemaspec.project import desired

    engine = context.engine
    path = _path(source)
    if "://" in source:
        return _introspect(engine, database_url(source))
    if not path.is_file():
        raise InputError(f"no such file: {source}", fix="name a database URL, a spec, a .sql file, a backup or a snapshot")
    if _is_spec(source):
        from schemaspec.project.files import read_spec

        spec = read_spec(source, engine=engine.name, database=None)
        return desired.described(engine, spec, context.server)[0]
    if path.suffix == ".json":
        from schemaspec.project.snapshot import read

        return read(source)
    if path.suffix == ".sql":
        from schemaspec.model.position import Position
        from schemaspec.model.spec import Script

        script = Script(sql=path.read_text(encoding="utf-8"), position=Position(source, 1, 1))
        return desired.build(engine, engine.dialect.create(script, {}), context.server, None)
    return _backup(engine, path, context.server)


def _introspect(engine: Engine, url: DatabaseUrl) -> Schema:
    connection = engine.connect(url, mode="read")
    try:
        return engine.introspect(connection)
    finally:
        connection.close()


def _backup(engine: Engine, path: Path, server: DatabaseUrl | None) -> Schema:
    from schemaspec.backup.compression import plain_copy
    from schemaspec.model.url import DatabaseUrl

    url = server or DatabaseUrl(scheme=engine.name, database=str(path))
    with plain_copy(path) as plain, engine.copier.open(plain, url) as connection:
        return engine.introspect(connection)
