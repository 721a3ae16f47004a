"""Long work, told from one invocation to the next: how fast it goes, and for how long it has not moved."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from dbmigrate.domain.progress import Progress
from dbmigrate.service.advance import advance, held_up

BUILD = Progress("0007", "create_index_concurrently", "orders", "build the index", 2, 3, percent=10.0)


def told(*seen: Progress, every: float = 300) -> tuple[list[dict[str, Any]], list[dict[str, float]]]:
    """The answers of one invocation after the other, and what each emitted."""
    answers: list[dict[str, Any]] = [{"status": "none"}]
    emitted: list[dict[str, float]] = []
    for number, progress in enumerate(seen):
        metrics: dict[str, float] = {}
        answer = {"status": "working", "wait": 60, "work": progress.to_json()}
        answers.append(advance(answers[-1], answer, 1000 + number * every, metrics.__setitem__))
        emitted.append(metrics)
    return answers[1:], emitted


def at(**changed: Any) -> Progress:
    return Progress.from_json(BUILD.to_json() | changed)


def test_what_moves_does_not_stand_still() -> None:
    answers, emitted = told(BUILD, at(percent=20.0), at(percent=30.0))
    assert [metrics["WorkStillSeconds"] for metrics in emitted] == [0, 0, 0]
    assert [metrics["StatementSeconds"] for metrics in emitted] == [0, 300, 600]
    assert [metrics["WorkPercent"] for metrics in emitted] == [10, 20, 30]
    assert answers[-1]["wait"] == 60 and answers[-1]["work"]["percent"] == 30


def test_what_stands_still_says_for_how_long() -> None:
    _, emitted = told(BUILD, BUILD, BUILD, at(percent=11.0))
    assert [metrics["WorkStillSeconds"] for metrics in emitted] == [0, 300, 600, 0]


def test_another_step_begins_anew() -> None:
    _, emitted = told(BUILD, BUILD, at(step="look at it", number=3))
    assert (emitted[-1]["StatementSeconds"], emitted[-1]["WorkStillSeconds"]) == (0, 0)


@pytest.mark.parametrize("quiet", [at(percent=None), at(paused=True)], ids=["unmeasured", "paused"])
def test_what_cannot_be_seen_moving_or_should_not_move_is_no_alarm(quiet: Progress) -> None:
    _, emitted = told(quiet, quiet, quiet)
    assert {metrics["WorkStillSeconds"] for metrics in emitted} == {0}


def test_rows_a_second_are_those_since_the_last_answer() -> None:
    rows = [at(percent=None, rows_done=done) for done in (0, 30_000, 90_000)]
    _, emitted = told(*rows)
    assert [metrics.get("WorkRowsPerSecond") for metrics in emitted] == [None, 100, 200]


def test_an_answer_without_work_stays_as_it_is() -> None:
    emitted: dict[str, float] = {}
    answers, _ = told(BUILD)
    assert advance(answers[0], {"status": "applied"}, 5000, emitted.__setitem__) == {"status": "applied"}
    assert emitted == {}


def test_a_server_that_keeps_work_waiting_is_seen_by_the_same_alarm() -> None:
    answers, _ = told(BUILD)
    emitted: dict[str, float] = {}
    held_up(answers[0], 4600, emitted.__setitem__)
    assert emitted == {"ServerNotReady": 1, "WorkStillSeconds": 3600}
    emitted.clear()
    held_up({"status": "none"}, 4600, emitted.__setitem__)
    assert emitted == {"ServerNotReady": 1}


def test_times_never_run_backwards() -> None:
    answers, _ = told(BUILD, BUILD, BUILD)
    assert all(one["seen_at"] < other["seen_at"] for one, other in pairwise(answers))
    assert {answer["began_at"] for answer in answers} == {1000}
