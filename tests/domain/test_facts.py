"""What a rule hears of sizes and waits."""

from __future__ import annotations

from dataclasses import replace

from tests.domain.evidences import facts

from dbmigrate.domain.effects import Effects, Lock
from dbmigrate.domain.facts import SHORT_SECONDS
from dbmigrate.domain.prediction import Estimate, Wait
from dbmigrate.domain.sizes import SMALL_BYTES

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
