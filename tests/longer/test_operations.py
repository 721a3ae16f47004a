"""Safe operations under invocations that are shorter than they are."""

from __future__ import annotations

from collections.abc import Callable

import pg8000.native
import pytest
from tests.adapters.project import Project, connected, move, rows
from tests.longer.conftest import Invocation

from dbmigrate.domain.errors import LockNotFree, LockNotFreeMidway, RevisionHalfApplied, WorkContinues
from dbmigrate.domain.progress import Progress

VALID = "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE relname = 'ix_note'"


def test_an_operation_s_build_is_adopted_too(
    table: Project,
    old_snapshot: Callable[[], None],
    invocation: Invocation,
    database: str,
    seen: list[Progress],
) -> None:
    history = table.add("b2", "a1", "op.create_index_concurrently('ix_note', 'one', ['note'])").history()
    for _ in range(2):
        with pytest.raises(WorkContinues):
            move(invocation(30, slice=1.5), history, "b2")
    assert rows(database, VALID) == [(False,)]
    assert {each.operation for each in seen} >= {"create_index_concurrently"}
    assert "create_index_concurrently" in {each.progress.operation for each in invocation(None).unfinished()}
    old_snapshot()
    move(invocation(None), history, "b2")
    assert rows(database, VALID) == [(True,)]
    assert rows(database, "SELECT count(*) FROM dbmigrate.work") == [(0,)]


def test_a_backfill_goes_on_in_slices(
    table: Project, invocation: Invocation, database: str, seen: list[Progress]
) -> None:
    move(invocation(None), table.history())
    with connected(database) as other:
        other.run("INSERT INTO one SELECT n, '' FROM generate_series(1001, 200000) n")
    history = table.add("b2", "a1", "op.backfill('one', {'note': \"note || '!'\"})").history()
    slices = 0
    while invocation(None).current() == ("a1",):
        try:
            move(invocation(60, slice=0.15), history, "b2")
        except WorkContinues as continues:
            slices += 1
            assert continues.wait == 0
    assert slices >= 2
    counted = "SELECT count(*), count(*) FILTER (WHERE note LIKE '%!' AND note NOT LIKE '%!!') FROM one"
    assert rows(database, counted) == [(200000, 200000)]
    done = [each.rows_done for each in seen if each.operation == "backfill" and each.rows_done is not None]
    assert done == sorted(done)


def test_a_step_without_its_lock_is_midway_only_behind_others(
    table: Project, invocation: Invocation, database: str
) -> None:
    code = "op.add_check('positive', 'one', 'id > 0')\nop.set_not_null('one', 'note')"
    history = table.add("b2", "a1", code).history()
    move(invocation(None), history, "a1")
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run("LOCK one IN ACCESS SHARE MODE")
        with pytest.raises(LockNotFree, match="somebody else") as first:
            move(invocation(None), history)
        assert not isinstance(first.value, LockNotFreeMidway)
        holder.run("COMMIT")
        move_until_second(invocation, table, holder)
    move(invocation(None), history)
    assert rows(database, "SELECT count(*) FROM dbmigrate.work") == [(0,)]


def move_until_second(invocation: Invocation, table: Project, holder: pg8000.native.Connection) -> None:
    """The first operation passes; then rows break the second, so that the first stands."""
    holder.run("UPDATE one SET note = NULL WHERE id = 3")
    with pytest.raises(RevisionHalfApplied, match="(?s)set_not_null.*add_check one positive: done"):
        move(invocation(None), table.history())
    holder.run("UPDATE one SET note = '' WHERE id = 3")
    holder.run("BEGIN")
    holder.run("LOCK one IN ACCESS SHARE MODE")
    with pytest.raises(LockNotFreeMidway):
        move(invocation(None), table.history())
    holder.run("COMMIT")
