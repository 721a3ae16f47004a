"""What is in a revision's way, seen on a live database while it is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pg8000.native
import pytest
from tests.adapters.project import Project, connected, move, rows, until
from tests.adapters.servers import own_server
from tests.domain.evidences import seen

from dbmigrate.adapters import blockers
from dbmigrate.adapters.connection import Limits, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.blockers import CONFLICTS, Blocker, Foretold, Wanted, foretell, in_pg_locks
from dbmigrate.domain.effects import LOCK_MODES, Effects, Lock
from dbmigrate.domain.errors import Failed
from dbmigrate_local.embedded import EmbeddedPostgres

ALTER = Foretold((Wanted("public.one", CONFLICTS["ACCESS EXCLUSIVE"], 0.0),))
INDEX = Foretold((Wanted("public.one", CONFLICTS["SHARE"], 0.0),))
FACTS = {"bundle": "sha256:b", "plan": "sha256:p", "direction": "upgrade", "requested_by": "ann"}


@pytest.fixture
def db(database: str) -> Iterator[Database]:
    with connected(database) as admin:
        admin.run("CREATE TABLE one (id int)")
        admin.run("CREATE ROLE web LOGIN")
        admin.run("GRANT ALL ON one TO web")
        yield Database(target_from_url(database), "staging")
        admin.run("DROP OWNED BY web")
        admin.run("DROP ROLE web")


def in_a_transaction(session: pg8000.native.Connection, *statements: str) -> int:
    session.run("BEGIN")
    for statement in statements:
        session.run(statement)
    pid: int = session.run("SELECT pg_backend_pid()")[0][0]
    return pid


def only(db: Database, foretold: Foretold) -> Blocker:
    (found,) = db.blockers(foretold)
    return found


def test_the_conflicts_are_those_of_the_server(database: str) -> None:
    """Each pair of modes, asked of PostgreSQL itself."""
    with connected(database) as one, connected(database) as other:
        one.run("CREATE TABLE one (id int)")
        for held in LOCK_MODES:
            one.run("BEGIN")
            one.run(f"LOCK TABLE one IN {held} MODE")
            assert rows(database, "SELECT mode FROM pg_locks WHERE relation = 'one'::regclass") == [
                (in_pg_locks(held),)
            ]
            waits = set()
            for wanted in LOCK_MODES:
                other.run("BEGIN")
                try:
                    other.run(f"LOCK TABLE one IN {wanted} MODE NOWAIT")
                except pg8000.exceptions.DatabaseError:
                    waits.add(wanted)
                other.run("ROLLBACK")
            one.run("ROLLBACK")
            assert waits == {wanted for wanted in LOCK_MODES if held in CONFLICTS[wanted]}, held


def test_a_reader_is_named_with_all_that_helps_to_find_it(db: Database, database: str) -> None:
    with connected(database, "web") as reader:
        pid = in_a_transaction(reader, "SELECT * FROM one")
        found = only(db, ALTER)
        assert (found.kind, found.pid, found.endable) == ("lock", pid, True)
        state = ("in a transaction for less than 1 s", "idle in transaction", "SELECT pg_backend_pid()")
        for words in (f"pid {pid} (somebody else) of web", "[AccessShareLock on public.one]", *state):
            assert words in found.text
        assert db.blockers(INDEX) == [], "who reads does not hold up an index build"
    until(lambda: not db.blockers(ALTER))


def test_the_young_and_those_who_wait_themselves_are_none(db: Database, database: str) -> None:
    with connected(database, "web") as reader, connected(database) as waiting:
        in_a_transaction(reader, "SELECT * FROM one")
        patient = replace(ALTER, wanted=(replace(ALTER.wanted[0], seconds=600.0),))
        assert db.blockers(patient) == []
        waiting.run("BEGIN")
        waiting.run("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(pg8000.exceptions.DatabaseError, match="lock timeout"):
            waiting.run("LOCK TABLE one")
        assert [each.pid for each in db.blockers(ALTER)] == [reader.run("SELECT pg_backend_pid()")[0][0]]


def test_our_own_sessions_are_none(db: Database) -> None:
    with db.session("db-migrate run-1") as ours:
        ours.exec_driver_sql("LOCK TABLE one")
        assert db.blockers(ALTER) == []
    with db.session("db-migrator") as other:
        other.exec_driver_sql("LOCK TABLE one")
        assert not only(db, ALTER).endable, "a superuser's session is never ended"


def test_other_relations_and_other_databases_are_not_in_the_way(db: Database, database: str) -> None:
    with connected(database) as other:
        in_a_transaction(other, "CREATE SCHEMA elsewhere", "CREATE TABLE elsewhere.one (id int)")
        assert db.blockers(ALTER) == []


def test_who_may_not_see_statistics_still_sees_locks(
    db: Database, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockers, "YOUNG_SECONDS", 0.05)
    plain = Database(replace(db.target, user="web"), "staging")
    with connected(database) as holder:
        pid = in_a_transaction(holder, "SELECT * FROM one")
        found = only(plain, ALTER)
    assert found.text == (
        f"pid {pid} (somebody else) of postgres [AccessShareLock on public.one], "
        "more with: GRANT pg_read_all_stats TO web"
    )


def test_an_old_snapshot_holds_up_concurrently_alone(
    db: Database, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockers, "YOUNG_SNAPSHOT_SECONDS", 0.0)
    with connected(database, "web") as idle, connected(database, "web") as harmless:
        pid = in_a_transaction(idle, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
        in_a_transaction(harmless, "SELECT 1")
        found = only(db, Foretold(snapshots=True))
        assert (found.kind, found.pid, found.endable) == ("snapshot", pid, True)
        assert "an old snapshot, for whose end CONCURRENTLY waits" in found.text
        assert db.blockers(ALTER) == []


def test_a_prepared_transaction_is_named_with_what_ends_it() -> None:
    with own_server({"max_prepared_transactions": "2"}) as server:
        with connected(server.url) as session:
            session.run("CREATE TABLE one (id int)")
            in_a_transaction(session, "INSERT INTO one VALUES (1)", "PREPARE TRANSACTION 'shop-7'")
        found = only(Database(target_from_url(server.url), "staging"), INDEX)
    assert (found.kind, found.endable) == ("prepared", False)
    assert "prepared transaction 'shop-7' of postgres [RowExclusiveLock on public.one]" in found.text
    assert "ROLLBACK PREPARED 'shop-7'" in found.text


def test_a_slot_is_in_the_way_of_a_large_revision_alone(db: Database, postgres: EmbeddedPostgres) -> None:
    postgres.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        assert db.blockers(Foretold(wal_bytes=1000)) == []
        found = only(db, Foretold(wal_bytes=2 * 10**9))
    finally:
        postgres.execute("SELECT pg_drop_replication_slot('forgotten')")
    assert found.kind == "slot" and "replication slot forgotten is inactive" in found.text
    assert "2 GB more" in found.text and "pg_drop_replication_slot('forgotten')" in found.text


def test_replicas_of_aurora_are_asked_where_there_are_any(db: Database, database: str) -> None:
    with connected(database) as admin:
        admin.run(
            "CREATE FUNCTION aurora_replica_status(OUT server_id text, OUT session_id text,"
            " OUT replica_lag_in_msec float8) RETURNS SETOF record LANGUAGE sql AS $$ VALUES"
            " ('writer', 'MASTER_SESSION_ID', 99000), ('fast', 'a', 20), ('slow', 'b', 45000) $$"
        )
        found = only(db, Foretold())
    assert (found.kind, found.text) == ("replica", "replica slow is 45 s behind")


def vacuum_row(**more: object) -> dict[str, object]:
    query = "autovacuum: VACUUM public.one"
    held = "ShareUpdateExclusiveLock on public.one"
    return {"pid": 7, "name": "", "owner": None, "held": held, "age": 60.0,
            "query_age": 60.0, "state": "active", "query": query, "backend_type": "autovacuum worker",
            "login": "migrator", "transaction": "3/4", "endable": True, **more}  # fmt: skip


def test_an_autovacuum_is_never_ended_and_gives_way_only_to_the_patient() -> None:
    stays = blockers._blocker(vacuum_row(), "owner", yields=False)
    assert stays is not None and (stays.kind, stays.endable) == ("vacuum", False)
    assert "deadlock_timeout" in stays.text and "ALTER ROLE migrator SET deadlock_timeout" in stays.text
    assert blockers._blocker(vacuum_row(), "migrator", yields=True) is None
    wraparound = vacuum_row(query="autovacuum: VACUUM public.one (to prevent wraparound)")
    found = blockers._blocker(wraparound, "migrator", yields=True)
    assert found is not None and "it does not give way" in found.text


def test_a_running_autovacuum_is_seen(db: Database, database: str, postgres: EmbeddedPostgres) -> None:
    """Its cost settings keep it at work on few rows; ours let the server look for work at once."""
    with connected(database) as admin:
        admin.run(
            "ALTER TABLE one SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
        )
        admin.run("INSERT INTO one SELECT generate_series(1, 100000)")
        postgres.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        postgres.execute("SELECT pg_reload_conf()")
        try:
            admin.run("DELETE FROM one")
            until(lambda: any(each.kind == "vacuum" for each in db.blockers(ALTER)))
            eager = Database(db.target, "staging", Limits(lock=5000))
            assert eager.blockers(ALTER) == [], "who waits longer than deadlock_timeout gets it"
            with eager.session() as patient:
                patient.exec_driver_sql("LOCK TABLE one")
        finally:
            postgres.execute("ALTER SYSTEM RESET autovacuum_naptime")
            postgres.execute("SELECT pg_reload_conf()")


def test_a_session_is_ended_while_it_is_in_the_same_transaction_only(db: Database, database: str) -> None:
    with connected(database, "web") as blocking, connected(database, "web") as changing:
        pid = in_a_transaction(blocking, "SELECT * FROM one")
        (first,) = db.blockers(ALTER)
        in_a_transaction(changing, "SELECT * FROM one")
        (stale,) = (each for each in db.blockers(ALTER) if each.pid != pid)
        changing.run("COMMIT")
        in_a_transaction(changing, "SELECT * FROM one")
        ended = db.end_sessions("run-1", FACTS, [first, stale])
        assert len(ended) == 1 and f"pid {pid} " in ended[0]
        assert [each.pid for each in db.blockers(ALTER)] == [stale.pid]
        with pytest.raises(pg8000.exceptions.InterfaceError):
            blocking.run("SELECT 1")
    (run,) = db.runs()
    assert run["detail"].startswith(f"Ended pid {pid} (somebody else) of web")
    db.close_run("run-1", "Succeeded", "", remember=False)
    assert db.runs()[0]["detail"].startswith("Ended pid"), "the end does not hide what was done to others"


def test_ending_a_session_takes_a_right(db: Database, database: str) -> None:
    with connected(database) as admin, connected(database, "web") as blocking:
        admin.run("CREATE ROLE plain LOGIN IN ROLE pg_read_all_stats")
        admin.run(f'GRANT CREATE ON DATABASE "{db.target.name}" TO plain')
        plain = Database(replace(db.target, user="plain"), "staging")
        try:
            in_a_transaction(blocking, "SELECT * FROM one")
            with pytest.raises(Failed, match="may not be ended by plain") as refused:
                plain.end_sessions("run-1", FACTS, plain.blockers(ALTER))
            assert "GRANT pg_signal_backend TO plain" in refused.value.hint
            admin.run("GRANT pg_signal_backend TO plain")
            assert len(plain.end_sessions("run-1", FACTS, plain.blockers(ALTER))) == 1
        finally:
            admin.run("DROP OWNED BY plain CASCADE")
            admin.run("DROP ROLE plain")


def test_asking_takes_no_lock_of_the_application_and_waits_for_none(
    db: Database, database: str, project: Project
) -> None:
    move(db, project.add("a1", None, "CREATE TABLE two (id int)").history())
    with connected(database, "web") as holder:
        in_a_transaction(holder, "LOCK TABLE one")
        effects = Effects("ALTER TABLE one ADD note text", locks=(Lock("public.one", "ACCESS EXCLUSIVE"),))
        foretold = foretell(seen("b2", statements=(effects,)), "upgrade")
        asked = replace(foretold, wanted=tuple(replace(each, seconds=0.0) for each in foretold.wanted))
        assert len(db.blockers(asked)) == 1
        assert rows(database, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]
