"""How long statements take and locks stay, at sizes that are written down here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dbmigrate.domain.costs import (
    EASY_LOW,
    EXPRESSION_ROW,
    HIGH,
    INDEX_HIGH,
    KEY_HIGH,
    LOW,
    WRITES_HIGH,
    Model,
    heap,
    rows,
)
from dbmigrate.domain.effects import Act, Effects, Lock, Write
from dbmigrate.domain.prediction import Estimate, Wait, predict, total
from dbmigrate.domain.sizes import Size

ORDERS = "public.orders"
USERS = "public.users"
PAGE = 8192
SIZES = {
    ORDERS: Size(1_000_000, 100_000 * PAGE + 24_000_000, 24_000_000),
    USERS: Size(100_000, 1_000 * PAGE),
}
MODEL = Model(
    statement=0.0,
    scan_row=1e-6,
    scan_page=1e-5,
    rewrite_row=1e-5,
    rewrite_page=1e-4,
    index_row=1e-6,
    key_row=1e-6,
    write_row=1e-5,
    write_page=1e-4,
    entry_row=1e-6,
    memory_bytes=10**12,
)
BUILT = (("public.ix", ORDERS),)
SCAN, REWRITE, INDEX, WRITE = 2.0, 20.0, 1 + math.log2(1_000_000), 20.0 + 1.0


def estimate(
    sql: str = "ALTER TABLE orders …",
    sizes: Mapping[str, Size] = SIZES,
    existing: tuple[str, ...] = (ORDERS, USERS),
    model: Model = MODEL,
    **more: Any,
) -> Estimate:
    (found,) = predict([Effects(sql, **more)], sizes, existing, model)
    return found


def key(kind: str, text: str) -> dict[str, Any]:
    return {"acts": (Act(kind, ORDERS, f"{ORDERS}.fk", now=text),), "scans": (ORDERS,)}


FOREIGN_KEY = "FOREIGN KEY (user_id) REFERENCES users(id)"
LOOKED_UP = SCAN + 0.1 + 0.01

# What the statement did, and the middle of its prediction.
DONE = [
    ({"scans": (ORDERS,)}, SCAN),
    ({"rewrites": (ORDERS,), "scans": (ORDERS,)}, REWRITE),
    ({"rewrites": (ORDERS,), "scans": (ORDERS,), "builds": BUILT * 2}, REWRITE + 2 * INDEX),
    ({"sql": "CREATE INDEX ix ON orders (n)", "builds": BUILT, "scans": (ORDERS,)}, INDEX),
    ({"sql": "CREATE INDEX CONCURRENTLY ix ON t (n)", "autocommit": True, "builds": BUILT}, INDEX + SCAN),
    (key("add constraint", FOREIGN_KEY), LOOKED_UP),
    (key("validate constraint", FOREIGN_KEY), LOOKED_UP),
    ({**key("add constraint", FOREIGN_KEY), "scans": (ORDERS, USERS)}, LOOKED_UP),
    ({**key("add constraint", FOREIGN_KEY + " NOT VALID"), "scans": ()}, 0),
    (key("add constraint", "CHECK ((n > 0))"), SCAN),
    (key("set not null", ""), SCAN),
    (key("attach partition", ""), SCAN),
    ({"scans": ("public.new",), "rewrites": ("public.other_new",)}, 0),
    ({"truncates": (ORDERS,), "sql": "TRUNCATE orders"}, 0),
    ({"acts": (Act("drop table", ORDERS, ORDERS),), "locks": (Lock(ORDERS, "ACCESS EXCLUSIVE"),)}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("done", "middle"), DONE)
def test_work_is_counted_once_and_given_as_a_range(done: dict[str, Any], middle: float) -> None:
    found = estimate(**done)
    indexes = len(done.get("builds", ())) * INDEX
    hard = middle if middle == LOOKED_UP else min(middle, REWRITE) if "rewrites" in done else 0
    assert found.seconds_low == pytest.approx(LOW * hard + EASY_LOW * (middle - hard), rel=1e-3)
    most = KEY_HIGH if middle == LOOKED_UP else HIGH
    assert found.seconds_high == pytest.approx(most * (middle - indexes) + INDEX_HIGH * indexes, rel=1e-3)
    assert found.unsized == ()


def test_the_values_of_a_new_column_take_time() -> None:
    act = Act("add column", ORDERS, f"{ORDERS}.token", now="uuid DEFAULT gen_random_uuid()")
    found = estimate(rewrites=(ORDERS,), acts=(act,))
    assert found.seconds_low == LOW * REWRITE
    assert found.seconds_high == pytest.approx(HIGH * (REWRITE + EXPRESSION_ROW * 1_000_000))


# What a query did to the few seeded rows, and the middle; the lower end is 0 where it chooses its rows.
QUERIES = [
    ("UPDATE orders SET n = 1", {"writes": (Write(ORDERS, updated=3),)}, WRITE, True),
    ("UPDATE orders SET n = 1", {"scans": (ORDERS,)}, WRITE, True),
    ("UPDATE orders SET n = 1 WHERE n = 'a where'", {"writes": (Write(ORDERS, updated=1),)}, WRITE, False),
    ("UPDATE orders SET n = 'where limit' -- where", {"writes": (Write(ORDERS, updated=1),)}, WRITE, True),
    ("DELETE FROM orders", {"writes": (Write(ORDERS, deleted=3),), "scans": (ORDERS,)}, WRITE - 1, True),
    ("DELETE FROM orders WHERE n IS NULL", {}, WRITE - 1, False),
    ("SELECT count(*) FROM orders", {"scans": (ORDERS,)}, 0, True),
    ("INSERT INTO new SELECT * FROM orders", {"scans": (ORDERS,)}, WRITE - 1, True),
    ("INSERT INTO users VALUES (1)", {"writes": (Write(USERS, inserted=1),)}, 0, True),
    ("DO $$ BEGIN UPDATE orders SET n = 1; END $$", {"writes": (Write(ORDERS, updated=3),)}, WRITE, True),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "done", "middle", "surely"), QUERIES)
def test_a_query_is_taken_to_write_every_row(
    sql: str, done: dict[str, Any], middle: float, surely: bool
) -> None:
    read = SCAN if ("SELECT" in sql and done.get("scans")) else 0
    found = estimate(sql, **done)
    assert found.seconds_low == pytest.approx(LOW * middle + EASY_LOW * read if surely else 0, abs=0.01)
    assert found.seconds_high == pytest.approx(WRITES_HIGH * middle + HIGH * read, abs=0.01)


KEYS = {"index": {
    "public.pk": "CREATE UNIQUE INDEX pk ON public.orders USING btree (id)",
    "public.two": "CREATE UNIQUE INDEX two ON public.orders USING btree (n, id)",
    "public.part": "CREATE UNIQUE INDEX part ON public.orders USING btree (code) WHERE (n > 1)",
    "public.ix": "CREATE INDEX ix ON public.orders USING btree (name)",
}}  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "one"),
    [
        ("UPDATE orders SET n = 2 WHERE id = 5", True),
        ('UPDATE orders AS o SET n = 2 WHERE o."id" = %s', True),
        ("DELETE FROM orders WHERE id = CAST('5' AS bigint)", True),
        ("UPDATE orders SET n = 2 WHERE id > 5", False),
        ("UPDATE orders SET n = 2 WHERE id = other", False),
        ("UPDATE orders SET n = 2 WHERE name = 'x'", False),
        ("UPDATE orders SET n = 2 WHERE n = 5", False),
        ("UPDATE orders SET n = 2 WHERE code = 5", False),
        ("UPDATE orders SET n = 2", False),
    ],
)
def test_a_row_that_its_key_names_is_one_row(sql: str, one: bool) -> None:
    (found,) = predict([Effects(sql, writes=(Write(ORDERS, updated=1),))], SIZES, SIZES, MODEL, KEYS)
    assert (found.seconds_high == 0) is one


PARTS = {
    "relation": {"public.log": "p|p", "public.log_1": "r|p", ORDERS: "r|p", USERS: "r|p"},
}
OF_PARTS = [
    ("ALTER …", {**key("add constraint", FOREIGN_KEY), "scans": ("public.log", ORDERS, USERS)}, LOOKED_UP),
    ("ALTER TABLE log …", {"scans": ("public.log", ORDERS)}, SCAN),
    ("UPDATE log SET n = 1", {"scans": (ORDERS,), "writes": (Write(ORDERS, updated=1),)}, WRITE),
    ("UPDATE log SET n = 1", {"scans": (ORDERS,)}, WRITE),
    ("UPDATE log SET n = 1", {}, WRITE),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "done", "middle"), OF_PARTS)
def test_a_partitioned_table_is_not_counted_beside_its_partitions(
    sql: str, done: dict[str, Any], middle: float
) -> None:
    sizes = {**SIZES, "public.log": SIZES[ORDERS]}
    (found,) = predict([Effects(sql, **done)], sizes, sizes, MODEL, PARTS)
    low = EASY_LOW if middle == SCAN else LOW
    assert found.seconds_low == pytest.approx(low * middle)


def test_create_table_as_writes_what_it_reads() -> None:
    copied = estimate("CREATE TABLE new AS SELECT * FROM orders WHERE n > 5", scans=(ORDERS,))
    assert copied.seconds_high == pytest.approx(HIGH * SCAN + WRITES_HIGH * (WRITE - 1), rel=1e-3)


@pytest.mark.parametrize(
    ("text", "times"), [("USING gin (tags)", 4), ("USING gist (span)", 20), ("USING brin (n)", 1)]
)
def test_some_kinds_of_index_take_longer(text: str, times: int) -> None:
    act = Act("create index", ORDERS, "public.ix", now=f"CREATE INDEX ix ON public.orders {text}")
    found = estimate("CREATE INDEX …", builds=BUILT, acts=(act,))
    assert found.seconds_low == pytest.approx(EASY_LOW * INDEX, rel=1e-3)
    assert found.seconds_high == pytest.approx(times * INDEX_HIGH * INDEX, rel=1e-3)


def test_a_partial_index_may_hold_little() -> None:
    built = {"builds": BUILT}
    whole, part = (estimate(f"CREATE INDEX ix ON orders (n){more}", **built) for more in ("", " WHERE n > 1"))
    assert part.seconds_low == EASY_LOW * SCAN < whole.seconds_low
    assert part.seconds_high == whole.seconds_high


def test_an_unknown_size_has_no_upper_end() -> None:
    found = estimate(sizes={USERS: SIZES[USERS]}, **key("add constraint", FOREIGN_KEY))
    assert found.seconds_high is None and found.unsized == (ORDERS,)
    assert found.seconds_low == pytest.approx(LOW * 0.11)
    assert found.bucket == "unknown, no size"
    assert estimate("INSERT INTO users VALUES (1)", {}, writes=(Write(USERS, inserted=1),)).seconds_high


def test_what_may_lie_on_disk_widens_the_range() -> None:
    slow = replace(MODEL, memory_bytes=0, read_bytes_per_second=1e6)
    found = estimate(scans=(ORDERS,), model=slow)
    assert found.seconds_low == EASY_LOW * SCAN
    assert found.seconds_high == pytest.approx(HIGH * 819.2)
    fast = replace(slow, read_bytes_per_second=1e12)
    assert estimate(scans=(ORDERS,), model=fast).seconds_high == HIGH * SCAN


def test_a_statement_is_never_free() -> None:
    found = estimate(model=Model())
    assert found.seconds_low == 0 and found.seconds_high == Model().statement / LOW
    assert found.bucket == "under 0.1 s"


def test_a_lock_stays_to_the_end_of_its_transaction() -> None:
    statements = [
        Effects("ALTER TABLE users …", locks=(Lock(USERS, "ACCESS EXCLUSIVE"),)),
        Effects("ALTER TABLE orders …", locks=(Lock(ORDERS, "SHARE"),), scans=(ORDERS,)),
        Effects("UPDATE orders SET n = 1", writes=(Write(ORDERS, updated=1),)),
        Effects("CREATE INDEX CONCURRENTLY …", 0, True, (Lock(ORDERS, "SHARE"),), builds=BUILT),
        Effects("ALTER TABLE users …", 1, locks=(Lock(USERS, "ACCESS EXCLUSIVE"),)),
    ]  # fmt: skip
    found = list(predict(statements, SIZES, SIZES, MODEL))
    held = [(wait.relation, wait.seconds_high) for each in found for wait in each.waits]
    whole = pytest.approx(HIGH * SCAN + WRITES_HIGH * WRITE)
    assert held[:2] == [(USERS, whole), (ORDERS, whole)]
    assert held[2][1] == pytest.approx(INDEX_HIGH * INDEX + HIGH * SCAN, rel=1e-3)
    assert held[3] == (USERS, 0)
    assert [each.open_ended for each in found] == [False, False, False, True, False]


def test_going_back_to_a_savepoint_frees_a_lock() -> None:
    statements = [
        Effects("ALTER TABLE users …", locks=(Lock(USERS, "ACCESS EXCLUSIVE"),), undone=True),
        Effects("ALTER TABLE orders …", locks=(Lock(ORDERS, "SHARE"),), scans=(ORDERS,)),
    ]
    first, second = predict(statements, SIZES, SIZES, MODEL)
    assert first.waits[0].seconds_high == 0
    assert second.waits[0].seconds_high == HIGH * SCAN


def test_a_lock_has_no_end_where_a_later_statement_has_none() -> None:
    first = Effects("ALTER …", locks=(Lock(USERS, "SHARE"),))
    found = list(predict([first, Effects("ALTER …", scans=("public.x",))], SIZES, {"public.x"}, MODEL))
    assert found[0].waits == (Wait(USERS, "SHARE", 0.0, None),)
    assert total([]) == (0, 0)


def test_a_wait_says_who_waits() -> None:
    assert Wait(USERS, "SHARE", 0, 70).blocks == "inserts, updates and deletes"
    assert Wait(USERS, "SHARE", 0, 70).bucket == "minutes"
    assert Wait(USERS, "ROW EXCLUSIVE", 0, 1).blocks is None


def test_bytes_are_the_tables_own() -> None:
    whole = heap(SIZES[ORDERS])
    rewrite = estimate(rewrites=(ORDERS,))
    assert (rewrite.rewritten_bytes, rewrite.wal_bytes, rewrite.disk_bytes) == (whole, whole, whole)
    index = estimate(builds=BUILT)
    assert index.rewritten_bytes < index.disk_bytes < index.wal_bytes
    assert estimate(scans=(ORDERS,)).disk_bytes == 0
    assert estimate("UPDATE orders SET n = 1").wal_bytes > 2 * whole


def test_rows_that_nobody_counted_are_guessed_by_bytes() -> None:
    assert rows(Size(0, 1_000_000, 200_000)) == 8_000
    assert rows(Size(7, 1_000_000)) == 7


def test_coefficients_are_read_with_care() -> None:
    assert Model.from_json({"scan_row": 1, "memory_bytes": 5}) == Model(scan_row=1, memory_bytes=5)
    assert Model.from_json(MODEL.to_json()) == MODEL
    for wrong, said in [
        ({"speed": 1}, "'speed' is none of statement, scan_row"),
        ({"scan_row": "1"}, "'scan_row' must be a number of 0 or more, not '1'"),
        ({"scan_row": True}, "not True"),
        ({"scan_row": -1}, "not -1"),
        ({"scan_row": math.inf}, "not inf"),
        ({"read_bytes_per_second": 0}, "must be more than 0"),
    ]:
        with pytest.raises(ValueError, match=said):
            Model.from_json(wrong)
