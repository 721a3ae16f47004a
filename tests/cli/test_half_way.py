"""A revision that was cut: whatever is typed next is refused or goes on, and what is said of it is true."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.adapters.project import until
from tests.cli.cases import query, run, write_revision
from tests.cli.test_pause import BIG, FILL, ROWS, done
from tests.cli.test_stop import Deploy

ONCE = [[1, 1, ROWS]]


@pytest.fixture
def cut(database: str, history: Path) -> Path:
    """The file of revision 0005, which died in the middle of its backfill."""
    write_revision(history, "0004", "0003", BIG, 'op.execute("DROP TABLE big")')
    assert run("--database", database, "deploy").code == 0
    path = write_revision(history, "0005", "0004", FILL)
    _signalled(Deploy(database), database, signal.SIGKILL)
    return path


def _signalled(deploy: Deploy, database: str, what: signal.Signals) -> tuple[int, str]:
    try:
        until(lambda: done(database) > 0)
        os.kill(deploy.process.pid, what)
        return deploy.end()
    finally:
        deploy.kill()


def test_nothing_else_moves_before_it_is_done(cut: Path, database: str, history: Path) -> None:
    refused = run("--database", database, "rollback")
    assert refused.code == 4 and "Revision 0005 was cut and is neither done nor undone" in refused.err
    assert "deploy goes on where it stopped" in refused.err

    text = cut.read_text()
    cut.unlink()
    for other in (False, True):  # at the head, and with another branch's revision instead
        if other:
            write_revision(history, "0006", "0004", 'op.execute("SELECT 1")')
        refused = run("--database", database, "deploy")
        assert refused.code == 4 and "bring the file of revision 0005 back" in refused.err
    # The server may end the killed session later than its process.
    until(lambda: not query(database, "SELECT FROM pg_locks WHERE locktype = 'advisory'"))
    for command in ("status", "check"):
        assert "bring the file of revision 0005 back" in run("--database", database, command).err

    next(history.glob("versions/*0006*")).unlink()
    cut.write_text(text)
    assert run("--database", database, "deploy").code == 0
    assert query(database, "SELECT min(done), max(done), count(*) FROM big") == ONCE


def test_check_names_it_and_the_way_on(cut: Path, database: str) -> None:
    answer = run("--database", database, "--format", "json", "check")
    assert answer.code == 3 and not answer.json["drift"]
    assert answer.json["unfinished"][0].startswith("0005 backfill big done: step 1 of 1, write the rows")
    assert "deploy goes on where it stopped" in answer.json["error"]["next"]


def test_nobody_at_work_has_no_time_left(cut: Path, database: str) -> None:
    until(lambda: not query(database, "SELECT FROM pg_locks WHERE locktype = 'advisory'"))
    status = run("--database", database, "status")
    assert "unfinished   0005  backfill big" in status.out and " left" not in status.out
    assert "if its process has died: db-migrate deploy goes on where it stopped" in status.err


def test_a_rollback_that_was_cut_is_finished_by_a_rollback(database: str, history: Path) -> None:
    write_revision(history, "0004", "0003", BIG, 'op.execute("DROP TABLE big")')
    write_revision(history, "0005", "0004", "pass", FILL)
    assert run("--database", database, "deploy").code == 0
    _signalled(Deploy(database, "rollback"), database, signal.SIGKILL)
    refused = run("--database", database, "deploy")
    assert refused.code == 4 and "rollback goes on where it stopped" in refused.err
    assert "db-migrate rollback goes on" in run("--database", database, "status").err
    assert run("--database", database, "rollback").code == 0
    assert query(database, "SELECT min(done), max(done), count(*) FROM big") == ONCE


def test_ctrl_c_says_what_stands(database: str, history: Path) -> None:
    write_revision(history, "0004", "0003", BIG, 'op.execute("DROP TABLE big")')
    assert run("--database", database, "deploy").code == 0
    write_revision(history, "0005", "0004", FILL)
    code, said = _signalled(Deploy(database), database, signal.SIGINT)
    assert code == 4 and "Interrupted in revision 0005, of which this stands" in said, said
    assert query(database, "SELECT outcome FROM dbmigrate.run ORDER BY started_at DESC LIMIT 1") == [
        ["Interrupted"]
    ]
    assert run("--database", database, "deploy").code == 0
    assert query(database, "SELECT min(done), max(done), count(*) FROM big") == ONCE


def test_more_rows_than_the_planner_knew_are_no_percentage(cut: Path, database: str) -> None:
    query(database, "UPDATE dbmigrate.work SET rows_total = 1 WHERE revision = '0005'")
    status = run("--database", database, "status").out
    assert "%" not in status and " of 1 rows" not in status


EXPANDED = (
    'op.expand_column_rename("big", "done", "ready")',
    'op.expand_column_type("big", "done", sa.BigInteger())',
)
TWO_COLUMNS = {
    "expand rename": ("pass", EXPANDED[0]),
    "contract rename": (EXPANDED[0], 'op.contract_column_rename("big", "done", "ready")'),
    "revert rename": (EXPANDED[0], 'op.revert_column_rename("big", "done", "ready")'),
    "expand type": ("pass", EXPANDED[1]),
    "swap type": (EXPANDED[1], 'op.swap_column_type("big", "done")'),
    "revert type": (EXPANDED[1], 'op.revert_column_type("big", "done")'),
    "contract type": (
        f'{EXPANDED[1]}\n    op.swap_column_type("big", "done")',
        'op.contract_column_type("big", "done")',
    ),
}


@pytest.mark.parametrize("case", TWO_COLUMNS)
def test_what_stands_behind_the_last_step_is_no_drift(case: str, database: str, history: Path) -> None:
    """Dropped or made with its trigger, the function of two columns is the revision's own."""
    before, operation = TWO_COLUMNS[case]
    write_revision(history, "0004", "0003", BIG, 'op.execute("DROP TABLE big")')
    write_revision(history, "0005", "0004", before)
    assert run("--database", database, "deploy").code == 0
    path = write_revision(history, "0006", "0005", f'{operation}\n    op.execute("SELECT 1 / 0")')
    broken = run("--database", database, "deploy")
    assert broken.code == 4 and "Of the revision this stands" in broken.err, broken.err
    path.write_text(path.read_text().replace('op.execute("SELECT 1 / 0")', ""))
    again = run("--database", database, "deploy")
    assert again.code == 0, again.err
    assert run("--database", database, "check").code == 0


