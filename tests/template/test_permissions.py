"""Least privilege, read from the template: one statement a reason, and no more than the code needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.template.definition import CALLS, RECOVERY
from tests.template.template import ENVIRONMENTS, ROOT, policy_of, references, resources, template

FUNCTIONS = resources("AWS::Serverless::Function")
ROLES = resources("AWS::IAM::Role")
CANNOT_BE_SCOPED = {"xray", "ec2", "cloudwatch"}
LOG_DELIVERY = "logs:CreateLogDelivery"
TEXT = (ROOT / "template.yaml").read_text()
STATEMENT = " " * 14 + "- "  # where every role's statements stand in the template


def statements(role: str) -> list[dict[str, Any]]:
    """The statements of a role, with and without condition."""
    (policy,) = ROLES[role]["Properties"]["Policies"]
    return [unwrapped(item) for item in policy["PolicyDocument"]["Statement"]]


def unwrapped(item: dict[str, Any]) -> dict[str, Any]:
    return dict(item["Fn::If"][1]) if "Fn::If" in item else item


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return found if isinstance(found, list) else [found]


def every_statement() -> Iterator[tuple[str, dict[str, Any]]]:
    for role in ROLES:
        for statement in statements(role):
            yield role, statement


def test_every_function_and_the_machine_have_a_role_of_their_own() -> None:
    users = {name: FUNCTIONS[name]["Properties"]["Role"] for name in FUNCTIONS}
    assert users == {name: {"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in FUNCTIONS}
    others = [
        "MigrationStateMachine",
        "RecoveryStateMachine",
        "RecoveryEndedRule",
        "DrillStateMachine",
        "DrillRules",
    ]
    assert set(ROLES) == {f"{name}Role" for name in [*FUNCTIONS, *others]}
    assert not [name for name, role in ROLES.items() if "ManagedPolicyArns" in role["Properties"]]


def test_no_action_is_a_wildcard() -> None:
    assert not [
        (role, action) for role, found in every_statement() for action in actions(found) if "*" in action
    ]


def test_every_resource_is_named_where_the_service_lets_it() -> None:
    for role, found in every_statement():
        services = {action.split(":")[0] for action in actions(found)}
        if found["Resource"] == "*":
            assert services <= CANNOT_BE_SCOPED or LOG_DELIVERY in actions(found), (role, found)


def test_every_statement_says_why_it_is_there() -> None:
    lines = TEXT.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(STATEMENT)]
    assert len(starts) == len(list(every_statement()))
    unexplained = [lines[number] for number in starts if not lines[number - 1].strip().startswith("# ")]
    assert unexplained == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_writes_its_own_log_and_its_traces(name: str) -> None:
    log, traces = statements(f"{name}Role")[:2]
    own = f"{name.removesuffix('Function')}Logs"
    assert (actions(log), log["Resource"]) == (
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        {"Fn::GetAtt": [own, "Arn"]},
    )
    assert FUNCTIONS[name]["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": own}}
    assert actions(traces) == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


@pytest.mark.parametrize(
    "name", [name for name, body in FUNCTIONS.items() if "VpcConfig" in body["Properties"]]
)
def test_a_function_on_the_database_may_join_its_network_and_log_in(name: str) -> None:
    granted = {action for found in statements(f"{name}Role") for action in actions(found)}
    assert {"ec2:CreateNetworkInterface", "rds-db:connect", "secretsmanager:GetSecretValue"} <= granted
    services = {action.split(":")[0] for action in granted}
    assert services == {
        "logs",
        "xray",
        "ec2",
        "rds-db",
        "secretsmanager",
        "s3",
    }  # no endpoint but the free ones


def test_nobody_else_may() -> None:
    for name, body in FUNCTIONS.items():
        granted = {action for found in statements(f"{name}Role") for action in actions(found)}
        if "VpcConfig" not in body["Properties"]:
            assert not {
                action for action in granted if action.startswith(("ec2:", "rds-db:", "secretsmanager:"))
            }


def test_the_machine_may_invoke_exactly_what_its_definition_uses() -> None:
    used = {task["Arguments"]["FunctionName"][2:-1] for task in CALLS.values()}
    (invoke,) = (
        found
        for found in statements("MigrationStateMachineRole")
        if actions(found) == ["lambda:InvokeFunction"]
    )
    assert references(invoke["Resource"]) - {"AWS::NoValue"} == used
    conditions = {
        references(item).difference({"AWS::NoValue"}).pop(): item["Fn::If"][0]
        for item in invoke["Resource"]
        if "Fn::If" in item
    }
    assert conditions["RollBackFunction"] == "RollsBackByItself"


def test_a_recovery_may_invoke_exactly_what_its_definition_uses() -> None:
    used = {task["Arguments"]["FunctionName"][2:-1] for task in RECOVERY.tasks.values()}
    invoke = statements("RecoveryStateMachineRole")[0]
    assert actions(invoke) == ["lambda:InvokeFunction"]
    assert references(invoke["Resource"]) - {"AWS::NoValue"} == used


def test_where_there_are_no_backups_there_is_no_recovery() -> None:
    recoveries = {
        name
        for name in template()["Resources"]
        if name.startswith(("Recover", "PlanRecovery", "Restore", "Swap", "CallHook"))
    }
    assert len(recoveries) >= 17
    assert {template()["Resources"][name].get("Condition") for name in recoveries} == {"TakesBackups"}


def test_where_rollback_is_manual_there_is_nothing_that_could_roll_back() -> None:
    template_resources = template()["Resources"]
    for name in ("RollBackFunction", "RollBackFunctionRole", "RollBackLogs"):
        assert template_resources[name]["Condition"] == "RollsBackByItself"


def test_a_run_may_start_a_recovery_only_where_the_policy_says_so() -> None:
    (policy,) = ROLES["MigrationStateMachineRole"]["Properties"]["Policies"]
    (starting,) = (
        item for item in policy["PolicyDocument"]["Statement"] if "states:StartExecution" in str(item)
    )
    condition, statement, otherwise = starting["Fn::If"]
    assert (condition, otherwise) == ("RecoversByItself", {"Ref": "AWS::NoValue"})
    assert statement["Resource"] == {"Ref": "RecoveryStateMachine"}
    asked = template()["Conditions"]["RecoversByItself"]["Fn::And"]
    assert {"Condition": "RollsBackByItself"} in asked and {"Condition": "TakesBackups"} in asked
    assert {policy_of(name)["Recovery"] for name in ENVIRONMENTS} == {"offered"}
    assert template()["Parameters"]["RecoveryAfterFailure"]["Default"] == "offered"


def test_only_the_page_wakes_a_run_and_only_of_this_machine() -> None:
    waking = [
        (role, found["Resource"]["Fn::Sub"].rpartition(":")[2])
        for role, found in every_statement()
        if "states:SendTaskSuccess" in actions(found)
    ]
    machines = ("db-migrate-${Environment}", "db-migrate-recovery-${Environment}")
    assert waking == [("DecideFunctionRole", machine) for machine in machines]


def test_only_close_proves_a_success_and_only_of_its_own_environment() -> None:
    writes = {
        (role, found["Resource"]["Fn::Sub"])
        for role, found in every_statement()
        if "s3:PutObject" in actions(found)
    }
    assert writes == {
        ("ValidateFunctionRole", "${BundleBucket.Arn}/plans/*"),
        ("UpgradeFunctionRole", "${BundleBucket.Arn}/runs/*"),
        ("RollBackFunctionRole", "${BundleBucket.Arn}/runs/*"),
        ("CloseFunctionRole", "${BundleBucket.Arn}/succeeded/${Environment}/*"),
        ("PlanRecoveryFunctionRole", "${BundleBucket.Arn}/plans/*"),
        ("PlanRecoveryFunctionRole", "${BundleBucket.Arn}/recoveries/*"),
        ("RestoreFunctionRole", "${BundleBucket.Arn}/recoveries/*"),
        ("SwapFunctionRole", "${BundleBucket.Arn}/recoveries/*"),
        ("FenceFunctionRole", "${BundleBucket.Arn}/recoveries/*"),
        ("ExamineFunctionRole", "${BundleBucket.Arn}/recoveries/*"),
        ("ExamineFunctionRole", "${BundleBucket.Arn}/plans/*"),
        ("PlanDrillFunctionRole", "${BundleBucket.Arn}/plans/*"),
        ("PlanDrillFunctionRole", "${BundleBucket.Arn}/drills/${Environment}/*"),
        ("RehearseFunctionRole", "${BundleBucket.Arn}/drills/${Environment}/*"),
        ("RecordDrillFunctionRole", "${BundleBucket.Arn}/drills/${Environment}/*"),
        ("RecordDrillFunctionRole", "${BundleBucket.Arn}/drills/bundles/*"),
    }


COPY = re.compile(r"-[rd]-\*")
"""The names of copies: of a recovery, and of a drill."""
CHANGES_RDS = re.compile(
    r":(Delete(?!NetworkInterface|LogDelivery|DB\w*Snapshot)|Restore|Modify(?!DB\w*Snapshot))"
)


def test_only_a_recovery_can_delete_restore_or_change_anything() -> None:
    granted = {
        role for role, found in every_statement() for action in actions(found) if CHANGES_RDS.search(action)
    }
    assert granted == {"RestoreFunctionRole", "SwapFunctionRole"}


def test_nothing_can_delete_or_overwrite_what_bears_the_databases_name_or_that_of_a_kept_one() -> None:
    """By IAM itself: whatever deletes reaches only copies, by their names; nobody may change a kept one."""
    for role, found in every_statement():
        changes = [action for action in actions(found) if CHANGES_RDS.search(action)]
        targets = [str(item) for item in listed(found["Resource"]) if re.search(r":(db|cluster):", str(item))]
        if any(":Delete" in action for action in changes):
            assert role == "RestoreFunctionRole" and all(COPY.search(target) for target in targets), found
        if any(":Modify" in action for action in changes) and role == "RestoreFunctionRole":
            assert all(COPY.search(target) for target in targets), found
        assert not changes or not any("-before-" in target for target in targets)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


OUR_BACKUPS = {
    "StringEquals": {
        "aws:ResourceTag/db-migrate": "backup",
        "aws:ResourceTag/environment": {"Ref": "Environment"},
    }
}


def test_only_backups_of_ours_can_be_deleted_or_shared() -> None:
    found = [
        (role, actions(statement), statement.get("Condition"))
        for role, statement in every_statement()
        if any(re.search(r":(Delete|Modify)\w*Snapshot", action) for action in actions(statement))
    ]
    assert found == [
        ("CheckBackupFunctionRole", ["rds:ModifyDBSnapshotAttribute"], OUR_BACKUPS),
        ("CheckBackupFunctionRole", ["rds:ModifyDBClusterSnapshotAttribute"], OUR_BACKUPS),
        ("PruneBackupsFunctionRole", ["rds:DeleteDBSnapshot"], OUR_BACKUPS),
        ("PruneBackupsFunctionRole", ["rds:DeleteDBClusterSnapshot"], OUR_BACKUPS),
    ]


def test_only_rds_may_use_the_key_of_the_copies() -> None:
    found = [
        (role, statement["Resource"], statement["Condition"])
        for role, statement in every_statement()
        if any(action.startswith("kms:") for action in actions(statement))
    ]
    within = {"StringEquals": {"kms:ViaService": {"Fn::Sub": "rds.${BackupCopyRegion}.amazonaws.com"}}}
    assert found == [("CheckBackupFunctionRole", {"Ref": "BackupCopyKeyArn"}, within)]


def test_a_rehearsal_can_never_log_in_to_the_database_itself() -> None:
    """A denial beats whatever allows."""
    ((role, denied),) = [(role, found) for role, found in every_statement() if found["Effect"] == "Deny"]
    assert (role, actions(denied)) == ("RehearseFunctionRole", ["rds-db:connect"])
    assert denied["Resource"]["Fn::Sub"].endswith(":dbuser:${DatabaseResourceId}/*")
