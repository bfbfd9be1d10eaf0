"""The whole road of a backup of a server's database: made, listed, verified, restored, pruned."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemaspec.backup.compression import plain_copy
from schemaspec.backup.retention import Retention
from schemaspec.backup.store import BackupStore
from schemaspec.engines.postgresql import ENGINE
from schemaspec.errors import DamagedError, InputError
from schemaspec.model.url import DatabaseUrl
from tests.engines.postgresql.databases import database, run
from tests.servers_postgresql import PrivateCluster

_SHOP = """
create table products (id int generated always as identity primary key, name text not null);
create table orders (id serial primary key, product_id int references products (id));
insert into products (name) select 'product ' || n from generate_series(1, 2000) n;
insert into orders (product_id) select n from generate_series(1, 10) n;
"""


class Clock:
    """What time it is."""

    now = datetime(2025, 12, 22, 21, 36, 57, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def shop(postgresql: PrivateCluster) -> Iterator[DatabaseUrl]:
    with database(postgresql, _SHOP) as url:
        yield url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(
    shop: DatabaseUrl, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, postgresql_client: None
) -> BackupStore:
    for name in ("KEY", "RECIPIENTS", "IDENTITY"):
        monkeypatch.delenv(f"SCHEMASPEC_BACKUP_{name}", raising=False)
    return BackupStore(ENGINE, shop, tmp_path / "backups", clock=clock)


@pytest.mark.parametrize("compress", [False, True])
def test_the_whole_road(store: BackupStore, shop: DatabaseUrl, clock: Clock, compress: bool) -> None:
    stages: set[str] = set()
    made = store.create(compress=compress, level="full", progress=lambda stage, done, total: stages.add(stage))
    assert stages >= {"copy", "verify", "compress" if compress else "checksum"}
    assert (made.status, made.reason, made.server_version) == ("verified", "", run(shop, "show server_version")[0][0].split()[0])  # type: ignore[attr-defined]
    assert dict(made.row_counts) == {"products": 2000, "orders": 10}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in store.folder.iterdir() if path.is_file())
    clock.now += timedelta(hours=2)
    assert [(backup.name, backup.age_hours) for backup in store.list()] == [(made.name, 2)]
    for level in ("fast", "default", "full"):
        assert store.verify("latest", level).limits == ""  # type: ignore[arg-type]
    with plain_copy(made.path) as plain, ENGINE.copier.open(plain, shop) as copy:
        assert copy.query("select count(*) from products") == [(2000,)]

    run(
        shop,
        "delete from orders; delete from products where id > 5; alter table orders add note text; create table extra (id int)",
    )
    restored = store.restore(made.name)
    assert (restored.tables, restored.note) == (2, "")
    assert run(shop, "select count(*), to_regclass('extra') from products") == [(2000, None)]
    assert run(shop, "insert into orders (product_id) values (1) returning id") == [(11,)]
    clock.now += timedelta(minutes=1)
    store.restore(restored.safety_copy)
    assert run(shop, "select count(*), 'extra'::regclass::text from products") == [(5, "extra")]
    log = [json.loads(line) for line in (store.folder / "restores.log").read_text().splitlines()]
    assert [line["backup"] for line in log] == [made.name, restored.safety_copy]

    clock.now += timedelta(days=30)
    gone = store.prune(Retention(days=7))
    assert {backup.name for backup in gone} == {made.name, restored.safety_copy}
    assert len(store.list()) == 1


def test_another_databases_backup_is_not_restored_by_mistake(store: BackupStore, postgresql: PrivateCluster) -> None:
    made = store.create()
    with database(postgresql) as empty, pytest.raises(InputError, match="of this database"):
        BackupStore(ENGINE, empty, store.folder).restore(made.name)


def test_a_changed_file_is_refused_before_the_database_is_touched(store: BackupStore, shop: DatabaseUrl) -> None:
    made = store.create()
    data = bytearray(made.path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    made.path.write_bytes(data)
    run(shop, "delete from orders")
    for attempt in (lambda: store.verify(made.name), lambda: store.restore(made.name, force=True)):
        with pytest.raises(DamagedError):
            attempt()
    assert run(shop, "select count(*) from products") == [(2000,)]
