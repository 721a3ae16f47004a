"""The roles of docs/first-deploy.md: whom they trust, and that they may do what the command does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.workflows.ci import ROOT

DOC = (ROOT / "docs/first-deploy.md").read_text()
# What the command asks of AWS, as boto3 calls it.
NEEDED = {
    "describe_stacks": "cloudformation:DescribeStacks",
    "head_object": "s3:GetObject",
    "put_object": "s3:PutObject",
    "start_execution": "states:StartExecution",
    "describe_execution": "states:DescribeExecution",
    "get_execution_history": "states:GetExecutionHistory",
    "list_executions": "states:ListExecutions",
    "invoke": "lambda:InvokeFunction",
}
# What stopping a run takes besides; a right of people, not of the CI.
STOPPING = {
    "invoke": "lambda:InvokeFunction",
    "stop_execution": "states:StopExecution",
    "describe_execution": "states:DescribeExecution",
}
# What recovering, drilling and looking for who is to blame takes besides.
RECOVERING = {
    "get_object": "s3:GetObject",
    "start_execution": "states:StartExecution",
    "describe_execution": "states:DescribeExecution",
    "get_execution_history": "states:GetExecutionHistory",
    "CloudWatchAlarms": "cloudwatch:DescribeAlarms",
    "episodes": "cloudwatch:DescribeAlarmHistory",
    "invoke": "lambda:InvokeFunction",
}
PROVIDER = "token.actions.githubusercontent.com"


def policies() -> list[dict[str, Any]]:
    blocks = re.findall(r"```json\n(.*?)```", DOC.partition("## CI\n")[2], re.S)
    return [json.loads(block) for block in blocks]


def test_the_trust_names_one_environment_exactly() -> None:
    trust = policies()[0]["Statement"][0]
    assert trust["Condition"].keys() == {"StringEquals"}
    conditions = trust["Condition"]["StringEquals"]
    assert {key.rpartition(":")[2] for key in conditions} == {"aud", "sub"}
    assert "*" not in json.dumps(trust)
    assert re.fullmatch(r"repo:\w+/\w+:environment:staging", conditions[f"{PROVIDER}:sub"])


@pytest.mark.parametrize(("policy", "calls"), [(1, NEEDED), (2, STOPPING), (3, RECOVERING)])
def test_the_role_may_do_what_the_command_does_and_nothing_else(policy: int, calls: dict[str, str]) -> None:
    allowed: set[str] = set()
    for statement in policies()[policy]["Statement"]:
        assert statement["Effect"] == "Allow" and statement["Resource"] != "*"
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed == set(calls.values())


def test_the_command_asks_nothing_else_of_aws() -> None:
    # local.py talks to the stand-in, with nobody's role.
    files = [path for path in (ROOT / "cli").rglob("*.py") if path.name != "local.py"]
    source = "".join(path.read_text() for path in files)
    for call in NEEDED | STOPPING | RECOVERING:
        assert re.search(rf"\b{call}\b", source), call
    made = set(re.findall(r'client\("\w+"\)\.(\w+)\(|\b(?:s3|states)\.([a-z_]+)\(', source))
    assert {one or other for one, other in made} <= (NEEDED | STOPPING | RECOVERING).keys()
