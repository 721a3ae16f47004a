"""What a revision will ask of the live database, foretold from its evidence."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.evidences import seen

from dbmigrate.domain.blockers import (
    CONFLICTS,
    MUCH_WAL,
    YOUNG_SECONDS,
    YOUNG_SNAPSHOT_SECONDS,
    Blocker,
    Wanted,
    endable,
    foretell,
    replica_blocker,
    session_text,
    slot_blocker,
    told,
    waits_for,
)
from dbmigrate.domain.effects import LOCK_MODES, Act, Effects, Lock
from dbmigrate.domain.sizes import Size

ALTER = Effects("ALTER TABLE a ADD b text", locks=(Lock("public.a", "ACCESS EXCLUSIVE"),))
SESSION: dict[str, Any] = {
    "pid": 7, "name": "web", "owner": "app", "held": "AccessShareLock on public.a", "age": 90.4,
    "query_age": 12.0, "state": "active", "query": "SELECT\n  1",
}  # fmt: skip


def concurrent(mode: str = "SHARE UPDATE EXCLUSIVE") -> Effects:
    sql = "CREATE INDEX CONCURRENTLY x ON a (b)"
    return Effects(sql, autocommit=True, locks=(Lock("public.a", mode),), builds=(("public.x", "public.a"),))


def test_conflicts_are_mutual() -> None:
    assert {*CONFLICTS} == {*LOCK_MODES}
    assert all(one in CONFLICTS[other] for one in LOCK_MODES for other in CONFLICTS[one])


def test_each_relation_is_asked_for_what_conflicts_with_any_of_its_locks() -> None:
    weaker = Effects("CREATE INDEX x ON a (b)", locks=(Lock("public.a", "SHARE"), Lock("public.c", "SHARE")))
    found = foretell(seen(statements=(weaker, ALTER)), "upgrade")
    assert found.wanted == (
        Wanted("public.a", CONFLICTS["ACCESS EXCLUSIVE"]),
        Wanted("public.c", CONFLICTS["SHARE"]),
    )
    assert not found.snapshots and found.wanted[0].seconds == YOUNG_SECONDS


def test_concurrently_waits_for_writers_and_snapshots_and_outwaits_the_short() -> None:
    found = foretell(seen(statements=(concurrent(),)), "upgrade")
    (wanted,) = found.wanted
    assert found.snapshots and wanted.seconds == YOUNG_SNAPSHOT_SECONDS
    assert "ROW EXCLUSIVE" in wanted.modes and "SHARE UPDATE EXCLUSIVE" in wanted.modes
    assert "ACCESS SHARE" not in wanted.modes


def test_the_log_that_it_writes_counts() -> None:
    sizes = {"public.a": Size(10**7, 10**9)}
    assert foretell(seen(statements=(concurrent(),)), "upgrade", sizes).wal_bytes > MUCH_WAL
    assert foretell(seen(statements=(concurrent(),)), "upgrade").wal_bytes < MUCH_WAL


def test_the_way_down_locks_what_the_way_up_locked_or_made() -> None:
    made = Effects("CREATE TABLE c ()", acts=(Act("create table", "public.c", "public.c", now=""),))
    found = foretell(seen(statements=(ALTER, made)), "downgrade")
    assert [(each.relation, each.modes) for each in found.wanted] == [
        ("public.a", LOCK_MODES),
        ("public.c", LOCK_MODES),
    ]
    gentle = foretell(seen(statements=(ALTER,), down_sql=("DROP INDEX CONCURRENTLY x",)), "downgrade")
    assert gentle.snapshots and gentle.wanted[0].modes == CONFLICTS["SHARE UPDATE EXCLUSIVE"]


def test_nothing_locked_asks_for_nothing() -> None:
    assert foretell(seen(), "upgrade").wanted == foretell(seen(), "downgrade").wanted == ()


@pytest.mark.parametrize(
    ("statement", "mode"),
    [
        ("ALTER TABLE a ADD b text", "ACCESS EXCLUSIVE"),
        ("DROP INDEX x", "ACCESS EXCLUSIVE"),
        ("create unique index x ON a (b)", "SHARE"),
        ("CREATE INDEX CONCURRENTLY x ON a (b)", "SHARE UPDATE EXCLUSIVE"),
        ("ALTER TABLE a VALIDATE CONSTRAINT c", "SHARE UPDATE EXCLUSIVE"),
        ("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c", "SHARE ROW EXCLUSIVE"),
        ("UPDATE a SET b = 1", "EXCLUSIVE"),
    ],
)
def test_what_a_statement_waits_for(statement: str, mode: str) -> None:
    assert waits_for(statement) == CONFLICTS[mode]


def test_a_session_in_one_line() -> None:
    assert session_text(SESSION, "migrator") == (
        "pid 7 (web) of app [AccessShareLock on public.a], in a transaction for 90 s, "
        "active for 12 s: SELECT 1"
    )
    hidden = session_text({**SESSION, "age": None, "name": "", "held": ""}, "migrator")
    assert hidden == "pid 7 (no name) of app, more with: GRANT pg_read_all_stats TO migrator"
    assert len(session_text({**SESSION, "query": "x" * 5000}, "m")) < 250


@pytest.mark.parametrize(
    ("active", "kept", "most", "writes", "words"),
    [
        (True, 10**9, None, 10**12, None),
        (True, 10**9, 3 * 10**9, 10**9, None),
        (True, 10**9, 3 * 10**9, 5 * 10**9, "5 GB more would pass max_slot_wal_keep_size"),
        (False, 10**9, None, MUCH_WAL - 1, None),
        (False, 10**9, None, MUCH_WAL, "is inactive and keeps 1 GB"),
    ],
)
def test_slots(active: bool, kept: int, most: int | None, writes: int, words: str | None) -> None:
    found = slot_blocker("cdc", active, kept, most, writes)
    assert (found is None) is (words is None)
    assert found is None or (words in found.text and "slot cdc" in found.text and not found.endable)


def test_many_are_told_as_ten_and_a_number() -> None:
    many = [replica_blocker(f"r{number}", 40.0) for number in range(13)]
    assert told(many).endswith("replica r9 is 40 s behind; and 3 others")
    assert told(many[:2]) == "replica r0 is 40 s behind; replica r1 is 40 s behind"


def test_only_sessions_are_ended() -> None:
    session, vacuum = Blocker("lock", "a", 1, "3/4", True), Blocker("vacuum", "b", 2, "3/5")
    assert list(endable([session, vacuum, replica_blocker("r", 40.0)])) == [session]
