"""An existing database becomes a spec, and a baseline for its migrations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemaspec.engines.abilities import Breaks
from schemaspec.errors import InputError, InputErrors, NoScratchError, RiskWarning, UnsupportedError
from schemaspec.model.history import HISTORY_TABLE
from schemaspec.model.kinds import KINDS
from schemaspec.project.desired import build, compile_declarations, keep
from schemaspec.project.editor import modeline
from schemaspec.project.sources import database_url
from schemaspec.project.whole_file import write_whole

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.schema import ObjectId, Schema, SchemaObject
    from schemaspec.model.spec import Spec
    from schemaspec.model.url import DatabaseUrl

MIGRATIONS_FILE = "migrations.yaml"
SPEC_FILE = "expected_schema.yaml"
_NOT_PROVEN = (
    "NOT PROVEN: {}, so nobody has seen whether the spec leads to this very schema. To prove it, run `schemaspec check` on this "
    "database once as a role that may make one, or with `scratch:` in the spec"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What `init` wrote: the spec's text, and what to tell the user."""

    text: str
    message: str


def describe_database(
    database: str, output: str, *, force: bool = False, baseline: bool = True, snapshot: bool = False
) -> Written:
    """Write the spec of an existing database; the database is only read.

    Where no scratch database can be made, the spec is written all the same: a `RiskWarning` says that it is not proven, and
    the schema as it was found is laid beside it as its snapshot, for the runs that can't make one either.

    Args:
        database: its URL, or the path of a SQLite file.
        output: the file to write, or `-` for none.
        force: overwrite a spec that is there.
        baseline: also write migrations.yaml, where there is none, with the schema as its first migration.
        snapshot: also write the spec's snapshot beside it.

    Raises:
        InputError: the file is there already, or the folder isn't.
        DatabaseError: the database can't be read.
        UnsupportedError: an object can't be described so that the same comes out again.
    """
    from schemaspec.model.spec import Spec
    from schemaspec.plan.clone import finished, modelled
    from schemaspec.project import snapshot as snapshots
    from schemaspec.project.files import read_spec
    from schemaspec.spec.writer import write_spec

    target = Path(output)
    if output != "-":
        _may_write(target, force)
    url = database_url(database)
    found = _read(url)
    engine = found.engine
    schema = finished(engine, found.schema)
    declarations = engine.declare(schema)
    text = modeline("expected_schema", target.parent) + write_spec(declarations, database=_relative(url, target))
    if output == "-":
        _proven(engine, Spec(file="", root=".", declarations=declarations), schema, url)
        return Written(text=text, message="")
    with _kept_if_all_is_well(target, text):
        spec = read_spec(str(target), engine=None, database=database if url.password else None)
        made = _proven(engine, spec, schema, url)
        if made is not None:
            keep(engine, spec, url, found.server_version, made)
        if made is None or snapshot:
            snapshots.write(snapshots.file_of(spec), made or modelled(schema), digest=spec.digest, proven=made is not None)
    tables = len(schema.of_kind("table", "virtual_table", "foreign_table"))
    lines = [f"{target}: {tables} table{'s' if tables != 1 else ''} described. Next: schemaspec check -s {target}"]
    lines += [
        f"{item.id} is half done, and described as it should be: `check` says how to mend it"
        for item in _halves(found.schema, schema)
    ]
    lines += [
        f"The {KINDS[id.kind].title} {id} is left out, for it can't be made anew: {why}. Mend it and describe it, or drop it."
        for id, why in found.broken.items()
    ]
    if found.foreign:
        lines.append(
            f"The table {HISTORY_TABLE} is left out, though it is no history of migrations: {found.foreign}. "
            "Declare it yourself if it shall be checked."
        )
    if made is None or snapshot:
        lines.append(_snapshot_told(snapshots.file_of(spec), made or modelled(schema)))
    migrations = target.with_name(MIGRATIONS_FILE)
    if baseline and declarations and not migrations.exists():
        write_whole(migrations, modeline("migrations", target.parent) + _baseline(engine, schema, found.version))
        lines.append(f"{migrations}: version {found.version} is the schema as it is now; on this database it counts as applied.")
    if not modeline("expected_schema", target.parent):
        lines.append(f"For completion in editors: schemaspec schema --write{'' if output == SPEC_FILE else f' -s {target}'}")
    return Written(text=text, message="\n".join(lines))


def write_snapshot(database: str, spec_file: str) -> str:
    """Write the snapshot of a spec beside it, and return what to tell the user.

    Args:
        database: the database whose server makes the scratch database.
        spec_file: the spec; it is only read.

    Raises:
        InputError, InputErrors: the spec is at fault.
        DatabaseError: no scratch database can be made.
    """
    from schemaspec.engines.registry import engine_for
    from schemaspec.project import snapshot
    from schemaspec.project.files import read_spec

    url = database_url(database)
    engine = engine_for(url)
    spec = read_spec(spec_file, engine=engine.name, database=database)
    schema = build(engine, compile_declarations(engine, spec.declarations, spec), url, spec.scratch)
    path = snapshot.file_of(spec)
    snapshot.write(path, schema, digest=spec.digest)
    return _snapshot_told(path, schema)


