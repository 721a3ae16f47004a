"""Which change is to blame: what stands, and what went off since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dbmigrate.domain.suspects import Raised, prime_suspect, suspects


def at(minute: int) -> str:
    return datetime(2027, 1, 15, 8, minute, tzinfo=UTC).isoformat()


def since(minute: int, name: str = "orders-5xx") -> Raised:
    return Raised(name, datetime(2027, 1, 15, 8, minute, 30, tzinfo=UTC).timestamp(), "12 errors")


def run(name: str, minute: int, *revisions: str, way: str = "upgrade", outcome: str = "Succeeded") -> Any:
    return {
        "run": name,
        "direction": way,
        "revisions": list(revisions),
        "started_at": at(minute),
        "outcome": outcome,
        "requested_by": "ann",
    }


FIRST, SECOND, THIRD = run("one", 1, "a1"), run("two", 5, "b2", "c3"), run("three", 9, "d4")


def test_an_alarm_belongs_to_the_newest_run_before_it() -> None:
    found = suspects([THIRD, SECOND, FIRST], [since(6), since(3, "latency"), since(0, "old")])
    assert [(each.name, [alarm.name for alarm in each.alarms]) for each in found] == [
        ("three", []),
        ("two", ["orders-5xx"]),
        ("one", ["latency"]),
    ]
    prime = prime_suspect(found)
    assert prime is not None and (prime.name, prime.revisions) == ("two", ("b2", "c3"))


def test_an_alarm_that_is_on_outweighs_one_that_came_and_went() -> None:
    over = replace(since(10), until=since(11).since)
    (newest, older) = suspects([THIRD, SECOND], [over, since(6, "latency")])
    assert prime_suspect([newest, older]) is older
    assert prime_suspect([newest]) is newest
    assert newest.to_json()["alarms"][0]["until"] == over.until


def test_what_was_undone_is_no_suspect() -> None:
    undone = run("four", 12, "d4", way="downgrade")
    itself = run("five", 13, "e5", "f6", "f6", "e5", outcome="RolledBack")
    found = suspects([itself, undone, THIRD, SECOND, FIRST], [since(14)])
    assert [each.name for each in found] == ["two", "one"]
    again = run("six", 20, "d4")
    assert [each.name for each in suspects([again, undone, THIRD], ())] == ["six"]


def test_a_way_back_that_stopped_half_way_leaves_the_rest() -> None:
    half = run("four", 12, "c3", way="downgrade", outcome="NeedsManualRollback")
    found = suspects([half, SECOND], ())
    assert [(each.name, each.revisions) for each in found] == [("two", ("b2",))]


def test_a_run_that_broke_is_to_blame_without_an_alarm() -> None:
    broken = run("three", 9, "d4", outcome="NeedsManualRollback")
    found = suspects([broken, SECOND], ())
    assert prime_suspect(found) == found[0] and found[0].broke
    assert prime_suspect(suspects([THIRD, SECOND], ())) is None


def test_older_runs_than_the_ledger_shows_are_not_made_up() -> None:
    assert suspects([run("four", 12, "z0", way="downgrade")], ()) == []
