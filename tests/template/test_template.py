"""What the template promises: policy, environment, alarms, and data that stays closed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.template.template import ENVIRONMENTS, ROOT, policy_of, references, resources, template

from dbmigrate.domain.policy import Policy
from dbmigrate.runtime.settings import Settings, Variable

RESOURCES: dict[str, dict[str, Any]] = template()["Resources"]
FUNCTIONS = resources("AWS::Serverless::Function")
VERBS = {
    "validate", "start_backup", "check_backup", "prune_backups", "request_approval", "decide", "measure",
    "upgrade", "roll_back", "inspect", "verify", "watch", "close", "steer", "notify", "plan_recovery",
    "restore", "swap", "call_hook", "fence", "examine", "plan_drill", "rehearse", "record_drill",
}  # fmt: skip
ON_THE_DATABASE = {
    "validate", "upgrade", "roll_back", "inspect", "verify", "close", "steer", "fence", "examine", "rehearse",
}  # fmt: skip
OUTPUTS = {
    "StateMachineArn", "RecoveryStateMachineArn", "DrillStateMachineArn", "BundleBucketName",
    "ApprovalsTableName", "InspectFunctionName", "CloseFunctionName", "SteerFunctionName", "ApprovalUrl",
    "NotificationsTopicArn", "ApprovalsTopicArn",
}  # fmt: skip
NOT_OF_THE_TEMPLATE = {"DATABASE_TLS"}


def verb(function: dict[str, Any]) -> str:
    return str(function["Properties"]["CodeUri"]).split("/")[1]


def variables_of(function: dict[str, Any]) -> dict[str, Any]:
    own = function["Properties"].get("Environment", {}).get("Variables", {})
    return template()["Globals"]["Function"]["Environment"]["Variables"] | own


def test_a_function_for_each_verb() -> None:
    assert {verb(function) for function in FUNCTIONS.values()} == VERBS
    for name, function in FUNCTIONS.items():
        assert name == "".join(word.title() for word in verb(function).split("_")) + "Function"
        assert (ROOT / function["Properties"]["CodeUri"] / "app.py").exists(), name


def test_only_what_talks_to_the_database_lives_in_its_network() -> None:
    assert {verb(f) for f in FUNCTIONS.values() if "VpcConfig" in f["Properties"]} == ON_THE_DATABASE


def test_every_setting_of_the_functions_is_given_to_some_function() -> None:
    wanted = {value.name for value in vars(Settings).values() if isinstance(value, Variable)}
    given = {name for function in FUNCTIONS.values() for name in variables_of(function)}
    assert wanted - given == NOT_OF_THE_TEMPLATE


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_policy_table_is_one_that_the_functions_understand(environment: str) -> None:
    row = policy_of(environment)
    given = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).upper(): value for key, value in row.items()}
    policy = Policy.from_mapping(given | {"ENVIRONMENT": environment})
    assert all(isinstance(value, str) for value in row.values())
    assert (policy.reset == "allowed") == (environment == "development")
    assert (policy.rollback, policy.preceded_by) == {
        "development": ("reset", ""),
        "staging": ("automatic", ""),
        "production": ("manual", "staging"),
    }[environment]


def test_no_password_is_in_any_environment() -> None:
    for function in FUNCTIONS.values():
        assert not [name for name in variables_of(function) if re.search("PASSWORD|TOKEN$|SECRET$", name)]


def test_every_function_builds_without_a_build() -> None:
    assert all(function["Metadata"] == {"SkipBuild": True} for function in FUNCTIONS.values())


def test_the_layer_is_built_for_the_functions_architecture() -> None:
    (architecture,) = template()["Globals"]["Function"]["Architectures"]
    layer = RESOURCES["CoreLayer"]
    assert (
        layer["Properties"]["CompatibleArchitectures"]
        == [architecture]
        == [layer["Metadata"]["BuildArchitecture"]]
    )
    assert f"ARCHITECTURE ?= {architecture}\n" in (ROOT / "layers/core/Makefile").read_text()


def test_the_layer_pins_what_the_tests_ran_with() -> None:
    from importlib.metadata import version

    for line in (ROOT / "layers/core/requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, pinned = line.partition("==")
            assert version(name) == pinned


def test_the_bundle_bucket_is_closed_versioned_and_encrypted() -> None:
    bucket = RESOURCES["BundleBucket"]
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["Properties"]["BucketEncryption"] and bucket["DeletionPolicy"] == "Retain"
    (tls,) = RESOURCES["BundleBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_approvals_are_encrypted_and_forgotten() -> None:
    table = RESOURCES["ApprovalsTable"]["Properties"]
    assert table["TimeToLiveSpecification"]["Enabled"] and table["SSESpecification"]["SSEEnabled"]
    stored = (ROOT / "layers/core/dbmigrate/adapters/approvals.py").read_text()
    assert f'"{table["TimeToLiveSpecification"]["AttributeName"]}":' in stored


def test_the_door_is_throttled_and_its_log_never_holds_a_link() -> None:
    door = RESOURCES["ApprovalApi"]["Properties"]
    assert door["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 10, "ThrottlingRateLimit": 5}
    logged = set(re.findall(r"\$context\.([\w.]+)", door["AccessLogSettings"]["Format"]))
    # a log group elsewhere costs a line in a policy of the account that has an end
    name = RESOURCES["ApprovalApiLogs"]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert name.startswith("/aws/vendedlogs/")
    assert logged == {"requestId", "routeKey", "status", "identity.sourceIp", "responseLatency"}


@pytest.mark.parametrize("name", resources("AWS::Serverless::StateMachine"))
def test_every_machine_logs_everything_and_is_traced(name: str) -> None:
    machine = RESOURCES[name]["Properties"]
    assert (machine["Logging"]["Level"], machine["Logging"]["IncludeExecutionData"]) == ("ALL", True)
    assert machine["Tracing"] == {"Enabled": True}
    group = RESOURCES[f"{name}Logs"]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert group.startswith("/aws/vendedlogs/states/")


PAGED = {"RollbackFailedAlarm": [{"Fn::If": ["HasPager", {"Ref": "PagerTopicArn"}, {"Ref": "AWS::NoValue"}]}]}


def test_every_alarm_on_our_metrics_has_somebody_who_emits_it() -> None:
    code = "".join(
        path.read_text()
        for room in ("functions", "layers/core/dbmigrate")
        for path in (ROOT / room).rglob("*.py")
    )
    for name, alarm in resources("AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        topics = [{"Ref": "NotificationsTopic"}, *PAGED.get(name, [])]
        assert properties["AlarmActions"] == topics and properties["AlarmDescription"], name
        if properties["Namespace"] == "DbMigrate":
            assert f'"{properties["MetricName"]}"' in code, name
            assert properties["Dimensions"] == [{"Name": "Environment", "Value": {"Ref": "Environment"}}]


def test_what_is_alarmed() -> None:
    assert {alarm["Properties"]["MetricName"] for alarm in resources("AWS::CloudWatch::Alarm").values()} == {
        "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ValidationErrors", "BackupFailures",
        "ApprovalWaitSeconds", "RunSlowerThanPredicted", "DriftFound", "ForcedRuns", "Errors",
        "WorkStillSeconds", "RollbackFailures", "DrillFailures", "DrillAgeSeconds",
    }  # fmt: skip


def test_outputs() -> None:
    assert set(template()["Outputs"]) == OUTPUTS


def test_every_reference_is_defined() -> None:
    defined = set(RESOURCES) | set(template()["Parameters"]) | {"AWS::NoValue"}
    named = {name for name in references(template()["Resources"]) if not name.startswith("AWS::")}
    assert named <= defined


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_samconfig_names_only_parameters_of_the_template(environment: str) -> None:
    import tomllib

    overrides = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]["deploy"]["parameters"][
        "parameter_overrides"
    ]
    given = dict(item.split("=", 1) for item in overrides)
    needed = {name for name, slot in template()["Parameters"].items() if "Default" not in slot}
    assert needed <= set(given) <= set(template()["Parameters"]) and given["Environment"] == environment


def test_the_dashboard_is_json_that_shows_metrics() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(re.sub(r"\$\{[^}]+\}", "x", body))["widgets"]
    shown = {metric[1] for widget in widgets for metric in widget["properties"]["metrics"]}
    alarmed = {alarm["Properties"]["MetricName"] for alarm in resources("AWS::CloudWatch::Alarm").values()}
    assert alarmed <= shown and all(widget["type"] == "metric" for widget in widgets)
