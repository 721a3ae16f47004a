"""The real template, deployed here for every environment; what AWS would refuse is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.deploy import DeploymentFailed, read_template
from dbmigrate_local.gaps.state_machines import SubstitutionMissing
from dbmigrate_local.lambda_runtime import Handler
from dbmigrate_local.stand_in import stand_in
from dbmigrate_local.template_rules import RuleBroken, check_rules

REAL = Path(__file__).parents[2] / "template.yaml"
SMALL = Path(__file__).with_name("project")
PLAN = {
    "digest": "sha256:abc",
    "from": "r0",
    "to": "r1",
    "pending": ["r1"],
    "reversible": True,
    "code": "ABC123",
}
DONE = {"status": "done", "revision": "r1", "seconds": 0.1, "lock_waits": 0, "completed": 1, "total": 1}


def told(answer: Any) -> Handler:
    """A handler that gives the same answer always, or raises it."""

    def handler(event: Any, context: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def happy(**changed: Any) -> dict[str, Handler]:
    answers = {
        "ValidateFunction": PLAN,
        "StartBackupFunction": {"id": "snapshot-1", "kind": "instance"},
        "CheckBackupFunction": {"status": "available", "percent": 100},
        "RequestApprovalFunction": None,
        "MeasureFunction": {"status": "ready"},
        "UpgradeFunction": DONE,
        "RollBackFunction": DONE,
        "InspectFunction": {**DONE, "status": "continue"},
        "VerifyFunction": {"fingerprint": "f", "checks": []},
        **dict.fromkeys(("WatchFunction", "CloseFunction", "NotifyFunction"), {}),
    }
    return {name: told(answer) for name, answer in (answers | changed).items()}


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_the_real_template_runs_to_its_end(environment: str) -> None:
    with stand_in(REAL, {"Environment": environment}, handlers=happy()) as cloud:
        run = cloud.start({"bundle": f"sha256:{'0' * 64}", "requested_by": "alice@example.com"})
        if environment != "development":
            cloud.succeed_task(
                run, {"by": "bob@example.com", "digest": PLAN["digest"], "at": "", "comment": ""}
            )
        ended = cloud.wait(run)
        assert json.loads(ended["output"])["outcome"] == "Succeeded", cloud.story(run)
        assert cloud.judge.denied == []
        stack = cloud.client("cloudformation").describe_stacks(StackName=f"db-migrate-{environment}")[
            "Stacks"
        ][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_a_run_that_fails_says_so() -> None:
    with stand_in(REAL, handlers=happy(ValidateFunction=RuntimeError("broken plan"))) as cloud:
        ended = cloud.wait(cloud.start({"bundle": "sha256:x", "requested_by": "alice"}))
        assert (ended["status"], ended["error"]) == ("FAILED", "ValidationFailed")


def test_a_stopped_run_is_closed_and_announced_by_its_rule() -> None:
    with stand_in(REAL, handlers=happy()) as cloud:
        run = cloud.start({"bundle": f"sha256:{'0' * 64}", "requested_by": "alice@example.com"})
        cloud.token(run)
        cloud.client("stepfunctions").stop_execution(executionArn=run, error="Enough", cause="we know better")
        cloud.wait(run)
        heard = {made.logical_id for made in cloud.invocations if "detail-type" in (made.event or {})}
        assert heard == {"CloseFunction", "NotifyFunction"}
        assert cloud.judge.denied == []


def test_a_password_lies_in_a_secret_and_nowhere_else() -> None:
    database = DatabaseServer("postgresql://app:hunter2@db.internal:6543/orders")
    with stand_in(SMALL / "template.yaml", database=database) as cloud:
        assert (
            cloud.parameters["DatabaseHost"] == "db.internal" and cloud.parameters["DatabasePort"] == "6543"
        )
        assert "hunter2" not in json.dumps(cloud.parameters)
        secret = cloud.client("secretsmanager").get_secret_value(
            SecretId=cloud.parameters["DatabaseSecretArn"]
        )
        assert json.loads(secret["SecretString"]) == {"username": "app", "password": "hunter2"}


def test_the_user_s_own_account_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"AWS_PROFILE": "mine", "AWS_ENDPOINT_URL": "https://elsewhere.invalid", "AWS_REGION": "eu-west-1"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    with stand_in(SMALL / "template.yaml") as cloud:
        answer, _ = cloud.invoke("EchoFunction", {})
        assert ":123456789012:" in answer["identity"]
        assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL"} & os.environ.keys()
        with pytest.raises(Exception, match="nothing here may reach the real one"):
            boto3.client("sts", "us-east-1", endpoint_url="https://elsewhere.invalid").get_caller_identity()
    assert {name: os.environ[name] for name in own} == own


def edited(tmp_path: Path, change: Callable[[str], str]) -> Path:
    """The small project with its template changed."""
    copy = tmp_path / "project"
    copy.mkdir()
    for part in SMALL.iterdir():
        (copy / part.name).symlink_to(part)
    (copy / "template.yaml").unlink()
    (copy / "template.yaml").write_text(change((SMALL / "template.yaml").read_text()))
    return copy / "template.yaml"


@pytest.mark.parametrize(
    "before, after, error, message",
    [
        ("Expiry: !FindInMap", "Other: !FindInMap", SubstitutionMissing, r"no value for \$\{Expiry\}"),
        ("Type: AWS::S3::Bucket", "Type: AWS::Amplify::App", DeploymentFailed, "AWS::Amplify::App"),
        ("logs:PutResourcePolicy, ", "", DeploymentFailed, "may not logs:PutResourcePolicy"),
        (
            "ENVIRONMENT: !Ref Environment",
            'ENVIRONMENT: !Sub "${Api}"',
            DeploymentFailed,
            "refer to each other in a circle",
        ),
    ],
)
def test_what_aws_would_refuse(
    tmp_path: Path, before: str, after: str, error: type[Exception], message: str
) -> None:
    template = edited(tmp_path, lambda text: text.replace(before, after))
    with pytest.raises(error, match=message), stand_in(template):
        pass


def test_a_rule_refuses_before_anything_is_made(cloud_template: dict[str, Any]) -> None:
    with pytest.raises(RuleBroken, match="SomebodyIsNamed.*Name a user who can log in"):
        check_rules(cloud_template, {"Environment": "production", "DatabaseUser": "nobody"})
    check_rules(cloud_template, {"Environment": "staging", "DatabaseUser": "nobody"})
    check_rules(cloud_template, {"Environment": "production", "DatabaseUser": "app"})


@pytest.fixture
def cloud_template() -> dict[str, Any]:
    return read_template(SMALL / "template.yaml")


def test_slow_means_real_time(tmp_path: Path) -> None:
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
    with stand_in(SMALL / "template.yaml", pace=1) as cloud:
        ended = run_of(cloud, {"QueryLanguage": "JSONata", **definition})
        assert (ended["stopDate"] - ended["startDate"]).total_seconds() >= 1


def test_leaving_stops_what_still_waits() -> None:
    with stand_in(SMALL / "template.yaml", pace=1) as cloud:
        run = cloud.start({"question": "May I?"})
        cloud.until(lambda: "Wait a day" in cloud.states(run))
        execution = cloud.execution(run)
    assert execution.status == "ABORTED"


def run_of(cloud: Cloud, definition: dict[str, Any]) -> dict[str, Any]:
    states = cloud.client("stepfunctions")
    role = cloud.client("iam").get_role(RoleName=cloud.resources["MachineRole"])["Role"]["Arn"]
    machine = states.create_state_machine(name="other", definition=json.dumps(definition), roleArn=role)
    started = states.start_execution(stateMachineArn=machine["stateMachineArn"])
    return cloud.wait(started["executionArn"])
