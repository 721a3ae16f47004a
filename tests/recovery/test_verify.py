"""What is damaged in a restored copy is found, what is not is left alone, and the copy bears the mark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.adapters.project import Project, rows
from tests.adapters.servers import own_server
from tests.recovery.copies import PLAN, RECOVERY, Recovery, copy_of, migrated, physical

from dbmigrate.domain.errors import IntegrityFailed, WrongInstance
from dbmigrate_local.embedded import EmbeddedPostgres

CHECKS = [
    "environment",
    "revision",
    "catalog",
    "every row was read",
    "rows against their primary keys",
    "foreign keys",
    "indexes and heaps (amcheck)",
]


def test_a_whole_copy_bears_the_mark(recovery: Recovery) -> None:
    answer = recovery.verify()
    assert (answer["status"], answer["checks"], answer["notes"]) == ("done", CHECKS, [])
    assert recovery.ledger()[-1] == (RECOVERY, "recovery", None)
    record = recovery.log.records[RECOVERY]
    assert (record.phase, record.facts["integrity"]["checks"]) == ("verified", CHECKS)
    assert rows(recovery.copy_url, "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'") == [(0,)]
    assert recovery.verify()["status"] == "done"  # once more is the same
    assert recovery.ledger()[-1] == (RECOVERY, "recovery", None)


def test_what_there_is_no_time_for_is_told(recovery: Recovery) -> None:
    """The application waits for it."""
    recovery.slice = 0.0
    answer = recovery.verify(budget=0.0)
    assert answer["slices"] == 1 and "every row was read" not in answer["checks"]
    told = [note for note in answer["notes"] if note.startswith("NOT verified: ")]
    for kind in ("table public.", "foreign key "):
        assert any(note.startswith(f"NOT verified: {kind}") for note in told), told
    assert len(told) == len(set(told))
    assert recovery.log.records[RECOVERY].phase == "verified"


def test_what_was_not_read_has_lost_no_rows(tmp_path: Path) -> None:
    """Where counters say that nobody wrote a table, none read would be all lost."""
    with physical(Project(tmp_path)) as recovery:
        recovery.slice = 0.0
        told = recovery.verify(budget=0.0)["notes"]
    assert "NOT verified: table public.log, the time for it was over" in told


def test_a_drill_takes_the_time_that_its_proof_takes(recovery: Recovery) -> None:
    recovery.slice = 0.0
    answer = recovery.verify(PLAN.slim() | {"kind": "drill"}, budget=0.0)
    assert answer["slices"] > 1 and (answer["checks"], answer["notes"]) == (CHECKS, [])


def test_a_drill_leaves_the_copy_free_for_a_trial_upgrade(recovery: Recovery) -> None:
    recovery.verify(PLAN.slim() | {"kind": "drill"})
    assert recovery.ledger()[-1] == (RECOVERY, "recovery", "Drilled")


def test_a_run_that_was_open_when_the_copy_was_made_is_closed(recovery: Recovery) -> None:
    recovery.on_copy("UPDATE dbmigrate.run SET ended_at = NULL, outcome = NULL")
    recovery.verify()
    assert recovery.ledger() == [("run-1", "upgrade", "Recovered"), (RECOVERY, "recovery", None)]


def test_behind_the_swap_nothing_is_looked_at(recovery: Recovery) -> None:
    """The name of the old instance leads to the copy by then, or nowhere."""
    verified = recovery.verify()
    recovery.log.put(recovery.log.records[RECOVERY].reached("swapping", 9.0))
    recovery.old_url = recovery.copy_url = "postgresql://postgres@127.0.0.1:9/app"
    assert recovery.verify()["checks"] == verified["checks"]


def test_the_live_database_is_never_marked(recovery: Recovery) -> None:
    """Neither under its own address nor under another name for it."""
    for name in (recovery.old_url, recovery.old_url.replace("127.0.0.1", "localhost")):
        with pytest.raises(WrongInstance, match="is not the copy"):
            Recovery(recovery.old_url, name).verify()
    assert rows(recovery.old_url, "SELECT name FROM dbmigrate.run") == [("run-1",)]


DAMAGES = {
    "UPDATE dbmigrate.environment SET name = 'production'": "belongs to production",
    "DROP TABLE settings": "table public.settings is missing",
    "ALTER TABLE settings ADD note text": "column note is in no revision",
    "UPDATE alembic_version SET version_num = 'b2'": "revision b2 is in no line of the ledger",
    "SET session_replication_role = replica; DELETE FROM users WHERE id = 8": r"foreign key public\.orders "
    r"orders_owner_fkey does not hold: nothing is there for \(8\)",
}


@pytest.mark.parametrize("sql", DAMAGES)
def test_damage_is_named_and_the_copy_is_not_marked(sql: str, recovery: Recovery) -> None:
    recovery.on_copy(sql)
    with pytest.raises(IntegrityFailed, match=DAMAGES[sql]):
        recovery.verify()
    assert rows(recovery.copy_url, "SELECT count(*) FROM dbmigrate.run WHERE direction = 'recovery'") == [
        (0,)
    ]


def test_what_was_changed_by_hand_on_both_is_a_note(recovery: Recovery) -> None:
    for run in (recovery.on_old, recovery.on_copy):
        run("CREATE INDEX by_hand ON orders (owner)")
    (note,) = recovery.verify()["notes"]
    assert (
        note
        == "changed outside of our runs: table public.orders: index by_hand is in no revision: "
        + ("CREATE INDEX by_hand ON public.orders USING btree (owner)")
        or "by_hand" in note
    )


def test_what_the_destructive_change_took_away_is_no_damage(recovery: Recovery) -> None:
    """The copy has what the old instance has lost: that is what a recovery is for."""
    recovery.on_old(
        "DROP TABLE settings; ALTER TABLE users DROP name; UPDATE alembic_version SET version_num = 'c3'"
    )
    assert recovery.verify()["notes"] == []


def test_an_old_instance_that_does_not_answer_is_told(recovery: Recovery) -> None:
    recovery.old_url = "postgresql://postgres@127.0.0.1:9/app"
    assert recovery.verify()["notes"] == ["the old instance does not answer, so nothing was held against it"]


def test_many_slices_look_at_the_same(recovery: Recovery) -> None:
    recovery.slice = 0.05
    answer = recovery.verify()
    assert answer["slices"] > 1 and answer["checks"] == CHECKS


def test_without_the_right_to_amcheck_it_is_a_note(recovery: Recovery) -> None:
    recovery.on_copy(
        "CREATE ROLE plain LOGIN IN ROLE pg_read_all_data; GRANT CREATE ON DATABASE app TO plain"
    )
    recovery.on_copy(
        "GRANT ALL ON SCHEMA dbmigrate TO plain; GRANT ALL ON ALL TABLES IN SCHEMA dbmigrate TO plain"
    )
    admin = recovery.copy_url
    recovery.copy_url = admin.replace("postgres@", "plain@")
    try:
        answer = recovery.verify()
    finally:
        recovery.copy_url = admin
        recovery.on_copy("DROP OWNED BY plain; DROP ROLE plain")
    assert "indexes and heaps (amcheck)" not in answer["checks"]
    assert [note for note in answer["notes"] if note.startswith("amcheck did not look")]


@contextmanager
def damaged(project: Project, relation: str, do: str) -> Iterator[Recovery]:
    """A copy of which one block of a relation's file is overwritten before it starts."""
    with own_server() as server:
        url = migrated(server, project)
        server.execute("VACUUM (ANALYZE, FREEZE)", "app")
        server.execute("CHECKPOINT")
        ((path,),) = server.execute(f"SELECT pg_relation_filepath('{relation}')", "app")
        with copy_of(server) as second:
            second.stop()
            overwrite(second, str(path), do)
            with second:
                yield Recovery(url, second.url_for("app"))


