"""JSONata and variables mean here what they mean on AWS."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from dbmigrate_local.cloud import Cloud

NUMBERS = itertools.count(1)


@pytest.fixture
def run(cloud: Cloud) -> Any:
    """Runs a machine of the given states; gives status, output, error and the states entered."""
    role = cloud.client("iam").get_role(RoleName=cloud.resources["MachineRole"])["Role"]["Arn"]

    def walk(states: dict[str, Any], input: Any = None) -> dict[str, Any]:
        states.setdefault("End", {"Type": "Succeed", "Output": "{% $states.input %}"})
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        machine = cloud.client("stepfunctions").create_state_machine(
            name=f"machine-{next(NUMBERS)}", definition=json.dumps(definition), roleArn=role
        )
        started = cloud.client("stepfunctions").start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps(input)
        )
        ended = cloud.wait(started["executionArn"])
        output = json.loads(ended["output"]) if "output" in ended else None
        return {**ended, "output": output, "states": cloud.states(started["executionArn"])}

    return walk


def evaluated(run: Any, expression: str, input: Any = None) -> Any:
    return run({"Say": {"Type": "Pass", "Output": {"value": expression}, "Next": "End"}}, input)["output"][
        "value"
    ]


@pytest.mark.parametrize(
    "expression, input, value",
    [
        ("{% $states.input.a / 2 %}", {"a": 5}, 2.5),
        ("{% $states.input.items[price > 1].name %}", {"items": [{"name": "x", "price": 2}]}, "x"),
        ("{% $count($states.input.none) %}", {"none": []}, 0),
        ("{% $states.input.nothing = null %}", {"nothing": None}, True),
        ("{% $parse('{\"a\": [1]}').a[0] %}", None, 1),
        (
            "{% $hash('x', 'SHA-256') %}",
            None,
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        ),
        ("{% $partition([1,2,3], 2)[1][0] %}", None, 3),
        ("{% 'quo\"te' & '\\n' %}", None, 'quo"te\n'),
        ("{% $states.context.Execution.Input.a %}", {"a": "ä"}, "ä"),
    ],
)
def test_expressions(run: Any, expression: str, input: Any, value: Any) -> None:
    assert evaluated(run, expression, input) == value


@pytest.mark.parametrize("expression", ["{% $states.input.missing %}", "{% 1 + 'a' %}", "{% $sum %}"])
def test_what_has_no_value_is_an_evaluation_error(run: Any, expression: str) -> None:
    ended = run({"Say": {"Type": "Pass", "Output": {"value": expression}, "Next": "End"}}, {})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_a_condition_must_be_a_boolean(run: Any) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "End"}], "Default": "End"}
    assert run({"Choose": choice})["error"] == "States.QueryEvaluationError"


def test_output_and_assign_see_the_variables_as_they_were(run: Any) -> None:
    states = {
        "First": {"Type": "Pass", "Assign": {"n": 1}, "Next": "Second"},
        "Second": {
            "Type": "Pass",
            "Assign": {"n": "{% $n + 1 %}", "before": "{% $n %}"},
            "Output": "{% $n %}",
            "Next": "Third",
        },
        "Third": {"Type": "Pass", "Output": "{% [$states.input, $n, $before] %}", "Next": "End"},
    }
    assert run(states)["output"] == [1, 2, 1]


@pytest.mark.parametrize("matches, assigned", [(True, "rule"), (False, "default")])
def test_a_choice_assigns_by_the_way_that_it_takes(run: Any, matches: bool, assigned: str) -> None:
    states = {
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input %}", "Assign": {"by": "rule"}, "Next": "Say"}],
            "Assign": {"by": "default"},
            "Default": "Say",
        },
        "Say": {"Type": "Pass", "Output": "{% $by %}", "Next": "End"},
    }
    assert run(states, matches)["output"] == assigned


def test_the_clock_moves_with_waits_and_only_then(run: Any, cloud: Cloud) -> None:
    states = {
        "Begin": {"Type": "Pass", "Assign": {"began": "{% $millis() %}"}, "Next": "Wait"},
        "Wait": {"Type": "Wait", "Seconds": 3600, "Next": "Say"},
        "Say": {
            "Type": "Pass",
            "Output": {
                "waited": "{% $millis() - $began %}",
                "behind": "{% $millis() - $toMillis($states.context.State.EnteredTime) %}",
                "now": "{% $toMillis($now()) - $millis() %}",
            },
            "Next": "End",
        },
    }
    told = run(states)["output"]
    assert 3_600_000 <= told["waited"] < 3_610_000
    assert abs(told["behind"]) < 5_000 and abs(told["now"]) < 5_000
    assert ("wait", 3600) in cloud.waits


def test_a_failed_expression_of_a_task_is_caught(run: Any, cloud: Cloud) -> None:
    states = {
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": cloud.resources["EchoFunction"], "Payload": "{% $missing %}"},
            "Catch": [
                {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "End"}
            ],
            "Next": "End",
        }
    }
    assert run(states)["output"] == "States.QueryEvaluationError"
