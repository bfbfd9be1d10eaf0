"""A database whose change needs rebuilds, the command that makes it, and what must be true wherever that was killed."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from schemaspec.backup.folder import WORK

DATABASE = "store.db"
SIDE_FILES = ("-journal", "-wal")  # what belongs to the database file after a crash
DIRECT = ("apply", "--direct", "--yes", "--allow", "all")
MIGRATE = ("apply", "--yes", "--allow", "all")

_TABLES = """
create table shelves (id integer primary key, name text not null unique);
create table goods (
  id integer primary key autoincrement,
  name text not null collate nocase,
  price real, -- in euros
  shelf_id integer references shelves(id) on delete set null,
  note text,
  stock integer default 0,
  check (stock >= 0)
);
create table lines (
  id integer primary key autoincrement,
  goods_id integer not null references goods(id) on delete cascade,
  amount integer not null default 1
);
create table log (id integer primary key, what text);
"""
_AROUND = """
create index goods_dear on goods (price desc) where price > 10;
create unique index goods_name on goods (name, shelf_id);
create index lines_goods on lines (goods_id);
create view dear as select id, name, price from goods where price > 10;
create view dear_lines as select dear.name, lines.amount from lines join dear on dear.id = lines.goods_id;
create trigger goods_gone after delete on goods begin insert into log (what) values ('gone ' || old.id); end;
create trigger goods_added after insert on goods begin insert into log (what) values ('added ' || new.name); end;
create trigger lines_touch after insert on lines begin update goods set stock = stock + 1 where id = new.goods_id; end;
"""
_ROWS = """
with recursive n(i) as (select 1 union all select i + 1 from n where i < 7)
  insert into shelves select i, 'shelf ' || i from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 80)
  insert into goods (name, price, shelf_id, note) select 'goods ' || i, i * 0.25, 1 + i % 7, hex(zeroblob(80)) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200)
  insert into lines (goods_id, amount) select 1 + i % 80, i from n;
delete from goods where id = 80;
"""

_SPEC = """
schemaspec: 1
database: sqlite:///${STORE}
tables:
  shelves: {columns: {id: integer primary key, name: text not null unique}}
  goods:
    columns:
      id: integer primary key autoincrement
      name: text not null collate nocase
      price: real not null default 0
      shelf_id: integer references shelves(id) on delete set null
      note: text
      stock: integer default 0
      discount: integer not null default 0
    checks: [stock >= 0]
    indexes:
      goods_dear: {on: price desc, where: price > 10}
      goods_name: {on: [name, shelf_id], unique: true}
    triggers:
      goods_gone: |
        create trigger goods_gone after delete on goods begin insert into log (what) values ('gone ' || old.id); end
      goods_added: |
        create trigger goods_added after insert on goods begin insert into log (what) values ('added ' || new.name); end
  lines:
    columns:
      id: integer primary key autoincrement
      goods_id: integer not null references goods(id) on delete cascade
      amount: integer not null default 1 check (amount > 0)
    indexes: {lines_goods: goods_id}
    triggers:
      lines_touch: |
        create trigger lines_touch after insert on lines begin update goods set stock = stock + 1 where id = new.goods_id; end
  log: {columns: {id: integer primary key, what: text}}
views:
  dear: select id, name, price from goods where price > 10
  dear_lines: select dear.name, lines.amount from lines join dear on dear.id = lines.goods_id
"""
MIGRATIONS = """
schemaspec: 1
migrations:
- {version: 1, description: What was there, baseline: true, up: create table shelves (id integer primary key), down: irreversible}
- version: 2
  description: Prices are known, and lines hold something
  up:
  - add_column: {table: goods, column: discount integer not null default 0}
  - alter_column: {table: goods, column: price real not null default 0}
  - alter_column: {table: lines, column: amount integer not null default 1 check (amount > 0)}
"""
# The first and the last are run with foreign keys enforced, the one between can't be: the lock is let go between them.
SEVERAL = """
schemaspec: 1
migrations:
- {version: 1, description: What was there, baseline: true, up: create table shelves (id integer primary key), down: irreversible}
- {version: 2, description: Discounts, up: [{add_column: {table: goods, column: discount integer not null default 0}}]}
- {version: 3, description: Prices, up: [{alter_column: {table: goods, column: price real not null default 0}}]}
- version: 4
  description: Lines
  up:
  - drop_index: {index: lines_goods, table: lines, on: goods_id}
  - create_index: {index: lines_goods, table: lines, on: goods_id}
- version: 5
  description: Amounts
  up: [{alter_column: {table: lines, column: amount integer not null default 1 check (amount > 0)}}]
