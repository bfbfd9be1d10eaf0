"""What `new` writes where a table has to be rebuilt: the operation that says it, if that is seen to lead there and back."""

from __future__ import annotations

import yaml

from tests.shop import Shop


def _written(shop: Shop) -> dict[str, object]:
    ran = shop("new", "A change")
    assert ran.code == 0, ran.all
    entries = yaml.safe_load((shop.path / "migrations.yaml").read_text())["migrations"]
    found: dict[str, object] = entries[-1]
    tested = shop("test")
    assert tested.code == 0, tested.all
    return found


def test_one_change_is_one_operation_in_the_words_of_the_spec(shop: Shop) -> None:
    shop.edit("specs/people.yaml", "      phone: label\n", "      phone: label not null default '?'\n")
    entry = _written(shop)
    assert entry["up"] == [{"alter_column": {"table": "users", "column": "phone label not null default '?'"}}]
    assert entry["down"] == [{"alter_column": {"table": "users", "column": "phone text"}}]
    assert shop("apply", "--yes").code == 0
    assert shop("check").code == 0
    assert shop("rollback", "--yes").code == 0


def test_the_ends_of_lines_stay_as_they_are(shop: Shop) -> None:
    file = shop.path / "migrations.yaml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    shop.edit("specs/people.yaml", "      phone: label\n", "      phone: label not null default '?'\n")
    _written(shop)
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")


def test_several_changes_of_a_table_are_one_operation(shop: Shop) -> None:
    shop.edit("specs/people.yaml", "      phone: label\n", "      phone: label not null default '?' check (phone <> '')\n")
    shop.edit("specs/people.yaml", "    unique: [[email]]\n", "    unique: [[email, phone]]\n")
    entry = _written(shop)
    assert entry["up"] == [
        {
            "alter_table": {
                "table": "users",
                "changes": [
                    {"drop_constraint": {"unique": ["email"]}},
                    {"alter_column": {"column": "phone label not null default '?' check (phone <> '')"}},
                    {"add_unique": {"columns": ["email", "phone"]}},
                ],
            }
        }
    ]
    assert shop("apply", "--yes").code == 0
    assert shop("check").code == 0


def test_an_operation_says_it_too_beside_what_the_spec_lets_live(shop: Shop) -> None:
    first = """
  - version: 6
    description: What another program keeps here
    up:
      - alter table users add column theirs text
      - create index users_theirs on users(theirs)
      - create view their_users as select theirs from users
    down: irreversible
"""
    file = shop.path / "migrations.yaml"
    file.write_text(file.read_text() + first)
    shop.edit("expected_schema.yaml", "extra: fail", "extra: ignore")
    shop.edit("specs/people.yaml", "      phone: label\n", "      phone: label not null default '?'\n")
    entry = _written(shop)
    assert entry["up"] == [{"alter_column": {"table": "users", "column": "phone label not null default '?'"}}]
    assert shop("apply", "--yes").code == 0
    assert shop("check").code == 0
    assert shop("rollback", "--yes").code == 0


def test_what_no_operation_says_stays_sql(shop: Shop) -> None:
    shop.edit("specs/people.yaml", "  admin_users:\n", "  admin_users:\n    options: {strict: true}\n")
    entry = _written(shop)
    assert any("STRICT" in str(statement).upper() for statement in entry["up"])  # type: ignore[attr-defined]
    assert shop("apply", "--yes").code == 0
    assert shop("check").code == 0
