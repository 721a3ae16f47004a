"""Validate, back up, ask a person: nothing is upgraded before each said yes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.statemachine.environments import careful, everywhere, only
from tests.statemachine.machine import (
    Machine,
    approves,
    lets_it_expire,
    rejects,
    rejects_without_a_word,
)
from tests.statemachine.scenario import PLAN, error

from dbmigrate_local.gaps.clock import Wait


@everywhere
def test_nothing_pending_is_a_success_that_asks_nobody(machine: Machine) -> None:
    machine.run(Validate=[PLAN | {"pending": []}]).ends_as("NothingPending")
    assert not {"Start the backup", "Request approval", "Upgrade"} & set(machine.states)


@everywhere
@pytest.mark.parametrize("name", ["BundleRejected", "DriftFound", "KeyError"])
def test_whatever_stops_validation_is_a_refusal(machine: Machine, name: str) -> None:
    machine.run(Validate=[error(name, 'r1 rewrites "orders"')]).ends_as("ValidationFailed")
    assert machine.cause.startswith(f"{name}: ") and "orders" in machine.cause
    assert machine.states[2:4] == ["Validate", "Choose the ending"]


@everywhere
def test_another_run_is_named_as_such(machine: Machine) -> None:
    machine.run(Validate=[error("RunInProgress", "staging-abc runs since 10:00")]).ends_as("RunInProgress")


@everywhere
def test_a_throttled_function_is_asked_again(machine: Machine) -> None:
    machine.run(Validate=[error("Lambda.TooManyRequestsException")] * 2 + [PLAN]).ends_as("Succeeded")
    assert len(machine.told("Validate")) == 3


@only("development")
@pytest.mark.parametrize("answer", [{}, None, "odd", [], 7])
def test_an_answer_without_a_list_is_not_nothing_pending(machine: Machine, answer: Any) -> None:
    machine.run(Validate=[answer], Upgrade=[error("PlanOutdated", "no such plan")]).ends_as("PlanOutdated")


@everywhere
def test_backups_and_approvals_follow_the_policy(machine: Machine) -> None:
    machine.run()
    required = machine.policy["Backup"] == "required"
    assert ("Start the backup" in machine.states) == ("Request approval" in machine.states) == required


@careful
@pytest.mark.parametrize(
    "answers",
    [
        {"CheckBackup": [{"status": "creating"}, {"status": "failed"}]},
        {"StartBackup": [error("BackupFailed", "the instance is not available")]},
        {"CheckBackup": [error("KeyError")]},
        {"CheckBackup": [error("BackupFailed", "the snapshot is gone")]},
        {"StartBackup": [None]},
        {"CheckBackup": [{"status": 7}]},
    ],
    ids=["failed", "never-began", "unseen", "gone", "odd-start", "odd-status"],
)
def test_without_a_backup_nothing_is_upgraded(machine: Machine, answers: dict[str, Any]) -> None:
    machine.run(**answers).ends_as("BackupFailed")
    assert not {"Request approval", "Upgrade"} & set(machine.states)


@only("staging")
def test_a_backup_has_a_budget(machine: Machine) -> None:
    machine.run(CheckBackup=[{"status": "creating"}]).ends_as("BackupFailed")
    budget = int(machine.policy["BackupBudget"])
    assert len(machine.told("CheckBackup")) == pytest.approx(budget / 30, abs=1)
    assert f"within {budget} s" in machine.cause and "it is creating" in machine.cause
    assert f"db-migrate --environment {machine.environment} deploy" in machine.cause


@only("staging")
def test_a_copy_shares_the_budget_and_is_named(machine: Machine) -> None:
    copy = {"id": "s-copy", "region": "eu-central-1", "status": "creating", "percent": 30}
    machine.run(CheckBackup=[{"status": "creating", "percent": 100, "copy": copy}]).ends_as("BackupFailed")
    assert "its copy in eu-central-1 is creating, 30 % done" in machine.cause


@only("staging")
def test_a_verdict_on_a_backup_is_final(machine: Machine) -> None:
    machine.run(CheckBackup=[error("BackupFailed", "RDS calls it failed")]).ends_as("BackupFailed")
    assert len(machine.told("CheckBackup")) == 1


@careful
def test_the_daily_backup_of_rds_is_waited_for(machine: Machine) -> None:
    busy = [error("DatabaseBusy", "app cannot be backed up now")] * 3
    machine.run(StartBackup=[*busy, {"id": "snapshot-1"}]).ends_as("Succeeded")
    assert machine.cloud.waits[:3] == [Wait("retry", 60)] * 3


@careful
def test_looking_at_a_backup_is_repeated(machine: Machine) -> None:
    machine.run(CheckBackup=[error("Throttling"), error("Throttling"), {"status": "available"}]).ends_as(
        "Succeeded"
    )
    assert machine.cloud.waits[:3] == [Wait("wait", 30), Wait("retry", 10), Wait("retry", 20)]


@careful
@pytest.mark.parametrize(
    ("person", "outcome"),
    [
        (rejects, "ApprovalRejected"),
        (rejects_without_a_word, "ApprovalRejected"),
        (lets_it_expire, "ApprovalExpired"),
    ],
)
def test_a_person_who_does_not_approve(machine: Machine, person: Any, outcome: str) -> None:
    machine.run(person=person).ends_as(outcome)
    assert "Upgrade" not in machine.states
    if person is rejects:
        assert machine.cause == "ApprovalRejected: alice@example.com: not today"


@careful
def test_how_long_an_approval_waits_is_the_policys(machine: Machine) -> None:
    machine.run()
    tasks = [
        event["taskScheduledEventDetails"]
        for event in machine.history
        if "taskScheduledEventDetails" in event
    ]
    waits = [task["timeoutInSeconds"] for task in tasks if task["resource"] == "invoke.waitForTaskToken"]
    assert waits == [int(machine.policy["ApprovalExpiry"])]


@careful
def test_a_request_that_reached_nobody_is_no_approval(machine: Machine) -> None:
    machine.run(RequestApproval=[error("KeyError")]).ends_as("ApprovalFailed")


@careful
def test_a_request_sent_again_has_a_new_token(machine: Machine) -> None:
    machine.run(RequestApproval=[error("Lambda.ServiceException"), None]).ends_as("Succeeded")
    first, second = (call["token"] for call in machine.told("RequestApproval"))
    assert first != second


def after_sleeping(machine: Machine, seconds: int) -> None:
    machine.cloud.clock.advance(seconds)
    approves(machine)


@careful
def test_a_backup_that_grew_old_is_taken_again(machine: Machine) -> None:
    age = int(machine.policy["MaxBackupAge"])
    machine.run(person=lambda asked: after_sleeping(asked, age + 60)).ends_as("Succeeded")
    assert machine.states.count("Start the backup") == 2 and machine.states.count("Request approval") == 1
    assert machine.told("StartBackup")[1]["previous"]["id"] == "db-migrate-1"
    assert machine.told("Close")[0]["backup"]["id"] == "db-migrate-2"
    restore_point = json.loads(machine.result["output"])["restore_point"]
    assert restore_point == machine.told("Notify")[0]["restore_point"]


@careful
def test_a_young_backup_is_kept(machine: Machine) -> None:
    age = int(machine.policy["MaxBackupAge"])
    machine.run(person=lambda asked: after_sleeping(asked, age - 60)).ends_as("Succeeded")
    assert machine.states.count("Start the backup") == 1


@only("production")
def test_a_backup_slower_than_its_greatest_age_is_taken_once(machine: Machine) -> None:
    slow = [{"status": "creating"}] * 150  # 150 looks of 30 s are more than an hour
    machine.run(CheckBackup=[*slow, {"status": "available"}]).ends_as("Succeeded")
    assert machine.states.count("Start the backup") == 1


COPYING = {"status": "creating", "copy": {"id": "c", "region": "eu-central-1", "status": "creating"}}
COPIED = {"status": "available", "copy": COPYING["copy"] | {"status": "available"}}


@only("production")
def test_the_age_of_a_backup_counts_from_its_original_not_from_its_copy(machine: Machine) -> None:
    age = int(machine.policy["MaxBackupAge"])
    looks = [COPYING] * 60 + [COPIED]  # half an hour of copying
    machine.run(
        CheckBackup=[*looks, *looks], person=lambda asked: after_sleeping(asked, age - 1800 + 60)
    ).ends_as("Succeeded")
    assert machine.states.count("Start the backup") == 2


@only("production")
def test_a_copy_slower_than_the_greatest_age_is_made_once(machine: Machine) -> None:
    looks = [COPYING] * 150 + [COPIED]
    machine.run(CheckBackup=looks, person=lambda asked: after_sleeping(asked, 60)).ends_as("Succeeded")
    assert machine.states.count("Start the backup") == 1
