"""What the old instance has that the copy lacks, and the other way round: counted row by row."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.project import Project, connected, rows
from tests.recovery.copies import PLAN, RECOVERY, Recovery, physical

from dbmigrate.domain.errors import IntegrityFailed
from dbmigrate.domain.recovery import RecoveryPlan
from dbmigrate.service import compare_copy as module


def of_table(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(table for table in report["tables"] if table["table"] == f"public.{name}")


def counts(report: dict[str, Any], name: str) -> tuple[int, int, int]:
    table = of_table(report, name)
    return table["only_on_old"], table["recovered"], table["changed"]


def ids(report: dict[str, Any], name: str, word: str) -> set[str]:
    return {key["id"] for key in of_table(report, name)["samples"][word]}


def test_equal_instances_have_nothing_to_tell(recovery: Recovery) -> None:
    report = recovery.report()
    assert report["totals"] == {"only_on_old": 0, "recovered": 0, "changed": 0}
    assert (report["tables"], report["equal"], report["not_compared"]) == ([], 4, [])
    assert report["revision"] == {"old": "a1", "copy": "a1"}
    assert "every row was read" in report["integrity"]["checks"]


def test_rows_are_told_by_their_keys(recovery: Recovery) -> None:
    recovery.on_old(
        """INSERT INTO users VALUES (201, 'new'), (202, 'newer');
           DELETE FROM orders WHERE id IN (10, 20, 30);
           UPDATE orders SET total = 0 WHERE id = 7"""
    )
    report = recovery.report()
    assert counts(report, "users") == (2, 0, 0)
    assert counts(report, "orders") == (0, 3, 1)
    assert of_table(report, "users")["samples"]["only_on_old"] == [{"id": "201"}, {"id": "202"}] or of_table(
        report, "users"
    )["samples"]["only_on_old"] == [{"id": "202"}, {"id": "201"}]
    assert sorted(key["id"] for key in of_table(report, "orders")["samples"]["recovered"]) == [
        "10",
        "20",
        "30",
    ]
    assert of_table(report, "orders")["samples"]["changed"] == [{"id": "7"}]
    assert report["totals"] == {"only_on_old": 2, "recovered": 3, "changed": 1}


def test_a_destroyed_column_a_dropped_table_and_a_new_one(recovery: Recovery) -> None:
    recovery.on_old(
        """ALTER TABLE users DROP name; DROP TABLE log;
           CREATE TABLE notes (id int PRIMARY KEY); INSERT INTO notes VALUES (1), (2)"""
    )
    report = recovery.report()
    assert counts(report, "log") == (0, 300, 0)
    assert of_table(report, "log")["notes"] == ["the table is only on the copy"]
    assert counts(report, "notes") == (2, 0, 0)
    assert (counts(report, "users"), of_table(report, "users")["notes"]) == (
        (0, 0, 0),
        ["column name is only on the copy"],
    )


def test_a_table_without_a_key_is_a_heap_of_rows(recovery: Recovery) -> None:
    recovery.on_copy("INSERT INTO log VALUES ('twice'), ('twice'), ('line 1')")
    recovery.on_old(
        "INSERT INTO log VALUES ('twice'), (NULL); UPDATE log SET line = 'other' WHERE line = 'line 9'"
    )
    report = recovery.report()
    assert counts(report, "log") == (2, 3, 0)
    samples = of_table(report, "log")["samples"]
    assert {row["row"] for row in samples["recovered"]} == {"(twice)", '("line 1")', '("line 9")'}
    assert {row["row"] for row in samples["only_on_old"]} == {"()", "(other)"}


def test_what_moved_without_a_change_is_the_same(recovery: Recovery) -> None:
    recovery.on_old("UPDATE orders SET total = total; UPDATE users SET name = name")
    recovery.on_old("VACUUM FULL log")
    assert recovery.report()["totals"] == {"only_on_old": 0, "recovered": 0, "changed": 0}


def test_a_type_that_changed_is_told_and_rows_are_compared_by_what_they_say(recovery: Recovery) -> None:
    recovery.on_old(
        "ALTER TABLE orders DROP CONSTRAINT orders_owner_fkey; ALTER TABLE orders ALTER owner TYPE int"
    )
    table = of_table(recovery.report(), "orders")
    assert (table["changed"], table["notes"]) == (
        0,
        ["column owner is integer on the old instance and bigint on the copy"],
    )


def test_values_that_look_different_are_different(recovery: Recovery) -> None:
    """1.0 and 1.00 are one number; nobody asked for the other one."""
    for run in (recovery.on_old, recovery.on_copy):
        run("CREATE TABLE odd (id int PRIMARY KEY, n numeric, f float8, j jsonb, c char(4), a text[])")
        run("""INSERT INTO odd VALUES (1, 1.0, 0.0, '{"a": 1}', 'x', '{a,NULL}')""")
        run("INSERT INTO odd VALUES (2, NULL, 'NaN', NULL, '', '{}')")
    assert recovery.report()["totals"]["changed"] == 0
    recovery.on_old("UPDATE odd SET n = 1.00 WHERE id = 1")
    recovery.on_old("UPDATE odd SET a = '{NULL}' WHERE id = 2")
    assert counts(recovery.report(), "odd") == (0, 0, 2)


def test_a_sequence_that_goes_back_is_told(recovery: Recovery) -> None:
    recovery.on_old("SELECT setval('numbers', 77)")
    assert recovery.report()["sequences"] == [
        "sequence public.numbers goes back from 77 to 1: ids come twice"
    ]


def test_names_of_every_kind(recovery: Recovery) -> None:
    for run in (recovery.on_old, recovery.on_copy):
        run('CREATE SCHEMA "S p"')
        run("""CREATE TABLE "S p"."T 'q'%" ("a b" int, "C%s" text, PRIMARY KEY ("C%s", "a b"))""")
    recovery.on_old("""INSERT INTO "S p"."T 'q'%" VALUES (1, 'x'), (2, 'y')""")
    (table,) = recovery.report()["tables"]
    assert (table["table"], table["only_on_old"]) == ("S p.T 'q'%", 2)
    assert {"C%s": "x", "a b": "1"} in table["samples"]["only_on_old"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("few", [1, 1_000_000])
def test_any_change_is_counted_exactly(
    recovery: Recovery, seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the databases' own EXCEPT: by buckets (few = 1) and without."""
    monkeypatch.setattr(module, "FEW_ROWS", few)
    chance = random.Random(seed)
    gone, changed = (sorted(chance.sample(range(1, 5001), chance.randint(1, 900))) for _ in range(2))
    changed = [number for number in changed if number not in gone]
    added = chance.randint(1, 2000)
    recovery.on_old(f"DELETE FROM orders WHERE id = ANY ('{{{','.join(map(str, gone))}}}')")
    recovery.on_old(f"UPDATE orders SET total = -1 WHERE id = ANY ('{{{','.join(map(str, changed))}}}')")
    recovery.on_old(f"INSERT INTO orders SELECT n, 1, 1, now() FROM generate_series(6001, {6000 + added}) n")
    assert counts(recovery.report(), "orders") == (added, len(gone), len(changed))


