"""What a rule hears of sizes and waits."""

from __future__ import annotations

from dataclasses import replace

from tests.domain.evidences import USERS as MADE
from tests.domain.evidences import facts, history, seen

from dbmigrate.domain.effects import Act, Effects, Lock
from dbmigrate.domain.facts import SHORT_SECONDS, facts_of
from dbmigrate.domain.prediction import Estimate, Wait
from dbmigrate.domain.sizes import SMALL_BYTES, Size

USERS = "public.users"


def test_a_severity_goes_by_the_predicted_wait_of_its_statement() -> None:
    large = {USERS: SMALL_BYTES}
    lock = Effects("ALTER …", locks=(Lock(USERS, "ACCESS EXCLUSIVE"),))
    fact = facts(large, statements=(lock, Effects("UPDATE …"), Effects("ALTER …", 1)))
    assert fact.severity(USERS) == fact.severity(USERS, statement=1) == "block"

    def at(high: float | None) -> list[str]:
        waits = (Wait(USERS, "ACCESS EXCLUSIVE", 0, high),)
        predicted = replace(fact, estimates=(Estimate(waits=waits), Estimate(0, 0.1), Estimate(0, 0.1)))
        return [predicted.severity(USERS, statement=number) for number in (1, 2, 3)]

    assert at(SHORT_SECONDS / 2) == ["note", "note", "note"]
    assert at(SHORT_SECONDS) == at(None) == ["block", "block", "note"]
    assert fact.seconds(1, USERS) is None
    assert replace(fact, estimates=(Estimate(disk_bytes=5, wal_bytes=7),) * 3).disk_bytes == 15


def test_what_was_taken_back_leaves_the_table_and_its_size() -> None:
    dropped = Effects("DROP TABLE users", acts=(Act("drop table", USERS, USERS),))
    sizes = {USERS: Size(5, SMALL_BYTES)}

    def second(first: Effects) -> bool:
        evidence = history(
            seen("a1", changes=MADE), seen("b2", ("a1",), statements=(first,)), seen("c3", ("b2",))
        )
        *_, fact = facts_of(evidence, ["a1"], ["b2", "c3"], frozenset({USERS}), sizes, None)
        return fact.exists(USERS) and fact.sizes == sizes

    assert second(replace(dropped, undone=True))
    assert not second(dropped)
