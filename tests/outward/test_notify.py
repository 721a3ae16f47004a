"""Notices: every outcome says what happened and what to do next."""

from __future__ import annotations

import json

import pytest
from tests.outward.conftest import MACHINE
from tests.outward.fakes import GRACE, NOW, FakeMessages, Meter, make_plan

from dbmigrate.domain.drill_outcomes import DRILL_OUTCOMES
from dbmigrate.domain.notice import OUTCOMES, notice_subject, subject_line
from dbmigrate.domain.recovery_outcomes import RECOVERY_OUTCOMES
from dbmigrate.service.notify import console_link, notify, read_payload

EXECUTION = MACHINE.replace("stateMachine", "execution") + ":staging-1"
STATUSES = {"FAILED", "TIMED_OUT", "ABORTED"}


def payload(outcome: str, **more):
    return {
        "run": "staging-1",
        "plan": make_plan().slim(),
        "outcome": outcome,
        "command": None,
        "failure": None,
        "reason": None,
        "force": {"asked": False, "allowed": False, "reason": None},
        "backup": {"status": "available", "id": "snap-1"},
        "approval": {"status": "approved", "by": GRACE, "comment": "fine"},
        "started": "2027-01-15T07:00:00.000Z",
        "restore_point": "2027-01-15T07:30:00Z",
        "announce": False,
        **more,
    }


def ended(status: str, **detail):
    asked = {"bundle": "sha256:1", "requested_by": "ada@example.com"}
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "executionArn": EXECUTION,
            "stateMachineArn": MACHINE,
            "name": "staging-1",
            "status": status,
            "startDate": NOW * 1000,
            "stopDate": NOW * 1000 + 90_500,
            "input": json.dumps(asked),
            "error": None,
            "cause": None,
            **detail,
        },
    }


def tell(event, silent: bool = False):
    messages, meter = FakeMessages(), Meter()
    answer = notify(event, "staging", MACHINE, silent, NOW, messages, meter)
    return answer, messages.notices, meter.emitted


@pytest.mark.parametrize("outcome", sorted(OUTCOMES.keys() - STATUSES))
def test_every_outcome_has_a_whole_notice(outcome: str) -> None:
    failed = OUTCOMES[outcome].failed
    answer, [(subject, text)], emitted = tell(payload(outcome))
    assert answer == {"sent": True}
    assert "staging" in subject and OUTCOMES[outcome].title in subject_line(subject)
    for said in (
        outcome,
        "staging-1",
        "1 hour",
        "1 revision: rev1",
        "ada@example.com",
        GRACE,
        "fine",
        "snap-1",
        EXECUTION,
    ):
        assert said in text
    assert ("Next:\n  " in text) == (failed or outcome in ("Forced", "RecoveryBegan"))
    assert "{" not in text
    of_a_run = failed and outcome not in {**RECOVERY_OUTCOMES, **DRILL_OUTCOMES}
    counted = {"MigrationFailures": of_a_run, "ForcedRuns": outcome == "Forced"}
    counted["BackupFailures"] = outcome == "BackupFailed"
    counted["RollbackFailures"] = outcome == "RollbackFailed"
    metrics = ("ForcedRuns", "MigrationFailures", "BackupFailures", "RollbackFailures")
    assert emitted == [(name, 1) for name in metrics if counted[name]]
    assert f"Severity:     {OUTCOMES[outcome].severity}" in text


def test_a_failure_gives_its_message_and_the_machines_command() -> None:
    cause = json.dumps(
        {
            "errorMessage": "users stayed locked for 30 s",
            "errorType": "LockNotFree",
            "stackTrace": ["secret.py"],
        }
    )
    command = "db-migrate --environment production rollback --run staging-1"
    event = payload("NeedsManualRollback", command=command, failure={"Error": "LockNotFree", "Cause": cause})
    _, [(_, text)], _ = tell(event)
    assert "Why:\nLockNotFree: users stayed locked for 30 s" in text
    assert f"Next:\n  {command}" in text and "secret.py" not in text


def test_a_forced_run_says_why() -> None:
    event = payload(
        "Forced", force={"asked": True, "allowed": True, "reason": "checkout is down"}, announce=True
    )
    _, [(subject, text)], _ = tell(event)
    assert "FORCED" in subject and "checkout is down" in text


