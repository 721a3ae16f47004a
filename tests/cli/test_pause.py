"""`pause` and `resume`: a backfill rests between two batches, all are told, and no row is done twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.adapters.project import until
from tests.cli.cases import query, run, write_revision
from tests.cli.test_stop import Deploy, open_run

ROWS = 15_000
BIG = f"""op.execute("CREATE TABLE big (id bigint PRIMARY KEY, done int NOT NULL)")
    op.execute("INSERT INTO big SELECT n, 0 FROM generate_series(1, {ROWS}) n")"""
# Slow enough to be met at work, and it counts what it does to each row.
FILL = """op.backfill("big", "done = done + 1 + length(pg_sleep(0.0001)::text)", target_ms=20)"""


@pytest.fixture
def filling(database: str, history: Path) -> Deploy:
    write_revision(history, "0004", "0003", BIG, 'op.execute("DROP TABLE big")')
    assert run("--database", database, "deploy").code == 0
    write_revision(history, "0005", "0004", FILL)
    return Deploy(database)


def done(database: str) -> int:
    ((count,),) = query(database, "SELECT count(*) FROM big WHERE done > 0")
    return int(count)


def test_a_run_rests_and_goes_on(filling: Deploy, database: str) -> None:
    try:
        until(lambda: done(database) > 0)
        name = open_run(database)
        before = run("--database", database, "status")
        paused = run("--database", database, "pause", name)
        assert paused.code == 0 and f"resume {name}" in paused.err
        left = r"backfill big \(done\), write the rows, .* rows \(\d+ %\), about \d+ \w+"
        assert re.search(left, before.out), before.out
        held = until(lambda: same_twice(database))
        assert 0 < held < ROWS
        status = run("--database", database, "status")
        assert re.search(r"running +development-.*, paused by \w+ since 20", status.out)
        pattern = r"unfinished   0005  backfill big \(done\), write the rows, .* rows \(\d+ %\), paused, pid"
        assert re.search(pattern, status.out), status.out
        assert status.err.endswith(f"next: db-migrate resume {name}\n")
        runs = run("--database", database, "runs").out
        assert "paused" in runs and "0005  backfill big" in runs
        assert run("--database", database, "resume", name).code == 0
        code, said = filling.end(120)
        assert code == 0, said
    finally:
        filling.kill()
    assert query(database, "SELECT min(done), max(done), count(*) FROM big") == [[1, 1, ROWS]]
    assert "backfill big" in said and "unfinished" not in run("--database", database, "status").out


def same_twice(database: str) -> int:
    """The rows that are done, once none was for more than the second after which a run asks again."""
    before = done(database)
    query(database, "SELECT pg_sleep(1.5)")
    return before if done(database) == before else 0


def test_a_stopped_backfill_goes_on_where_it_was(filling: Deploy, database: str) -> None:
    try:
        until(lambda: done(database) > 0)
        name = open_run(database)
        answer = run("--database", database, "stop", name)
        assert answer.code == 0, answer.err
        assert "unfinished  0005  backfill big" in answer.out
        assert answer.err.endswith("next: db-migrate deploy goes on where it stopped\n")
        code, said = filling.end()
        assert code != 0 and "Traceback" not in said
        assert query(database, f"SELECT outcome FROM dbmigrate.run WHERE name = '{name}'") == [["Stopped"]]
        assert 0 < done(database) < ROWS
    finally:
        filling.kill()
    again = run("--database", database, "deploy")
    assert again.code == 0, again.err
    assert query(database, "SELECT min(done), max(done), count(*) FROM big") == [[1, 1, ROWS]]


def test_only_a_run_that_is_under_way_pauses(database: str, history: Path) -> None:
    assert run("--database", database, "deploy").code == 0
    ((name,),) = query(database, "SELECT name FROM dbmigrate.run")
    ended = run("--database", database, "pause", str(name))
    assert ended.code == 3 and "has ended as Succeeded" in ended.err
    unknown = run("--database", database, "resume", "development-nothing")
    assert unknown.code == 3 and "has not begun to change the database" in unknown.err
    query(database, "UPDATE dbmigrate.run SET ended_at = NULL, wish = 'stop', wished_by = 'ann'")
    stopping = run("--database", database, "resume", str(name))
    assert stopping.code == 3 and "is being stopped by ann" in stopping.err
