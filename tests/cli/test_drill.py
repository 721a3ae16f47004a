"""What `db-migrate drill` asks for and refuses, and what it says of a drill."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.cli.cases import run
from tests.cli.test_stack import FakeStates, stack

from dbmigrate_cli.drill_story import DrillStory
from dbmigrate_cli.drilling import Wish, request_of
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import EXIT_CODES, SAID


@pytest.mark.parametrize(
    "given",
    [["--snapshot", "s", "--latest"], ["--latest", "--discard", "d"], ["--snapshot", "s", "--discard", "d"]],
)
def test_one_backup_is_chosen(given: list[str]) -> None:
    answer = run("--environment", "staging", "drill", *given)
    assert answer.code == 2 and "exclude each other" in answer.err


def test_development_has_nothing_to_restore() -> None:
    answer = run("drill")
    assert answer.code == 3 and "no backups" in answer.err and "drill --local" in answer.err


@pytest.mark.parametrize(
    ("wish", "request_"),
    [
        ({}, {}),
        ({"snapshot": "db-migrate-1"}, {"snapshot": "db-migrate-1"}),
        ({"latest": True}, {"time": "latest"}),
        ({"discard": "staging-drill-1"}, {"discard": "staging-drill-1"}),
    ],
)
def test_the_request_says_what_was_typed(wish: dict[str, Any], request_: dict[str, Any]) -> None:
    typed = {"snapshot": None, "latest": False, "bundle": False, "discard": None, **wish}
    asked = request_of(
        Options("staging"), stack(stepfunctions=FakeStates()), Wish(**typed, requested_by="ada", scratch=None)
    )
    assert asked == {**request_, "requested_by": "ada"}


def test_every_bad_end_of_a_drill_has_a_sentence() -> None:
    drills = {name: code for name, code in EXIT_CODES.items() if name.startswith("Drill")}
    assert len(drills) == 5 and {name for name, code in drills.items() if code} == {
        n for n in SAID if n in drills
    }


def told(state: str, answer: dict[str, Any]) -> tuple[DrillStory, str]:
    """What is said of a state's answer."""
    story, moment = DrillStory(), datetime(2027, 1, 1, tzinfo=UTC)
    story.tell({"type": "TaskStateEntered", "timestamp": moment, "stateEnteredEventDetails": {"name": state}})
    output = {"output": json.dumps({"Payload": answer})}
    line = story.tell({"type": "TaskSucceeded", "timestamp": moment, "taskSucceededEventDetails": output})
    assert line is not None
    return story, line.text


WHOLE = {
    "status": "done",
    "checks": ["every row was read"],
    "notes": ["app is larger"],
    "rows": 7,
    "tables": 2,
}
ABOUT = {"bundle": "sha256:1", "from": "a", "to": "b", "total": 2}


@pytest.mark.parametrize(
    ("state", "answer", "text"),
    [
        ("Check the restore", {"id": "app-d-1", "status": "creating"}, "app-d-1: creating"),
        ("Verify the copy", {"status": "working", "cursor": {}}, "reading every row of the copy"),
        (
            "Verify the copy",
            WHOLE,
            "the copy is whole: every row was read; 7 rows in 2 tables; app is larger",
        ),
        ("Rehearse the bundle", {"status": "none"}, "nothing is pending on the copy"),
        (
            "Rehearse the bundle",
            {**ABOUT, "status": "applied", "revision": "b", "completed": 1, "seconds": 1.5},
            "1/2  b in 1.50 s",
        ),
        ("Discard the copy", {"id": "app-d-1", "status": "gone"}, "app-d-1 is deleted"),
    ],
)
def test_a_drill_is_told_state_by_state(state: str, answer: dict[str, Any], text: str) -> None:
    assert told(state, answer)[1] == text


def test_the_report_is_what_was_recorded() -> None:
    story, _ = told("Record the drill", {"drill": "d", "rto": {"total": 1.0}})
    assert story.report == {"drill": "d", "rto": {"total": 1.0}}