def test_a_run_that_was_refused_early_has_a_notice_too() -> None:
    event = {
        "run": "staging-1",
        "outcome": "ValidationFailed",
        "plan": {},
        "failure": {"Error": "BadRequest", "Cause": "no bundle"},
    }
    _, [(_, text)], _ = tell(event)
    assert "BadRequest: no bundle" in text and "db-migrate --environment staging deploy" in text


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_an_execution_that_ended_without_a_word_is_announced(status: str) -> None:
    _, [(subject, text)], emitted = tell(ended(status, error="States.Runtime", cause="An error in JSONata"))
    assert OUTCOMES[status].title in subject
    for said in (
        "1 minute 30 seconds",
        "ada@example.com",
        "States.Runtime: An error in JSONata",
        EXECUTION,
        "status",
    ):
        assert said in text
    assert emitted == [("MigrationFailures", 1)]


def test_an_execution_that_told_everyone_itself_is_not_announced_again() -> None:
    assert tell(ended("FAILED", error="RolledBack")) == ({"sent": False}, [], [])


@pytest.mark.parametrize("text", [None, "not json", "[1]"])
def test_an_unreadable_input_does_not_stop_the_notice(text) -> None:
    _, [(_, notice)], _ = tell(ended("ABORTED", input=text, startDate=None))
    assert "aborted" in notice and "Requested by" not in notice


def test_a_silent_environment_counts_but_sends_nothing() -> None:
    assert tell(payload("RolledBack"), silent=True) == ({"sent": False}, [], [("MigrationFailures", 1)])


def test_an_outcome_of_a_later_version_still_has_words() -> None:
    _, [(subject, text)], _ = tell(payload("SomethingNew"))
    assert "ended" in subject and "SomethingNew" in text


def test_long_plans_are_cut_and_rollbacks_say_so() -> None:
    plan = make_plan().slim() | {"pending": [f"r{n}" for n in range(12)], "direction": "downgrade"}
    _, [(_, text)], _ = tell(payload("Succeeded", plan=plan))
    assert "12 revisions, to undo: r0, r1" in text and "r9 and 2 more" in text


@pytest.mark.parametrize(
    ("arn", "host"),
    [
        (EXECUTION, "https://eu-west-1.console.aws.amazon.com/"),
        (EXECUTION.replace("arn:aws:", "arn:aws-cn:"), "https://eu-west-1.console.amazonaws.cn/"),
        ("local", ""),
    ],
)
def test_the_link_leads_to_the_console(arn: str, host: str) -> None:
    link = console_link(arn)
    assert link.startswith(host) and link.endswith(arn if host else "")


def test_a_subject_of_the_longest_run_is_short_enough() -> None:
    ending = read_payload(
        payload("RollbackFailed", run="production-rollback-" + "a" * 60), "production", "", NOW
    )
    assert len(subject_line(notice_subject(ending))) < 100
    assert ending.link == ""


def test_the_function_publishes(aws, function) -> None:
    assert function("notify").handler(payload("Succeeded"), None) == {"sent": True}


def test_a_drill_tells_its_figures_and_is_no_failed_migration() -> None:
    report = {
        "outcome": "DrillFailed", "where": "upgrade",
        "backup": {"snapshot": "db-migrate-1", "age_seconds": 7200.0, "rpo_seconds": 4.0},
        "rto": {"restore": 60.0, "verify": 10.0, "total": 70.0},
        "rows": 1_000_000, "bytes": 83_000_000, "tables": 2,
        "revisions": [{"revision": "0002", "seconds": 1.5}],
    }  # fmt: skip
    failure = {"Error": "RevisionFailed", "Cause": '{"errorMessage": "0003: duplicate key"}'}
    _, ((subject, text),), emitted = tell(payload("DrillFailed", report=report, failure=failure))
    assert "DRILL FAILED" in subject and emitted == []
    for line in (
        "Backup:       db-migrate-1, 2 hours old",
        "Failed when:  upgrading the copy",
        "RTO:          1 minute 10 seconds (restore 1 minute, verify 10 seconds)",
        "RPO:          4.00 s",
        "Found:        1,000,000 rows in 2 tables, 83 MB",
        "Rehearsed:    0002 in 1.50 s",
        "RevisionFailed: 0003: duplicate key",
    ):
        assert line in text
    assert "db-migrate --environment staging drill" in text