NOTHING_STANDS = {
    "no such table": ('op.create_index_concurrently("i", "nope", ["a"])', "does not exist"),
    "rows that break it": ('op.add_check("c", "t1", "id < 0")', "rows break c"),
    "rows that are null": ('op.set_not_null("t1", "gap")', "violated by some row. It was taken away again"),
    "no key": (
        """op.add_column_with_default("t1", sa.Column("n", sa.Uuid), "gen_random_uuid()")""",
        "no valid unique",
    ),
    "a view": ('op.backfill("v1", {"id": "1"})', "v1 is no table"),
    "inside of a block": (
        """with op.get_context().autocommit_block():
        op.add_check("c", "t1", "true")""",
        "stands inside of autocommit_block",
    ),
    "inside of a savepoint": (
        """with op.get_bind().begin_nested():
        op.add_check("c", "t1", "true")""",
        "stands inside of begin_nested",
    ),
}


@pytest.mark.parametrize("case", NOTHING_STANDS)
def test_a_failure_that_leaves_nothing_is_not_unfinished(case: str, database: str, history: Path) -> None:
    wrong, why = NOTHING_STANDS[case]
    tables = """op.execute("ALTER TABLE t1 DROP CONSTRAINT IF EXISTS t1_pkey; ALTER TABLE t1 ADD gap int;"
    "ALTER TABLE t1 ALTER id DROP NOT NULL; INSERT INTO t1 (id) VALUES (1);"
    "CREATE VIEW v1 AS SELECT id FROM t1")"""
    write_revision(history, "0004", "0003", tables)
    assert run("--database", database, "deploy").code == 0
    write_revision(history, "0005", "0004", wrong)
    failed = run("--database", database, "deploy")
    assert failed.code == 1 and why in failed.err, failed.err
    status = run("--database", database, "--format", "json", "status").json
    assert (status["unfinished"], status["drift_differences"], status["current"]) == ([], [], "0004")
    write_revision(history, "0005", "0004", 'op.execute("SELECT 1")')
    assert run("--database", database, "deploy").code == 0
    assert run("--database", database, "rollback").code == 0
