"""What no recovery can show of its state machine: its limits, its vocabulary, its linters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.template.definition import RECOVERY, assigned, expressions, strings, variables
from tests.template.template import ENVIRONMENTS, policy_of, resources, template
from tests.template.test_definition import ASL_VALIDATOR, DAY, MOST_EVENTS, SERVICE, VERBS

STATES = RECOVERY.states
WITH_RECOVERY = [name for name in ENVIRONMENTS if policy_of(name)["Backup"] == "required"]
MORE_VERBS = {"Plan", "Stop", "Fence", "Compare", "Swap", "Open", "Unfence", "Discard"}
BY_EVENTS = {"RecoveryBegan", "RecoveryInterrupted"}
# What follows a token or tells people: a second time is not the same.
ONCE = {"Announce the recovery", "Request approval", "Notify"}


@pytest.mark.parametrize("name", RECOVERY.tasks)
def test_every_task_is_bounded_retried_and_caught(name: str) -> None:
    task = RECOVERY.tasks[name]
    assert task["TimeoutSeconds"]
    assert sum(set(retry["ErrorEquals"]) == SERVICE for retry in task["Retry"]) == 1
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"] and task["Catch"][-1]["Assign"]


def test_every_step_asks_what_is_there_and_is_retried_on_every_error() -> None:
    retried = {
        name
        for name, task in RECOVERY.tasks.items()
        for retry in task["Retry"]
        if "States.ALL" in retry["ErrorEquals"]
    }
    assert retried == set(RECOVERY.tasks) - ONCE


@pytest.mark.parametrize("name", sorted(set(RECOVERY.tasks) - ONCE))
def test_a_verdict_is_final_before_anything_is_retried(name: str) -> None:
    """The first rule that fits counts, so the verdicts stand before States.ALL, and it stands last."""
    rules = RECOVERY.tasks[name]["Retry"]
    assert [rule["ErrorEquals"] for rule in rules][-1] == ["States.ALL"]
    assert all(rule["MaxAttempts"] == 0 for rule in rules[:-2] if "DatabaseBusy" not in rule["ErrorEquals"]
               and "WrongInstance" not in rule["ErrorEquals"])  # fmt: skip


def test_a_task_outlives_its_function() -> None:
    functions, usual = resources("AWS::Serverless::Function"), template()["Globals"]["Function"]["Timeout"]
    for name, task in RECOVERY.tasks.items():
        function = functions[task["Arguments"]["FunctionName"][2:-1]]["Properties"]
        if name != "Request approval":
            assert task["TimeoutSeconds"] > function.get("Timeout", usual), name


def test_names_are_verb_phrases() -> None:
    found = {name.split()[0] for name in STATES}
    assert found <= VERBS | MORE_VERBS and found >= MORE_VERBS


def test_every_state_is_reached_and_every_target_exists() -> None:
    assert {target for _, target in RECOVERY.arrows()} | {RECOVERY.machine["StartAt"]} == set(STATES)


def test_substitutions_are_those_of_the_template() -> None:
    given = template()["Resources"]["RecoveryStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", RECOVERY.text)) == set(given)
    for name, value in given.items():
        assert not name.endswith("Function") or value == {"Fn::GetAtt": [name, "Arn"]}


def test_variables_begin_in_the_first_state_and_each_is_read() -> None:
    first = set(STATES["Read the request"]["Assign"])
    assert {name for found in assigned(STATES) for name in found} == first == variables(STATES)


def test_only_the_plan_says_which_recovery_it_is() -> None:
    """A resumed one has another execution's name; no step after the plan may change whom it speaks of."""
    naming = {name for name, state in STATES.items() for found in assigned(state) if "recovery" in found}
    assert naming == {"Read the request", "Plan the recovery"}
    policies = {name for name, state in STATES.items() for found in assigned(state) if "policy" in found}
    assert policies == {"Read the request"}


def test_the_callers_input_is_read_in_three_places_only() -> None:
    readers = [
        name
        for name, state in STATES.items()
        if re.search(r"states\.input|Execution\.Input", str(strings(state)))
    ]
    assert readers == ["Read the request", "Check the request", "Plan the recovery"]


def test_output_reads_nothing_that_its_own_state_assigns() -> None:
    for name, state in STATES.items():
        assert not variables(state.get("Output")) & set(state.get("Assign", {})), name


@pytest.mark.parametrize("name", RECOVERY.choices)
def test_a_choice_parses_nothing_because_nothing_would_catch_it(name: str) -> None:
    assert "$parse" not in " ".join(expressions(RECOVERY.choices[name]))


