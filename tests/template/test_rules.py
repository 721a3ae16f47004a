"""Parameters that could never work are refused before anything is created."""

from __future__ import annotations

import pytest
from tests.template.template import ENVIRONMENTS, ROOT, parameters_of

from dbmigrate_local.deploy import read_template
from dbmigrate_local.template_rules import RuleBroken, check_rules


def check(environment: str, **changed: str) -> None:
    check_rules(read_template(ROOT / "template.yaml"), parameters_of(environment, **changed))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_whole_parameters_are_taken(environment: str) -> None:
    check(environment)
    check(environment, DatabaseInstance="", DatabaseCluster="app")
    check(environment, DatabaseResourceId="", DatabaseSecretArn="arn:aws:secretsmanager:::secret:app")


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"DatabaseInstance": ""}, "exactly one of DatabaseInstance and DatabaseCluster"),
        ({"DatabaseCluster": "too"}, "exactly one of DatabaseInstance and DatabaseCluster"),
        ({"FirstApprover": ""}, "FirstApprover"),
        ({"NotificationEmail": ""}, "NotificationEmail"),
        ({"DatabaseResourceId": ""}, "DatabaseSecretArn"),
    ],
)
def test_safeguards_without_what_they_need_are_refused(
    environment: str, changed: dict[str, str], named: str
) -> None:
    with pytest.raises(RuleBroken, match=named):
        check(environment, **changed)


def test_production_without_staging_is_refused() -> None:
    with pytest.raises(RuleBroken, match="PrecedingBucket"):
        check("production", PrecedingBucket="")


def test_development_needs_no_safeguards() -> None:
    check("development", DatabaseInstance="", FirstApprover="", NotificationEmail="", DatabaseResourceId="")


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_recovery_begins_by_itself_in_staging_only(environment: str) -> None:
    check("staging", RecoveryAfterFailure="automatic")
    with pytest.raises(RuleBroken, match="RecoveryAfterFailure"):
        check(environment, RecoveryAfterFailure="automatic")
