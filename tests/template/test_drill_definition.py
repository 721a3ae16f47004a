"""What no drill can show of its state machine: its limits, its vocabulary, its linters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.template.definition import DRILL, assigned, expressions, strings, variables
from tests.template.template import ENVIRONMENTS, policy_of, references, resources, template
from tests.template.test_definition import ASL_VALIDATOR, DAY, MOST_EVENTS, SERVICE, VERBS
from tests.template.test_permissions import actions, statements

STATES = DRILL.states
WITH_DRILLS = [name for name in ENVIRONMENTS if policy_of(name)["Backup"] == "required"]
MORE_VERBS = {"Discard", "Rehearse", "Record"}
FINE = {"DrillPassed", "DrillDiscarded"}


@pytest.mark.parametrize("name", DRILL.tasks)
def test_every_task_is_bounded_retried_and_caught(name: str) -> None:
    task = DRILL.tasks[name]
    function = resources("AWS::Serverless::Function")[task["Arguments"]["FunctionName"][2:-1]]["Properties"]
    usual = template()["Globals"]["Function"]["Timeout"]
    assert task["TimeoutSeconds"] > function.get("Timeout", usual)
    assert sum(set(retry["ErrorEquals"]) == SERVICE for retry in task["Retry"]) == 1
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"] and task["Catch"][-1]["Assign"]
    # To tell people is the only thing that is not the same a second time.
    assert (task["Retry"][-1]["ErrorEquals"] == ["States.ALL"]) == (name != "Notify")


def test_names_are_verb_phrases() -> None:
    found = {name.split()[0] for name in STATES}
    assert found <= VERBS | MORE_VERBS and found >= MORE_VERBS


def test_every_state_is_reached_and_every_target_exists() -> None:
    assert {target for _, target in DRILL.arrows()} | {DRILL.machine["StartAt"]} == set(STATES)


def test_variables_begin_in_the_first_state_and_each_is_read() -> None:
    first = set(STATES["Read the request"]["Assign"])
    assert {name for found in assigned(STATES) for name in found} == first == variables(STATES)


def test_the_callers_input_is_read_in_three_places_only() -> None:
    readers = [name for name, state in STATES.items() if "states.input" in str(strings(state))]
    assert readers == ["Read the request", "Check the request", "Choose the backup"]


def test_nothing_ends_before_the_copy_is_deleted() -> None:
    """From the restore on, every way to an ending leads over the deletion."""
    restored = {"Start the restore"}
    while (
        more := {
            target for source, target in DRILL.arrows() if source in restored and source != "Discard the copy"
        }
        - restored
    ):
        restored |= more
    assert "Discard the copy" in restored and "Choose the ending" not in restored


def test_every_ending_is_recorded_and_announced_first() -> None:
    assert {name for name, target in DRILL.arrows() if target.startswith("Report ")} == {"Choose the ending"}
    first, second, *_ = STATES["Choose the ending"]["Choices"]
    assert (first["Next"], second["Next"]) == ("Record the drill", "Notify")


def test_the_rule_for_ended_drills_knows_every_failing_outcome() -> None:
    pattern = template()["Resources"]["DrillEndedRule"]["Properties"]["EventPattern"]["detail"]["$or"]
    (known,) = (
        error["anything-but"] for way in pattern for error in way.get("error", []) if "anything-but" in error
    )
    assert len(known) == len(set(known)) and set(known) == DRILL.outcomes() - FINE


def test_a_drill_may_invoke_exactly_what_its_definition_uses() -> None:
    given = template()["Resources"]["DrillStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", DRILL.text)) == set(given)
    used = {name for name in given if name.endswith("Function")}
    assert all(given[name] == {"Fn::GetAtt": [name, "Arn"]} for name in used)
    invoke = statements("DrillStateMachineRole")[0]
    assert actions(invoke) == ["lambda:InvokeFunction"]
    assert references(invoke["Resource"]) - {"AWS::NoValue"} == used


@pytest.mark.parametrize("name", DRILL.choices)
def test_a_choice_parses_nothing_because_nothing_would_catch_it(name: str) -> None:
    assert "$parse" not in " ".join(expressions(DRILL.choices[name]))


@pytest.mark.parametrize("expression", sorted(set(expressions(STATES))))
def test_expressions_keep_to_what_behaves_alike_everywhere(expression: str) -> None:
    assert not re.search(r"/|\\|\$eval|\?\?|\?:|\$(?![A-Za-z])", expression)


@pytest.mark.parametrize("environment", WITH_DRILLS)
def test_a_drill_fits_into_the_history_and_into_its_time(environment: str) -> None:
    """A restore that takes its whole budget, a day of reading and two of upgrading in slices of four minutes,
    500 revisions, and a busy RDS twice."""
    # events: a task 5, a retry 3, a wait 2, a choice 2
    budget = int(policy_of(environment)["RestoreBudget"])
    until, often, seldom = map(int, re.findall(r"\b\d+\b", STATES["Wait for the restore"]["Seconds"]))
    looks = until // 1000 // often + (budget - until // 1000) // seldom
    slices = (DAY // 240) * (5 + 2) + (2 * DAY // 240) * (5 + 2 + 2)
    assert looks * (5 + 2 + 2) + slices + 500 * (5 + 2) + 2 * 60 * 3 + 60 * 3 < MOST_EVENTS * 0.95
    assert DRILL.machine["TimeoutSeconds"] > budget + 3 * DAY + 3 * 3600


def test_drills_begin_by_themselves_unless_the_schedule_is_off() -> None:
    conditions = template()["Conditions"]
    rule = template()["Resources"]["DrillRule"]
    assert rule["Condition"] == "DrillsOnSchedule"
    backed_up, switched_on = conditions["DrillsOnSchedule"]["Fn::And"]
    off: list[Any] = switched_on["Fn::Not"][0]["Fn::Or"]
    assert backed_up == {"Condition": "TakesBackups"}
    assert [each["Fn::Equals"] for each in off] == [
        [{"Ref": "DrillSchedule"}, ""],
        [{"Ref": "DrillSchedule"}, "DISABLED"],
    ]
    assert template()["Parameters"]["DrillSchedule"]["Default"] == "rate(7 days)"


def test_the_age_of_the_last_drill_is_measured_more_often_than_it_is_judged() -> None:
    alarm = template()["Resources"]["DrillTooOldAlarm"]["Properties"]
    assert (
        alarm["Threshold"] == {"Ref": "DrillMaxAge"} and alarm["Period"] * alarm["EvaluationPeriods"] == DAY
    )
    # a new stack has no datum yet, and an alarm that was raised must not end because nobody measures
    assert alarm["TreatMissingData"] == "ignore"
    (event,) = template()["Resources"]["RecordDrillFunction"]["Properties"]["Events"].values()
    assert json.loads(event["Properties"]["Input"]) == {"question": "age"}
    assert event["Properties"]["Schedule"] == "rate(1 day)"


def test_statelint(tmp_path: Path) -> None:
    """It wants an integer in Seconds, where AWS takes JSONata too; and a condition that it can evaluate by
    what was assigned last it takes for its answer."""
    copy = json.loads(DRILL.text)
    for found in assigned(copy["States"]):
        found |= {"outcome": f"{{% '{found['outcome']}' %}}"} if found.get("outcome") else {}
    for name in ("Wait for the restore", "Wait for the work"):
        copy["States"][name]["Seconds"] = 1
    (tmp_path / "copy.json").write_text(json.dumps(copy))
    program = Path(sys.executable).with_name("statelint")
    done = subprocess.run(
        [program, "--eval-jsonata", tmp_path / "copy.json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, "", "")


if ASL_VALIDATOR.exists() and shutil.which("node"):  # as for the other machines

    def test_asl_validator() -> None:
        command = [ASL_VALIDATOR, "--json-path", DRILL.file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
