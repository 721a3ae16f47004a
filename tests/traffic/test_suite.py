"""The standard suite while an application works: nothing fails, and nothing waits longer than the budget."""

from __future__ import annotations

from pathlib import Path

from benchmarks.samples import told
from benchmarks.traffic import LOCK_BUDGET_MS, OURS, trial
from tests.traffic.conftest import ROWS

from dbmigrate_local.embedded import EmbeddedPostgres

ARRIVED = {
    "the column, backfilled": "SELECT count(*) > 0 AND bool_and(channel = 'web') FROM orders WHERE id <= "
    + str(ROWS),
    "the constant default": "SELECT bool_and(priority = 0) FROM orders",
    "the volatile default": "SELECT count(*) = count(DISTINCT token) FROM items",
    "the index": "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_placed_at'::regclass",
    "the constraints": """SELECT count(*) = 3 AND bool_and(convalidated) FROM pg_constraint
        WHERE conname IN ('orders_reference', 'items_order', 'orders_amount')""",
    "NOT NULL": """SELECT attnotnull FROM pg_attribute
        WHERE attrelid = 'orders'::regclass AND attname = 'status'""",
    "the type": """SELECT atttypid = 'bigint'::regtype FROM pg_attribute
        WHERE attrelid = 'items'::regclass AND attname = 'quantity'""",
    "the partition": "SELECT relispartition FROM pg_class WHERE oid = 'events_february'::regclass",
    "the names": """SELECT array_agg(attname::text ORDER BY attnum) = '{id,email,city,full_name}'
        FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attnum > 0 AND NOT attisdropped""",
    "the column that went": """SELECT count(*) = 0 FROM pg_attribute
        WHERE attrelid = 'orders'::regclass AND attname = 'legacy'""",
    "no trigger of ours": "SELECT count(*) = 0 FROM pg_trigger WHERE NOT tgisinternal",
    "no INVALID index": "SELECT bool_and(indisvalid) FROM pg_index",
}


def test_the_application_does_not_notice_the_standard_suite(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """The machine itself may have a request wait as long as it did before, when nothing was migrated."""
    found = trial(server, tmp_path, OURS, ROWS, quiet=10)
    said, quiet = told(found.samples), told(found.quiet)
    assert not found.gave_up
    assert (said["failed"], said["errors"]) == (0, {})
    assert said["worst_stall_ms"] <= 1.5 * LOCK_BUDGET_MS + quiet["worst_stall_ms"]
    arrived = {what: server.execute(query, OURS)[0][0] for what, query in ARRIVED.items()}
    assert arrived == dict.fromkeys(ARRIVED, True)
