"""Recovery end to end: the real template, machine, functions and rows, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.pipeline.emergency import AFTER, BEFORE, Emergency, emergency
from tests.pipeline.pipeline import get

ABORTS = {
    "plan": ("PlanRecovery", {}),
    "stop": ("CallHook", {"when": "stop"}),
    "fence": ("Fence", {"wish": "fence"}),
    "start": ("Restore", {"wish": "start"}),
    "check": ("Restore", {"wish": "check"}),
    "verify": ("Examine", {"question": "verify"}),
    "compare": ("Examine", {"question": "compare"}),
    "ask": ("RequestApproval", {}),
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emergency]:
    """What happened stays so through every test that puts everything back; the last one recovers."""
    with emergency(tmp_path_factory.mktemp("recovery")) as prepared:
        yield prepared.happen()


@pytest.fixture
def untouched(there: Emergency) -> Iterator[Emergency]:
    """The test ends with everything as it was: rows, names, grants, the application's way in."""
    grants = there.grants()
    yield there
    assert (there.rows(), there.grants(), there.names()) == (there.there, grants, [there.database])
    assert there.lets_the_application_in()


def test_the_story_is_as_it_is_told(there: Emergency) -> None:
    assert there.before == [(number, f"{number}@example.com") for number in BEFORE]
    assert there.there == [(number,) for number in (*BEFORE, *AFTER)]


def test_a_rejected_recovery_puts_everything_back(untouched: Emergency) -> None:
    arn = untouched.to_before_the_run()
    untouched.pipeline.link(arn)
    assert not untouched.lets_the_application_in(), "the fence holds while people decide"
    untouched.pipeline.decide(arn, "reject", "not today")
    assert untouched.ends(arn).outcome == "RecoveryRejected"
    assert untouched.record(arn)["phase"] == "abandoned"


def test_an_expired_one_too(untouched: Emergency) -> None:
    arn = untouched.to_before_the_run()
    untouched.cloud.expire_approval(arn)
    assert untouched.ends(arn).outcome == "RecoveryExpired"


@pytest.mark.parametrize("place", ABORTS)
def test_an_abort_before_the_swap_puts_everything_back(untouched: Emergency, place: str) -> None:
    function, event = ABORTS[place]
    with untouched.aborted_after(function, **event) as aborted:
        arn = untouched.to_before_the_run()
        untouched.cloud.until(lambda: aborted, 60, lambda: untouched.cloud.story(arn))
    assert untouched.put_back_by_event(arn).outcome == "RecoveryAbandoned"
    assert untouched.record(arn)["phase"] == "abandoned"


FAILURES: dict[str, Any] = {
    "quota": lambda cloud: cloud.instances.refuse_next("InstanceQuotaExceeded"),
    "failed": lambda cloud: cloud.instances.next_restore_ends("failed"),
    "incompatible": lambda cloud: cloud.instances.next_restore_ends("incompatible-restore"),
}
SAID = {
    "quota": "raise the quota of DB instances",
    "failed": "RDS says failed",
    "incompatible": "RDS says incompatible-restore",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_restore_that_fails_puts_everything_back(untouched: Emergency, failure: str) -> None:
    FAILURES[failure](untouched.cloud)
    ending = untouched.ends(untouched.to_before_the_run())
    assert ending.outcome == "RecoveryFailed" and SAID[failure] in ending.cause, ending


def test_what_rds_cannot_restore_is_refused_before_the_fence(untouched: Emergency) -> None:
    for request, said in (
        ({"time": "2001-01-01T00:00:00Z"}, "outside of what RDS can restore"),
        ({"snapshot": "no-such"}, "There is no snapshot no-such"),
        ({}, "either a time or a snapshot"),
    ):
        ending = untouched.ends(untouched.start(**request))
        assert ending.outcome == "RecoveryRefused" and said in ending.cause
        assert "Fence the application" not in ending.states


def test_every_row_of_before_comes_back_and_none_of_after(there: Emergency) -> None:
    arn = there.to_before_the_run()
    shown = get(there.pipeline.link(arn))[1]
    assert "A swap leaves behind" in shown and f"just before run {there.run}" in shown
    assert "orders" in shown
    ending = there.finish(arn)
    assert ending.outcome == "Recovered", ending
    kept = there.kept(arn)
    assert there.rows() == there.before and there.rows_of(kept) == there.there
    assert there.names() == sorted([there.database, kept])
    assert there.lets_the_application_in() and there.record(arn)["phase"] == "opened"
    (notice,) = (
        mail.body for mail in there.pipeline.mails("team@example.com") if ": recovered (" in mail.subject
    )
    assert "Time to recover:" in notice and kept in notice and "Left to do:" in notice
    assert [decision for decision in there.cloud.decisions if not decision.allowed] == []