def _snapshot_told(path: str, schema: Schema) -> str:
    return f"{path}: {len(schema)} objects, to stand in where no scratch database may be made"


def _halves(found: Schema, whole: Schema) -> list[SchemaObject]:
    """What is not in the database as it is described."""
    return [item for item in found if item != whole[item.id]]


@contextmanager
def _kept_if_all_is_well(target: Path, text: str) -> Iterator[None]:
    """The file with its new content, which stays unless what is done inside fails."""
    before = target.read_bytes() if target.exists() else None
    write_whole(target, text)
    try:
        yield
    except BaseException:
        if before is None:
            target.unlink(missing_ok=True)
        else:
            target.write_bytes(before)
        raise


def _proven(engine: Engine, spec: Spec, schema: Schema, url: DatabaseUrl) -> Schema | None:
    """What the spec leads to in a scratch database, seen to be this very schema.

    Returns:
        None, and a `RiskWarning`, where no scratch database can be made.

    Raises:
        UnsupportedError: it leads elsewhere; names the objects.
    """
    from schemaspec.diff.compare import diff

    try:
        again = build(engine, compile_declarations(engine, spec.declarations, spec), url, None)
    except NoScratchError as error:
        warnings.warn(_NOT_PROVEN.format(error.in_short), RiskWarning, stacklevel=2)
        return None
    except InputErrors as error:
        raise UnsupportedError(
            "the database can't be described: its own server refuses the definitions that it gave",
            why="; ".join(dict.fromkeys(f"{item.what}: {item.why}" for item in error.errors[:5])),
            fix="try it in the database itself: a view or program that needs what is gone has to be mended or dropped there; "
            "where it works, this is a fault of schemaspec worth reporting",
        ) from error
    told = [change for change in diff(again, schema) if change.id.kind != "unmodelled"]
    if told:
        names = ", ".join(f"{change.id.kind} {change.id}" for change in told[:5])
        raise UnsupportedError(
            f"the database can't be described faithfully: {names}",
            fix="this is a fault of schemaspec worth reporting",
        )
    return again


@dataclass(frozen=True, slots=True, kw_only=True)
class _Database:
    """What was read of a database.

    Args:
        schema: all that can be described.
        broken: what can't, for its own definition does not make it any more, and why.
        version: the newest of a history that is there, so that what is written after the baseline is new to this database;
            else 1.
        foreign: why the table that has the history's name is another program's; "" where it is not.
    """

    engine: Engine
    schema: Schema
    broken: Mapping[ObjectId, str]
    version: int
    server_version: str
    foreign: str


def _read(url: DatabaseUrl) -> _Database:
    from schemaspec.engines.registry import engine_for
    from schemaspec.migrate.history import read
    from schemaspec.migrate.state import applied_versions
    from schemaspec.model.history import without_history

    engine = engine_for(url)
    connection = engine.connect(url, mode="read")
    try:
        whole = engine.introspect(connection)
        history = read(engine, connection, schema=whole)
        broken = engine.broken(connection, whole) if isinstance(engine, Breaks) else {}
        return _Database(
            engine=engine,
            schema=without_history(whole.only(id for id in whole.objects if id not in broken)),
            broken=broken,
            version=max(applied_versions(history), default=0) or 1,
            server_version=connection.server_version,
            foreign=history.foreign,
        )
    finally:
        connection.close()


def _may_write(target: Path, force: bool) -> None:
    if target.exists() and not force:
        raise InputError(f"{target} is there already", fix="name another file with -o, or overwrite it with --force")
    if not target.parent.is_dir():
        raise InputError(f"the folder {target.parent} does not exist", fix="make it first")


def _relative(url: DatabaseUrl, target: Path) -> str:
    """The URL as the spec shall have it: without its password, and a file by its path from the spec's folder."""
    from schemaspec.engines.registry import engine_for

    if not engine_for(url).features.file_based:
        return str(url).replace(":***@", ":${DATABASE_PASSWORD}@") if url.password else str(url)
    path = Path(url.database)
    folder = Path.cwd() if str(target) == "-" else target.parent.resolve()
    if path.resolve().is_relative_to(folder):
        return f"{url.scheme}:///{path.resolve().relative_to(folder)}"
    return f"{url.scheme}:///{path.resolve()}"


def _baseline(engine: Engine, schema: Schema, version: int) -> str:
    """The migration that makes all of it in an empty database: in an order that works, unlike that of the spec."""
    from schemaspec.plan.clone import copied
    from schemaspec.plan.proof import steps_between
    from schemaspec.spec.migrations_writer import write_baseline

    nothing = schema.only(())
    _, steps = steps_between(engine, nothing, copied(engine, schema))
    return write_baseline([statement.sql for step in steps for statement in step.statements], version=version)