def overwrite(server: EmbeddedPostgres, path: str, do: str) -> None:
    with Path(server.data / path).open("r+b") as file:
        file.seek(8192)
        if do == "zero":
            file.write(bytes(8192))
        elif do == "garbage":
            file.write(b"\xa5" * 8192)
        else:  # a length that reaches beyond its page
            file.seek(8192 + 24)
            file.write(b"\xff\x7f\xff\x7f")


@pytest.mark.parametrize(
    ("relation", "do", "said"),
    [
        ("orders", "garbage", r"rows of public\.orders cannot be read: .*invalid page"),
        ("orders", "zero", r"table public\.orders has [0-9,]+ rows, its primary key knows of 5,000"),
        ("orders", "pointer", r"public\.orders"),
        ("orders_pkey", "garbage", r"public\.orders_pkey|entries of public\.orders cannot be read"),
    ],
)
def test_a_damaged_page_is_found(relation: str, do: str, said: str, tmp_path: Path) -> None:
    with damaged(Project(tmp_path), relation, do) as recovery, pytest.raises(IntegrityFailed, match=said):
        recovery.verify()


def test_rows_that_went_where_nobody_wrote_are_missed(tmp_path: Path) -> None:
    with physical(Project(tmp_path)) as recovery:
        recovery.on_copy("TRUNCATE log")
        with pytest.raises(IntegrityFailed, match=r"public\.log is empty; .* about 300 rows"):
            recovery.verify()
