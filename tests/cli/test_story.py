"""An execution's events as lines, and its end as an exit code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dbmigrate_cli.follow import elapsed, written
from dbmigrate_cli.outcomes import EXIT_CODES, SAID, ending_of
from dbmigrate_cli.story import Story

START = datetime(2026, 5, 1, tzinfo=UTC)
STATUS = "db-migrate --environment staging status"
PLAN = {
    "pending": ["0002", "0003"],
    "total": 2,
    "direction": "upgrade",
    "reversible": True,
    "findings": {"note": 3, "review": 1, "block": 0},
}


def told(story: Story, *events: tuple[str, str, Any]) -> list[str]:
    """The lines of (state, event type, details), one second apart."""
    lines = []
    for second, (state, kind, details) in enumerate(events):
        at = START + timedelta(seconds=second)
        entered = {"type": "WaitStateEntered" if kind == "wait" else "TaskStateEntered", "timestamp": at}
        lines.append(story.tell(entered | {"stateEnteredEventDetails": {"name": state}}))
        if kind != "wait":
            key = kind[0].lower() + kind[1:] + "EventDetails"
            lines.append(story.tell({"type": kind, "timestamp": at, key: details}))
    return [written(line) for line in lines if line]


def answer(payload: Any) -> dict[str, str]:
    return {"output": json.dumps({"Payload": payload})}


def test_who_was_in_the_way_is_told() -> None:
    moved = {"revision": "0002", "seconds": 0.5, "completed": 1, "total": 2}
    more = {"terminated": ["pid 7 (web)"], "blockers": ["replica b is 45 s behind"]}
    (line,) = told(Story(), ("Upgrade", "TaskSucceeded", answer(moved | more)))
    assert "0002 in 0.50 s; ended pid 7 (web); in the way: replica b is 45 s behind" in line


def test_a_recovery_that_began_is_named() -> None:
    began = {"ExecutionArn": "arn:aws:states:r:a:execution:machine:staging-recovery-1", "StartDate": 1.5}
    (line,) = told(Story(), ("Start the recovery", "TaskSucceeded", {"output": json.dumps(began)}))
    assert "began staging-recovery-1" in line


def test_a_run_is_told_state_by_state() -> None:
    story = Story(["a@example.com", "b@example.com"])
    lines = told(
        story,
        ("Validate", "TaskSucceeded", answer(PLAN)),
        ("Start the backup", "TaskSucceeded", answer({"id": "snap-1", "kind": "instance"})),
        ("Check the backup", "TaskSucceeded", answer({"status": "creating", "percent": 40})),
        ("Check the backup", "TaskSucceeded", answer({"status": "creating", "percent": 40})),
        ("Check the backup", "TaskSucceeded", answer({"status": "available", "percent": 100})),
        ("Request approval", "TaskSubmitted", {"output": "{}"}),
        (
            "Request approval",
            "TaskSucceeded",
            {"output": json.dumps({"by": "a@example.com", "comment": "go"})},
        ),
        (
            "Upgrade",
            "TaskFailed",
            {"error": "LockNotFree", "cause": json.dumps({"errorMessage": "held by 7\nNext: x"})},
        ),
        (
            "Upgrade",
            "TaskSucceeded",
            answer({"revision": "0002", "seconds": 0.5, "lock_waits": 2, "completed": 1, "total": 2}),
        ),
        ("Verify", "TaskSucceeded", answer({"checks": ["revision", "catalog"]})),
    )
    assert [line.split("  ", 2)[2].split(None, 0)[0] for line in lines]
    text = "\n".join(lines)
    assert "2 revisions pending, 1 to review, reversible" in text
    assert "snapshot snap-1" in text and text.count("creating (40 %)") == 1
    assert "e-mailed to a@example.com, b@example.com; waiting for a decision" in text
    assert "approved by a@example.com: go" in text
    assert "a lock is not free, will try again: held by 7" in text
    assert "1/2  0002 in 0.50 s, a lock was not free 2 times" in text
    assert (story.done, story.backup, story.approved_by) == (["0002"], "snap-1", "a@example.com")


def test_what_fails_again_in_the_same_words_is_told_once() -> None:
    failed = ("Close the run", "TaskFailed", {"error": "WrongEnvironment", "cause": "not ours"})
    assert len(told(Story(), failed, failed, failed)) == 1


def test_no_link_or_token_is_ever_told() -> None:
    submitted = {"output": json.dumps({"token": "secret-token", "link": "https://x/approvals/secret"})}
    assert "secret" not in "".join(
        told(Story(["a@example.com"]), ("Request approval", "TaskSubmitted", submitted))
    )


@pytest.mark.parametrize("seconds, text", [(0, "  0:00"), (65.9, "  1:05"), (3600, "1:00:00")])
def test_elapsed_time(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


@pytest.mark.parametrize(
    "outcome, code",
    [
        ("RolledBack", 1),
        ("BackupFailed", 1),
        ("LockNotFree", 1),
        ("RevisionFailed", 1),
        ("ValidationFailed", 3),
        ("ApprovalRejected", 3),
        ("ApprovalExpired", 3),
        ("ForceRefused", 3),
        ("PlanOutdated", 3),
        ("RunInProgress", 3),
        ("NeedsManualRollback", 4),
        ("RecoveryStarted", 4),
        ("RollbackFailed", 4),
        ("States.Runtime", 4),
    ],
)
def test_outcomes_have_their_documented_code(outcome: str, code: int) -> None:
    assert ending_of({"status": "FAILED", "error": outcome, "cause": "why"}, STATUS).exit_code == code


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_a_stopped_run_needs_a_person(status: str) -> None:
    ending = ending_of({"status": status}, STATUS)
    assert (ending.exit_code, ending.command) == (4, STATUS)


def test_every_failed_outcome_is_a_sentence() -> None:
    failed = {outcome for outcome, code in EXIT_CODES.items() if code}
    assert failed <= set(SAID)


def test_the_cause_gives_the_error_its_words_and_the_command() -> None:
    wrapped = json.dumps(
        {"errorType": "RevisionFailed", "errorMessage": "0002: no\nNext: mend it", "stackTrace": []}
    )
    cause = f"RevisionFailed: {wrapped} | Run: db-migrate --environment production rollback --run r"
    ending = ending_of({"status": "FAILED", "error": "NeedsManualRollback", "cause": cause}, STATUS)
    assert (ending.name, ending.why) == ("RevisionFailed", "0002: no")
    assert ending.command == "db-migrate --environment production rollback --run r"
    assert (
        ending_of({"status": "FAILED", "error": "RolledBack", "cause": f"X: {wrapped}"}, STATUS).command
        == "mend it"
    )


def test_long_work_is_told_when_it_moves() -> None:
    def working(rows: int, **more: Any) -> dict[str, str]:
        work = {"revision": "0002", "operation": "backfill", "table": "users", "step": "write the rows"}
        amount = {"number": 1, "of": 1, "rows_done": rows, "rows_total": 2000, "seconds_left": 90.0}
        return answer(
            {"status": "working", "completed": 0, "total": 2, "wait": 0, "work": work | amount | more}
        )

    lines = told(
        Story(),
        ("Upgrade", "TaskSucceeded", working(500)),
        ("Upgrade", "TaskSucceeded", working(500)),
        ("Wait for the work", "wait", {}),
        ("Upgrade", "TaskSucceeded", working(1000, paused=True)),
        ("Wait for the work", "wait", {}),
    )
    assert [line.partition("  Upgrade")[2].strip() or line.rpartition("  ")[2] for line in lines] == [
        "0/2  0002  backfill users, write the rows, 500 of 2,000 rows (25 %), about 1 minute 30 seconds left",
        "waiting",
        "0/2  0002  backfill users, write the rows, 1,000 of 2,000 rows (50 %), paused",
    ]


def test_a_run_that_a_person_stopped_says_so() -> None:
    described = {"status": "ABORTED", "error": "Stopped", "cause": "stopped by ann"}
    ending = ending_of(described, STATUS)
    assert (ending.outcome, ending.exit_code, ending.command) == ("Stopped", 4, STATUS)
    assert "stopped by ann" in ending.said
