"""What runs outside of transactions holds nobody up either, and what is many statements ends in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.adapters.project import Project, concurrently, connected, move, rows, until
from tests.longer.conftest import Invocation

from dbmigrate.domain.errors import RevisionFailed

NOTE = "op.execute(\"INSERT INTO limits SELECT current_setting('lock_timeout')\")"
MOST_STALL = (
    0.5  # seconds: the budget of 0.1 with what a busy machine adds; unheeded, the reader's whole time
)
READS = 1.5
HELD = (
    "SELECT 1 FROM pg_locks WHERE relation = '{}'::regclass AND NOT granted AND mode = 'AccessExclusiveLock'"
)


@pytest.fixture
def partitioned(table: Project, invocation: Invocation, database: str) -> Iterator[Project]:
    move(invocation(None), table.history())
    with connected(database) as other:
        other.run("CREATE TABLE p (id int) PARTITION BY LIST (id)")
        other.run("CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)")
        yield table


@pytest.mark.parametrize(
    ("read", "statement", "proof"),
    [
        ("one", "ALTER TABLE one ADD COLUMN more int", "SELECT count(more) FROM one"),
        ("p1", "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", "SELECT count(*) FROM pg_inherits"),
    ],
)
def test_nobody_stands_long_behind_what_runs_outside_of_transactions(
    partitioned: Project, invocation: Invocation, database: str, read: str, statement: str, proof: str
) -> None:
    history = partitioned.add("b2", "a1", concurrently(statement)).history()
    worst: list[float] = []
    ended = threading.Event()

    def application(holder: Any) -> None:
        with connected(database) as session:
            until(lambda: session.run(HELD.format(read)))
            since = time.perf_counter()
            while not ended.is_set():
                began = time.perf_counter()
                session.run(f"SELECT count(*) FROM {read}")
                worst.append(time.perf_counter() - began)
                if holder and time.perf_counter() - since > READS:
                    holder.run("COMMIT")
                    holder = None

    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run(f"SELECT * FROM {read}")
        thread = threading.Thread(target=application, args=(holder,))
        thread.start()
        try:
            move(invocation(None), history, "b2")
        finally:
            ended.set()
            thread.join()
    assert rows(database, proof) == [(0,)]
    assert len(worst) > 10 and max(worst) < MOST_STALL


def test_many_short_statements_end_with_the_invocation(
    table: Project, invocation: Invocation, database: str
) -> None:
    move(invocation(None), table.history())
    code = "op.execute('DELETE FROM one')\nfor _ in range(100):\n    op.execute('SELECT pg_sleep(0.1)')"
    began = time.monotonic()
    with pytest.raises(RevisionFailed, match="invocation's time was over"):
        move(invocation(1.5), table.add("b2", "a1", code).history(), "b2")
    assert time.monotonic() - began < 5
    assert rows(database, "SELECT count(*) FROM one") == [(1000,)]
    assert invocation(None).look().unfinished == []


@pytest.mark.parametrize(
    ("before", "lock"), [("pass", "100ms"), ("op.execute('SET lock_timeout = 70')", "70ms")]
)
def test_in_autocommit_a_lock_is_waited_for_no_longer(
    table: Project, invocation: Invocation, database: str, before: str, lock: str
) -> None:
    table.add("b2", "a1", "CREATE TABLE limits (lock text)")
    code = f"with op.get_context().autocommit_block():\n    {before}\n    {NOTE}"
    move(invocation(None), table.add("c3", "b2", code).history())
    assert rows(database, "SELECT lock FROM limits") == [(lock,)]


def test_a_vacuum_has_patience(table: Project, invocation: Invocation, database: str) -> None:
    note = "cursor.execute(\"INSERT INTO limits SELECT current_setting('lock_timeout')\")"
    code = (
        "with op.get_context().autocommit_block():\n"
        "    op.execute('VACUUM one')\n"
        "    cursor = op.get_bind().connection.cursor()\n"
        f"    {note}"
    )
    table.add("b2", "a1", "CREATE TABLE limits (lock text)")
    move(invocation(None), table.add("c3", "b2", code).history())
    assert rows(database, "SELECT lock FROM limits") == [("10min",)]


SLOW = "op.execute('CREATE TABLE slow AS SELECT 1 AS n FROM pg_sleep(0.3)')"


@pytest.mark.parametrize(
    ("before", "least", "most"),
    [
        (SLOW, 250, 700),
        ("op.execute('SELECT pg_sleep(0.3)')", 1000, 1000),
        (f"op.execute('SET LOCAL lock_timeout = 770')\n{SLOW}", 770, 770),
        (f"{SLOW}\nwith op.get_context().autocommit_block():\n    pass", 1000, 1000),
    ],
    ids=["a lock was held", "none was", "its own limit", "in a transaction before"],
)
def test_in_one_transaction_the_locks_share_the_budget(
    table: Project, invocation: Invocation, database: str, before: str, least: int, most: int
) -> None:
    table.add("b2", "a1", "CREATE TABLE limits (lock text)")
    move(invocation(None, lock=1000), table.add("c3", "b2", f"{before}\n{NOTE}").history())
    ((told,),) = rows(database, "SELECT extract(epoch FROM lock::interval)::float8 * 1000 FROM limits")
    assert least <= round(told) <= most