@pytest.mark.parametrize("expression", sorted(set(expressions(STATES))))
def test_expressions_keep_to_what_behaves_alike_everywhere(expression: str) -> None:
    assert not re.search(r"/|\\|\$eval|\?\?|\?:|\$(?![A-Za-z])", expression)


def test_every_ending_is_announced_first() -> None:
    into_reports = {name for name, target in RECOVERY.arrows() if target.startswith("Report ")}
    assert into_reports == {"Choose the ending"}
    assert STATES["Choose the ending"]["Choices"][0]["Next"] == "Notify"


def test_nothing_leads_back_from_behind_the_swap() -> None:
    """Whatever fails from the swap on: no way from there to the fence's lifting but over a plan that nobody
    approved, of which nothing was renamed."""
    behind = ("Open the new instance", "Wait for the swap", "Decide whether the swap is done")
    for name in behind:
        assert {target for source, target in RECOVERY.arrows() if source == name} & {
            "Unfence the old instance",
            "Discard the restored instance",
        } == set()
    back = [
        catch
        for name in ("Swap the instances", *behind)
        for catch in STATES[name].get("Catch", [])
        if "phase" in catch["Assign"]
    ]
    assert [catch["ErrorEquals"] for catch in back] == [["PlanOutdated"]]
    assert STATES["Choose the remedy"]["Choices"][0]["Condition"] == "{% $phase = 'swap' %}"


def test_the_rule_for_ended_recoveries_knows_every_failing_outcome() -> None:
    pattern = template()["Resources"]["RecoveryEndedRule"]["Properties"]["EventPattern"]["detail"]["$or"]
    (known,) = (
        error["anything-but"] for way in pattern for error in way.get("error", []) if "anything-but" in error
    )
    assert len(known) == len(set(known)) and set(known) == RECOVERY.outcomes() - {"Recovered"}


@pytest.mark.parametrize("environment", WITH_RECOVERY)
def test_a_recovery_fits_into_the_history(environment: str) -> None:
    """A restore and a swap that take their whole budgets, two hooks that never end, a busy RDS, and eight
    hours of comparing in slices of a minute."""
    # events: a task 5, a retry 3, a wait 2, a choice 2
    restore = often_then_seldom("Wait for the restore", int(policy_of(environment)["RestoreBudget"]))
    swap = often_then_seldom("Wait for the swap", 14_400)
    hooks = 2 * 3600 // STATES["Wait for the application to stop"]["Seconds"]
    looks, compare, busy = (restore + swap + hooks) * (5 + 2 + 2), 8 * 60 * (5 + 2), 4 * 60 * 3
    assert looks + compare + busy + 100 < MOST_EVENTS * 0.95


def often_then_seldom(state: str, budget: int) -> int:
    """How often a wait is entered, whose pause grows after a while."""
    until, often, seldom = map(int, re.findall(r"\b\d+\b", STATES[state]["Seconds"]))
    return until // 1000 // often + (budget - until // 1000) // seldom


@pytest.mark.parametrize("environment", WITH_RECOVERY)
def test_the_machine_outlives_its_parts(environment: str) -> None:
    policy = policy_of(environment)
    parts = int(policy["ApprovalExpiry"]) + int(policy["RestoreBudget"]) + 14_400 + 3 * 3600
    assert RECOVERY.machine["TimeoutSeconds"] > parts + DAY


def test_statelint(tmp_path: Path) -> None:
    """It wants an integer in TimeoutSeconds and Seconds, where AWS takes JSONata too; and a condition that it
    can evaluate by what was assigned last it takes for its answer."""
    copy = json.loads(RECOVERY.text)
    copy["States"]["Request approval"]["TimeoutSeconds"] = 1
    for name in ("Wait for the restore", "Wait for the swap"):
        copy["States"][name]["Seconds"] = 1
    copy["States"]["Choose the remedy"]["Assign"]["phase"] = "{% 'abandon' %}"
    (tmp_path / "copy.json").write_text(json.dumps(copy))
    program = Path(sys.executable).with_name("statelint")
    done = subprocess.run(
        [program, "--eval-jsonata", tmp_path / "copy.json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, "", "")


if ASL_VALIDATOR.exists() and shutil.which("node"):  # as for the other machine

    def test_asl_validator() -> None:
        command = [ASL_VALIDATOR, "--json-path", RECOVERY.file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
