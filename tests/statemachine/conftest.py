"""The real template and state machine on the stand-in, one environment at a time, with fake functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.statemachine.drilling import HAPPY as DRILLS
from tests.statemachine.drilling import Drill
from tests.statemachine.machine import Machine
from tests.statemachine.recovering import HAPPY as RECOVERIES
from tests.statemachine.recovering import Recovery
from tests.statemachine.scenario import Scenario
from tests.template.template import ROOT, parameters_of, policy_of

from dbmigrate_local.stand_in import stand_in

CHOICES = {"": {}, "broken-glass": {"BreakGlass": "yes"}, "recovery": {"RecoveryAfterFailure": "automatic"}}
"""What a team may choose for its stack."""


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One deployed environment. Tests say which by `everywhere`, `careful` or `only`."""
    environment, _, chosen = request.param.partition("+")
    given = CHOICES[chosen]
    scenario = Scenario()
    with stand_in(
        template=ROOT / "template.yaml",
        parameters=parameters_of(environment, **given),
        folder=tmp_path_factory.mktemp(environment),
        handlers=scenario.handlers(*RECOVERIES, *DRILLS),
    ) as cloud:
        policy = policy_of(environment)
        policy["Recovery"] = given.get("RecoveryAfterFailure", policy["Recovery"])
        yield Machine(cloud, environment, policy, scenario)


@pytest.fixture(scope="module")
def recovery(machine: Machine) -> Recovery:
    """The machine of recoveries of the same environment."""
    return Recovery(machine.cloud, machine.environment, machine.policy, machine.scenario)


@pytest.fixture(scope="module")
def drill(machine: Machine) -> Drill:
    """The machine of drills of the same environment."""
    return Drill(machine.cloud, machine.environment, machine.policy, machine.scenario)
