"""Reports to render in tests: one that passes, one where every kind of thing is wrong, one full of attacks."""

from __future__ import annotations

from datetime import UTC, datetime

from schemaspec.model.position import Position
from schemaspec.model.report import CheckResult, Finding, MigrationStatus, Report

STARTED = datetime(2026, 1, 14, 9, 30, tzinfo=UTC)
CHECKS = (
    ("file", "File Exists", "store.db, 152.0 KiB"),
    ("integrity", "Database Integrity", "The database's structures are whole"),
    ("tables", "Tables Exist", "All 15 expected tables found"),
    ("columns", "Column Definitions", "15 tables, 97 columns match"),
    ("data_integrity", "Data Integrity", "17 foreign keys, 9 rules hold"),
    ("versions", "Schema Versions", "All 5 migrations applied"),
    ("counts", "Data Counts", "4 row counts as expected"),
    ("constraints", "Constraints", "All 61 constraints match"),
    ("indexes", "Indexes", "All 12 indexes match"),
    ("views", "Views", "The view matches"),
    ("triggers", "Triggers", "The trigger matches"),
)
TABLES = (
    "addresses",
    "admin_users",
    "cart_items",
    "catalog_images",
    "categories",
    "coupons",
    "order_items",
    "orders",
    "product_images",
    "products",
    "regions",
    "schema_version",
    "stock_movements",
    "suppliers",
    "users",
)
STEPS = (
    "Initial schema with all tables and columns",
    "Add MRP column to products",
    "Add size column to products",
    "Add catalog_images for the hero carousel",
    "Add product_images for the product gallery",
)
PLAN = "run `schemaspec plan` to see the statements that mend it, or write into the spec what the database has"


def passing() -> Report:
    """Everything as it should be."""
    return _report(
        tuple(CheckResult(id=id, name=name, status="pass", message=message) for id, name, message in CHECKS),
        tuple(_step(number, text, "applied") for number, text in enumerate(STEPS, 1)),
    )


def failing() -> Report:
    """Failures, an error, warnings and a skipped check."""
    results = {check.id: check for check in passing().checks}
    results["tables"] = CheckResult(
        id="tables", name="Tables Exist", status="fail", message="1 of 15 expected tables is missing", findings=(MISSING,)
    )
    results["columns"] = CheckResult(
        id="columns", name="Column Definitions", status="fail", message="2 of 90 columns differ", findings=(TYPE, EXTRA)
    )
    results["integrity"] = CheckResult(
        id="integrity", name="Database Integrity", status="error", message="database disk image is malformed"
    )
    results["counts"] = CheckResult(
        id="counts", name="Data Counts", status="warn", message="1 of 4 row counts is off", findings=(COUNT,)
    )
    results["views"] = CheckResult(id="views", name="Views", status="fail", message="1 view differs", findings=(VIEW,))
    results["triggers"] = CheckResult(id="triggers", name="Triggers", status="skip", message="left out by --skip")
    steps = [_step(number, text, "applied") for number, text in enumerate(STEPS, 1)]
    steps[3] = MigrationStatus(
        version=4,
        description=STEPS[3],
        status="edited",
        applied_at="2026-01-09 10:00:04 UTC",
        position=Position("migrations.yaml", 61, 5),
        message="its text is not what was applied",
    )
    steps.append(MigrationStatus(version=6, description="Add discount_percent column to products", status="pending"))
    return _report(tuple(results.values()), tuple(steps))


MISSING = Finding(
    code="table.missing",
    severity="fail",
    object="coupons",
    message="table coupons is missing",
    expected="7 columns: id, code, percent, starts_at, ends_at, uses, active",
    where=Position("specs/orders.yaml", 71, 3),
    fix="run `schemaspec apply`, or `schemaspec plan` to see the statements",
)
TYPE = Finding(
    code="column.type",
    severity="fail",
    object="products.price",
    message="column products.price: type is TEXT, expected REAL",
    expected="REAL",
    actual="TEXT",
    where=Position("specs/catalog.yaml", 12, 7),
    fix=PLAN,
)
EXTRA = Finding(
    code="column.extra",
    severity="warn",
    object="users.nickname",
    message="column users.nickname is not in the spec",
    actual="TEXT DEFAULT ''",
    where=Position("specs/people.yaml", 4, 3),
    fix="declare it in the spec, or drop it: `schemaspec plan` shows the statement",
)
COUNT = Finding(
    code="rows.count",
    severity="warn",
    object="regions",
    message="regions has 28 rows, expected 30",
    expected="30",
    actual="28",
    where=Position("specs/people.yaml", 40, 5),
)
VIEW = Finding(
    code="view.definition",
    severity="fail",
    object="products_for_sale",
    message="view products_for_sale: definition differs",
    expected="SELECT id, name, price, mrp, size, stock\nFROM products\nWHERE status = 'active' AND stock > 0",
    actual="SELECT id, name, price\nFROM products\nWHERE status = 'active'",
    where=Position("specs/catalog.yaml", 88, 3),
    fix=PLAN,
)


def hostile(text: str) -> Report:
    """The text in every place that comes from a database or a file."""
    finding = Finding(
        code="table.missing",
        severity="fail",
        object=text,
        message=text,
        expected=text,
        actual=text,
        where=Position(text, 3, 5),
        fix=text,
    )
    checks = (
        CheckResult(id="tables", name="Tables Exist", status="fail", message=text, findings=(finding,)),
        CheckResult(id="views", name="Views", status="error", message=text),
        CheckResult(id="triggers", name="Triggers", status="skip", message=text),
    )
    step = MigrationStatus(
        version=1, description=text, status="edited", applied_at=text, position=Position(text, 1, 1), message=text
    )
    return Report(
        command="check",
        title=text,
        database=text,
        engine="sqlite",
        server_version=text,
        started_at=STARTED,
        duration_ms=41,
        checks=checks,
        counts={text: 3},
        migrations=(step,),
    )


def _step(number: int, text: str, status: str) -> MigrationStatus:
    return MigrationStatus(
        version=number,
        description=text,
        status=status,  # type: ignore[arg-type]
        applied_at=f"2026-01-{5 + number:02} 10:00:0{number} UTC",
        position=Position("migrations.yaml", number * 12, 5),
    )


def _report(checks: tuple[CheckResult, ...], steps: tuple[MigrationStatus, ...]) -> Report:
    rows = {"products": 8, "regions": 30, "users": 1, "admin_users": 1, "schema_version": 5, "categories": 6, "catalog_images": 3}
    return Report(
        command="check",
        title="Grocery shop",
        database="sqlite:///store.db",
        engine="sqlite",
        server_version="3.40.1",
        started_at=STARTED,
        duration_ms=41,
        checks=checks,
        counts={table: rows.get(table, 0) for table in TABLES},
        migrations=steps,
    )
