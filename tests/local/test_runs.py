"""Runs of a state machine that waits for a person: answered, failed, expired, retried, stopped, joined."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dbmigrate_local.cloud import Cloud, StillWaiting

NUMBERS = itertools.count(1)


@pytest.fixture
def started(cloud: Cloud) -> str:
    return cloud.start({"question": "May I?"}, f"run-{next(NUMBERS)}")


def test_a_run_with_an_answer_goes_on(cloud: Cloud, started: str) -> None:
    cloud.succeed_task(started, {"by": "alice"})
    ended = cloud.wait(started)
    output = json.loads(ended["output"])
    assert ended["status"] == "SUCCEEDED" and output["answer"] == {"by": "alice"}
    assert output["waited"] >= 86_400_000
    assert cloud.states(started) == ["Begin", "Wait a day", "Ask", "Work", "Succeed"]


def test_a_failed_task_keeps_its_cause(cloud: Cloud, started: str) -> None:
    cloud.fail_task(started, "Rejected", "alice: not today")
    ended = cloud.wait(started)
    assert (ended["error"], ended["cause"]) == ("NotDone", "Rejected: alice: not today")


def test_a_task_without_an_answer_expires(cloud: Cloud, started: str) -> None:
    cloud.expire_approval(started)
    assert cloud.wait(started)["cause"] == "Expired"


def test_the_newest_run_expires_when_none_is_named(cloud: Cloud, started: str) -> None:
    cloud.expire_approval()
    assert cloud.wait(started)["cause"] == "Expired"


def test_an_answer_counts_once(cloud: Cloud, started: str) -> None:
    states, token = cloud.client("stepfunctions"), cloud.token(started)
    states.send_task_success(taskToken=token, output="{}")
    with pytest.raises(ClientError) as again:
        states.send_task_success(taskToken=token, output="{}")
    assert again.value.response["Error"]["Code"] == "TaskTimedOut"
    assert cloud.wait(started)["status"] == "SUCCEEDED"


def test_a_made_up_token_is_invalid(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.client("stepfunctions").send_task_success(taskToken="made up", output="{}")
    assert refused.value.response["Error"]["Code"] == "InvalidToken"


def test_an_output_that_is_no_json_is_refused(cloud: Cloud, started: str) -> None:
    token = cloud.token(started)
    with pytest.raises(ClientError) as refused:
        cloud.client("stepfunctions").send_task_success(taskToken=token, output="{")
    assert refused.value.response["Error"]["Code"] == "InvalidOutput"


def test_a_retried_task_has_a_new_token(cloud: Cloud, started: str) -> None:
    first = cloud.token(started)
    cloud.fail_task(started, "AskAgain")
    second = cloud.until(lambda: (token := cloud.token(started)) != first and token)
    with pytest.raises(ClientError):
        cloud.client("stepfunctions").send_task_success(taskToken=first, output="{}")
    cloud.client("stepfunctions").send_task_success(taskToken=second, output="{}")
    assert cloud.wait(started)["status"] == "SUCCEEDED"
    assert ("retry", 60) in cloud.waits


def test_a_stopped_run_does_not_wait_on(cloud: Cloud, started: str) -> None:
    cloud.token(started)
    cloud.client("stepfunctions").stop_execution(executionArn=started, error="Enough", cause="we know better")
    ended = cloud.wait(started)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Enough", "we know better")
    assert "stopDate" in ended


def test_the_same_start_joins_and_another_is_refused(cloud: Cloud, started: str) -> None:
    name = started.rsplit(":", 1)[-1]
    assert cloud.start({"question": "May I?"}, name) == started
    with pytest.raises(ClientError) as refused:
        cloud.start({"question": "Something else?"}, name)
    assert refused.value.response["Error"]["Code"] == "ExecutionAlreadyExists"


def test_waiting_for_a_person_ends_with_the_run(cloud: Cloud, started: str) -> None:
    cloud.expire_approval(started)
    cloud.wait(started)
    with pytest.raises(StillWaiting, match="ended without waiting.*Begin > Wait a day > Ask > Fail"):
        cloud.token(started)


def test_history_has_order_and_pages(cloud: Cloud, started: str) -> None:
    cloud.succeed_task(started, {})
    cloud.wait(started)
    states: Any = cloud.client("stepfunctions")
    last = states.get_execution_history(executionArn=started, reverseOrder=True, maxResults=1)
    assert last["events"][0]["type"] == "ExecutionSucceeded" and last["nextToken"]
    assert len(cloud.history(started)) == cloud.history(started)[-1]["id"]