def test_many_slices_find_the_same(recovery: Recovery) -> None:
    recovery.on_old("DELETE FROM orders WHERE id % 7 = 0; UPDATE users SET name = 'x' WHERE id < 50")
    whole = recovery.report()
    recovery.slice = 0.15
    verified, compared = recovery.verify(), recovery.compare()
    assert recovery.bundles.plans[compared["plan"]["digest"]]["report"]["totals"] == whole["totals"]
    assert verified["slices"] + compared["slices"] > 2


def test_what_there_is_no_time_for_is_told(recovery: Recovery) -> None:
    recovery.verify()
    recovery.slice = 0.0
    digest = recovery.compare(budget=0.0)["plan"]["digest"]
    report = recovery.bundles.plans[digest]["report"]
    assert report["not_compared"] == [
        f"public.{name}: the time for the comparison was over"
        for name in ("log", "settings", "users")  # one of them each slice reads
    ]


def test_the_final_plan_is_stored_and_on_record(recovery: Recovery) -> None:
    recovery.on_old("INSERT INTO users VALUES (999, 'late')")
    recovery.verify()
    slim = recovery.compare()["plan"]
    final = RecoveryPlan.from_json(recovery.bundles.plans[slim["digest"]])
    assert final.digest == slim["digest"] != PLAN.digest
    assert slim["found"] == {"only_on_old": 1, "recovered": 0, "changed": 0}
    record = recovery.log.records[RECOVERY]
    assert (record.phase, record.plan) == ("compared", slim)
    recovery.log.put(record.reached("swapping", 5.0))
    assert recovery.compare()["plan"] == slim  # a resumed recovery compares nothing any more


def test_a_copy_that_differs_where_nobody_wrote_is_damaged(tmp_path: Path) -> None:
    with physical(Project(tmp_path)) as recovery:
        recovery.on_old("INSERT INTO users VALUES (201, 'new'); UPDATE users SET name = 'x' WHERE id = 1")
        assert recovery.report()["totals"] == {"only_on_old": 1, "recovered": 0, "changed": 1}
        recovery.on_copy("DELETE FROM orders WHERE id = 7")
        recovery.verify()
        with pytest.raises(IntegrityFailed, match=r"Nobody has written public\.orders since .* \(run-1\)"):
            recovery.compare()


def test_row_security_that_hides_rows_is_told(recovery: Recovery) -> None:
    recovery.verify()
    with connected(recovery.old_url) as admin:
        admin.run("ALTER TABLE log ENABLE ROW LEVEL SECURITY; CREATE ROLE peeping LOGIN")
        for schema in ("public", "dbmigrate"):
            admin.run(f"GRANT USAGE ON SCHEMA {schema} TO peeping")
            admin.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO peeping")
        admin.run("REVOKE SELECT ON users FROM peeping")
    recovery.old_url = recovery.old_url.replace("postgres@", "peeping@")
    try:
        answer = recovery.compare()
    finally:
        with connected(recovery.old_url.replace("peeping@", "postgres@")) as admin:
            admin.run("DROP OWNED BY peeping; DROP ROLE peeping")
    log, users = recovery.bundles.plans[answer["plan"]["digest"]]["report"]["not_compared"]
    assert log.startswith("public.log: not read") and "row-level security" in log
    assert users == "public.users: we may not read it on the old instance"


def test_the_old_instance_is_not_written(recovery: Recovery) -> None:
    before = rows(recovery.old_url, "SELECT name, direction FROM dbmigrate.run")
    recovery.report()
    assert rows(recovery.old_url, "SELECT name, direction FROM dbmigrate.run") == before
    assert rows(recovery.old_url, "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'") == [(0,)]