"""


@dataclass(frozen=True)
class State:
    """What a database holds. Whole lines are compared, so that a failure shows what differs.

    Args:
        objects: type, name, table and text of everything in sqlite_schema but the history, with spelling taken away.
        tables: the columns of every table.
        rows: every row of every table, as a mapping.
        applied: version, status and progress of what the history holds.
        journal: the journal mode.
    """

    objects: tuple[tuple[str, ...], ...]
    tables: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, tuple[Mapping[str, object], ...]]
    applied: tuple[tuple[object, ...], ...]
    journal: str

    def digest(self, columns: Mapping[str, Sequence[str]]) -> str:
        """A hash over the rows of these columns."""
        found = {table: [[row[name] for name in names] for row in self.rows[table]] for table, names in columns.items()}
        return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


def look(database: Path) -> State:
    """Read a database with the bare driver, and ask the engine whether it is whole."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        faults = [*connection.execute("pragma integrity_check"), *connection.execute("pragma foreign_key_check")]
        assert faults == [("ok",)], f"damaged: {faults[:5]}"
        everything = connection.execute("select type, name, tbl_name, coalesce(sql, '') from sqlite_schema").fetchall()
        left = [name for _, name, table, _ in everything if "schemaspec" in f"{name} {table}".lower()]
        assert not left, f"left over: {left}"
        tables, rows = {}, {}
        for kind, name, _, _ in everything:
            if kind == "table" and name != "schema_version":
                cursor = connection.execute(f'select * from "{name}" order by 1')
                tables[name] = tuple(sorted(column[0] for column in cursor.description))
                rows[name] = tuple(dict(zip((column[0] for column in cursor.description), row, strict=True)) for row in cursor)
        has_history = any(name == "schema_version" for _, name, _, _ in everything)
        history = "select version, status, progress from schema_version order by id"
        return State(
            objects=tuple(sorted((*item[:3], _folded(item[3])) for item in everything if item[2] != "schema_version")),
            tables=tables,
            rows=rows,
            applied=tuple(connection.execute(history)) if has_history else (),
            journal=connection.execute("pragma journal_mode").fetchone()[0],
        )
    finally:
        connection.close()


def _folded(sql: str) -> str:
    return re.sub(r'--[^\n]*|[\s"]', "", sql).lower()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One command on one database.

    Args:
        folder: where the spec lies, and a folder for every database.
        environment: of the commands.
        arguments: the command.
        journal: `delete` or `wal`.
        page: bytes of a page.
        migrations: the text of migrations.yaml; "" for none.
    """

    folder: Path
    environment: Mapping[str, str]
    arguments: tuple[str, ...]
    journal: str
    page: int = 4096
    migrations: str = ""

    def prepare(self) -> None:
        """Write the files, and run the command once so that the cache holds what can be known of them."""
        (self.folder / "expected_schema.yaml").write_text(_SPEC)
        if self.migrations:
            (self.folder / "migrations.yaml").write_text(self.migrations)
        connection = sqlite3.connect(self.folder / "old.db", isolation_level=None)
        connection.execute(f"pragma page_size = {self.page}")
        connection.execute(f"pragma journal_mode = {self.journal}")
        connection.execute("pragma foreign_keys = on")
        connection.executescript(f"begin; {_TABLES} {_AROUND} {_ROWS} commit;")
        connection.close()
        database = self.fresh("new")
        assert self.run(database) == 0
        assert self.new.objects != self.old.objects
        assert self.new.digest(self.shared) == self.old.digest(self.shared), "the undisturbed run keeps all rows"
        assert self.run(database) == 0
        assert look(database) == self.new, "a second run changes nothing"

    def fresh(self, name: str) -> Path:
        """A copy of the old database in a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        return Path(shutil.copy(self.folder / "old.db", folder / DATABASE))

    @cached_property
    def old(self) -> State:
        """What the database holds at first."""
        return look(self.folder / "old.db")

    @cached_property
    def new(self) -> State:
        """What it holds after an undisturbed run."""
        return look(self.folder / "new" / DATABASE)

    @cached_property
    def shared(self) -> dict[str, tuple[str, ...]]:
        """The columns that are there before and after."""
        return {table: tuple(sorted({*names} & {*self.new.tables[table]})) for table, names in self.old.tables.items()}

    def command(self) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "schemaspec", *self.arguments]

    def surroundings(self, database: Path) -> dict[str, str]:
        """The environment in which it works on that database."""
        return {**self.environment, "STORE": str(database)}

    def run(self, database: Path, *before: str, command: Sequence[str] = ()) -> int:
        """Run the command to its end.

        Args:
            before: what starts it.
            command: another command.
        """
        done = subprocess.run(
            [*before, *(command or self.command())],
            cwd=self.folder,
            env=self.surroundings(database),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode > 0 and not before:
            raise AssertionError(f"exit code {done.returncode}: {done.stdout}{done.stderr}")
        return done.returncode

    def judge_crashed(self, database: Path, allowed: Sequence[State] = ()) -> State:
        """What a crash has left must be the old or the new state. A copy is looked at: looking mends."""
        copy = database.parent / "copy"
        copy.mkdir()
        for ending in ("", *SIDE_FILES):
            file = Path(f"{database}{ending}")
            if file.exists():
                shutil.copy(file, copy / file.name)
        state = look(copy / DATABASE)
        shutil.rmtree(copy)
        assert state.objects in [one.objects for one in (self.old, *allowed, self.new)], "neither the old nor the new schema"
        assert state in [self.old, *allowed, self.new], "neither the old nor the new rows or history"
        assert state.digest(self.shared) == self.old.digest(self.shared), "rows are not what they were"
        return state

    def judge_finished(self, database: Path) -> None:
        """After the next run all is as if nothing had happened, and nothing lies about."""
        endings = (*SIDE_FILES, "-shm")
        left = [path.name for path in database.parent.rglob("*") if path.name.endswith(endings) or path.name.startswith(WORK)]
        assert not left, f"left over: {left}"
        assert look(database) == self.new, "the next run did not lead to where an undisturbed one leads"

    def forget(self, database: Path) -> None:
        """Remove the folder of a database that was judged."""
        shutil.rmtree(database.parent)
