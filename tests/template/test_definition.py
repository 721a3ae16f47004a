"""What no run can show of the state machine: its limits, its vocabulary, its linters."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.template.definition import (
    CALLS,
    CHOICES,
    FILE,
    MACHINE,
    STATES,
    TASKS,
    TEXT,
    arrows,
    assigned,
    expressions,
    outcomes,
    strings,
    variables,
)
from tests.template.template import ENVIRONMENTS, ROOT, policy_of, resources, template

from dbmigrate_local.gaps.clock import Clock
from dbmigrate_local.gaps.jsonata import Evaluator

SERVICE = {
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}
READ_ONLY_OR_IDEMPOTENT = {
    "Check the backup", "Measure the server", "Ask the database", "Verify", "Watch the application",
    "Close the run", "Start the recovery",
}  # fmt: skip
MOST_EVENTS = 25_000
DAY = 86_400
VERBS = {
    "Read", "Check", "Validate", "Choose", "Start", "Wait", "Request", "Announce", "Measure", "Upgrade",
    "Ask", "Decide", "Verify", "Watch", "Roll", "Close", "Notify", "Report",
}  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_bounded_retried_and_caught(name: str) -> None:
    task = TASKS[name]
    assert task["TimeoutSeconds"]
    known = {"States.ALL"} if name == "Start the recovery" else SERVICE
    assert sum(set(retry["ErrorEquals"]) == known for retry in task["Retry"]) == 1
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"] and task["Catch"][-1]["Assign"]


def test_only_what_changes_nothing_twice_is_retried_on_every_error() -> None:
    found = {
        n for n, task in TASKS.items() for retry in task["Retry"] if "States.ALL" in retry["ErrorEquals"]
    }
    assert found == READ_ONLY_OR_IDEMPOTENT


def test_a_task_outlives_its_function() -> None:
    functions, usual = resources("AWS::Serverless::Function"), template()["Globals"]["Function"]["Timeout"]
    for name, task in CALLS.items():
        function = functions[task["Arguments"]["FunctionName"][2:-1]]["Properties"]
        if name != "Request approval":
            assert task["TimeoutSeconds"] > function.get("Timeout", usual), name


def test_names_are_verb_phrases() -> None:
    assert {name.split()[0] for name in STATES} == VERBS


def test_every_state_is_reached_and_every_target_exists() -> None:
    assert {target for _, target in arrows()} | {MACHINE["StartAt"]} == set(STATES)


def test_substitutions_are_those_of_the_template() -> None:
    machine = template()["Resources"]["MigrationStateMachine"]["Properties"]
    assert set(re.findall(r"\$\{(\w+)\}", TEXT)) == set(machine["DefinitionSubstitutions"])


def test_substitutions_name_the_function_of_their_name() -> None:
    machine = template()["Resources"]["MigrationStateMachine"]["Properties"]
    for name, value in machine["DefinitionSubstitutions"].items():
        arn = {"Fn::GetAtt": [name, "Arn"]}
        if name == "RollBackFunction":
            arn = {"Fn::If": ["RollsBackByItself", arn, "none"]}
        assert not name.endswith("Function") or value == arn


def test_variables_begin_in_the_first_state_and_each_is_read() -> None:
    first = set(STATES["Read the policy"]["Assign"])
    assert {name for found in assigned(STATES) for name in found} == first == variables(STATES)


def test_nothing_but_the_first_state_assigns_policy_force_or_run() -> None:
    others = [state for name, state in STATES.items() if name != "Read the policy"]
    assert not {name for found in assigned(others) for name in found} & {"policy", "force", "run"}


def test_the_callers_input_is_read_in_three_places_only() -> None:
    readers = [
        name
        for name, state in STATES.items()
        if re.search(r"states\.input|Execution\.Input", str(strings(state)))
    ]
    assert readers == ["Read the policy", "Check the request", "Validate"]


def test_output_reads_nothing_that_its_own_state_assigns() -> None:
    for name, state in STATES.items():
        assert not variables(state.get("Output")) & set(state.get("Assign", {})), name


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_parses_nothing_because_nothing_would_catch_it(name: str) -> None:
    assert "$parse" not in " ".join(expressions(CHOICES[name]))


@pytest.mark.parametrize("expression", sorted(set(expressions(STATES))))
def test_expressions_keep_to_what_behaves_alike_everywhere(expression: str) -> None:
    # division, escapes, $eval, JSONata 2.1's operators, a lone $
    assert not re.search(r"/|\\|\$eval|\?\?|\?:|\$(?![A-Za-z])", expression)


def test_every_ending_passes_through_close() -> None:
    into_reports = {name for name, target in arrows() if target.startswith("Report ")}
    assert into_reports == {"Choose the ending"}
    assert STATES["Choose the ending"]["Choices"][0]["Next"] == "Close the run"


def test_the_rule_for_ended_runs_knows_every_failing_outcome() -> None:
    pattern = template()["Resources"]["EndedRule"]["Properties"]["EventPattern"]["detail"]["$or"]
    (known,) = (
        error["anything-but"] for way in pattern for error in way.get("error", []) if "anything-but" in error
    )
    assert len(known) == len(set(known)) and set(known) == outcomes() - {"Succeeded", "NothingPending"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_run_fits_into_the_history(environment: str) -> None:
    """With two backups that take their whole budget, 500 revisions, an index build and a backfill of a day
    each, and a server that is busy for as long as the policy waits."""
    # events: a task 5, a retry 3, a wait 2, a choice 2
    policy = policy_of(environment)
    looks = int(policy["BackupBudget"]) // STATES["Wait for the backup"]["Seconds"]
    watches = int(policy["BakeTime"]) // STATES["Wait for the next look"]["Seconds"]
    backups_and_watches, revisions = (2 * looks + watches) * (2 + 5 + 2), 500 * 7
    still_running = retry_of("Upgrade", "StillRunning")["MaxAttempts"] * 3
    build = list(slices_in(DAY, busy=5, wait=15, before=0))
    backfill = list(slices_in(DAY, busy=241, wait=0, before=len(build)))
    work = len(build) * (5 + 2 + 2 + 2 + 5) + len(backfill) * (5 + 2 + 2 + 5)
    busy = int(policy["WorkPatience"]) // seconds_of_retries() * (5 + 2 + 3 * len(list(delays())))
    assert backups_and_watches + revisions + still_running + work + busy < MOST_EVENTS * 0.95
    assert len(build) > 100 and set(backfill) == {0}


@pytest.mark.parametrize(("busy", "wait"), [(1, 0), (1, 1), (60, 0), (0, 300)])
def test_no_work_makes_the_machine_ask_too_often(busy: float, wait: float) -> None:
    a_day, another = (len(list(slices_in(days * DAY, busy, wait, before=0))) for days in (1, 2))
    assert a_day <= 400 and another - a_day <= 360


def retry_of(state: str, error: str) -> dict[str, Any]:
    return next(dict(retry) for retry in STATES[state]["Retry"] if error in retry["ErrorEquals"])


def delays() -> Iterator[float]:
    """How long each retry of a busy server waits."""
    retry = retry_of("Measure the server", "ServerNotReady")
    for number in range(retry["MaxAttempts"]):
        yield min(retry["IntervalSeconds"] * retry["BackoffRate"] ** number, retry["MaxDelaySeconds"])


def seconds_of_retries() -> int:
    return int(sum(delays()))


def slices_in(seconds: float, busy: float, wait: float, before: int) -> Iterator[float]:
    """The pauses after the slices of work that takes so long, by the machine's own expression; ``busy``
    seconds are spent in each slice, ``wait`` is what it asks for, ``before`` slices were done already."""
    clock, pause, answered = Clock(), 0.0, 0.0
    expression = STATES["Upgrade"]["Assign"]["pause"][3:-3]
    evaluator = Evaluator(clock)
    answer = {"status": "working", "wait": wait}
    began = clock.now()
    for slices in itertools.count(before):
        clock.advance(pause + busy)
        if clock.now() - began >= seconds:
            return
        known = {"states": {"result": {"Payload": answer}}, "slices": slices, "pause": pause}
        pause = evaluator.evaluate(expression, known | {"answered": answered})
        answered = 1000 * clock.now()
        yield pause


def test_the_machine_outlives_its_parts() -> None:
    def longest(policy: dict[str, str]) -> int:
        return int(policy["ApprovalExpiry"]) + 2 * int(policy["BackupBudget"]) + int(policy["BakeTime"])

    work = 2 * DAY + max(int(policy_of(name)["WorkPatience"]) for name in ENVIRONMENTS)
    assert MACHINE["TimeoutSeconds"] > max(longest(policy_of(name)) for name in ENVIRONMENTS) + work + 2 * DAY


def test_only_a_closed_run_starts_a_recovery_and_never_one_of_production() -> None:
    (into,) = (
        (name, choice["Condition"])
        for name, state in CHOICES.items()
        for choice in state["Choices"]
        if choice["Next"] == "Start the recovery"
    )
    assert into[0] == "Choose the ending" and "$closing = 'done'" in into[1]
    policy = STATES["Read the policy"]["Assign"]["policy"]
    assert policy["recovery"] == "{% '${Environment}' = 'production' ? 'offered' : '${Recovery}' %}"


def test_statelint(tmp_path: Path) -> None:
    """It wants an integer in TimeoutSeconds and Seconds, where AWS takes JSONata too."""
    copy = json.loads(TEXT)
    copy["States"]["Request approval"]["TimeoutSeconds"] = 1
    copy["States"]["Wait for the work"]["Seconds"] = 1
    (tmp_path / "copy.json").write_text(json.dumps(copy))
    program = Path(sys.executable).with_name("statelint")
    done = subprocess.run(
        [program, "--eval-jsonata", tmp_path / "copy.json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, "", "")


ASL_VALIDATOR = ROOT / "node_modules/.bin/asl-validator"

if ASL_VALIDATOR.exists() and shutil.which("node"):  # package.json's devDependency; `make check` installs it

    def test_asl_validator() -> None:
        command = [ASL_VALIDATOR, "--json-path", FILE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
