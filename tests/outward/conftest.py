"""The functions as Lambda runs them: the template's variables, and AWS played by moto."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from moto import mock_aws

from dbmigrate.runtime import telemetry, wiring

FUNCTIONS = Path(__file__).parents[2] / "functions"
ACCOUNT = "123456789012"
MACHINE = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:db-migrate-staging"
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "db-migrate",
    "POWERTOOLS_METRICS_NAMESPACE": "DbMigrate",
    "ENVIRONMENT": "staging",
    "APPROVAL": "required",
    "BACKUP": "required",
    "ROLLBACK": "automatic",
    "NOTIFICATION": "sent",
    "RESET": "refused",
    "FORCE": "with-reason",
    "MAX_BACKUP_AGE": "86400",
    "BACKUP_BUDGET": "7200",
    "APPROVAL_EXPIRY": "86400",
    "BAKE_TIME": "300",
    "BLOCKERS": "waited",
    "DATABASE_INSTANCE": "app",
    "BUNDLE_BUCKET": "bundles",
    "PRECEDING_BUCKET": "before",
    "APPROVALS_TABLE": "approvals",
    "APPROVALS_TOPIC_ARN": f"arn:aws:sns:eu-west-1:{ACCOUNT}:approvals",
    "NOTIFICATIONS_TOPIC_ARN": f"arn:aws:sns:eu-west-1:{ACCOUNT}:notices",
    "APPROVAL_URL": "https://approvals.example",
    "APPROVERS": "ada@example.com,grace@example.com,,linus@example.com",
    "ALARM_NAMES": "errors,latency",
    "STATE_MACHINE_ARN": MACHINE,
    "RECOVERY_MACHINE_ARN": MACHINE.replace("migrate-", "migrate-recovery-"),
    "DRILL_MACHINE_ARN": MACHINE.replace("migrate-", "migrate-drill-"),
}


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the template gives to the functions."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_CLUSTER", raising=False)
    wiring.forget()
    yield
    wiring.forget()
    telemetry.metrics.clear_metrics()


@pytest.fixture
def aws() -> Iterator[None]:
    """The resources of the template that these functions touch."""
    with mock_aws():
        wiring.client("dynamodb").create_table(
            TableName="approvals",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        for topic in ("approvals", "notices"):
            wiring.client("sns").create_topic(Name=topic)
        for bucket in ("bundles", "before"):
            where = {"LocationConstraint": "eu-west-1"}
            wiring.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        yield
        wiring.forget()


@pytest.fixture
def function() -> Callable[[str], ModuleType]:
    """The module of one function by its verb."""

    def load(verb: str) -> ModuleType:
        path = FUNCTIONS / verb / "app.py"
        spec = importlib.util.spec_from_file_location(f"function_{verb}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
