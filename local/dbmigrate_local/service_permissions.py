"""What AWS asks of a role when it takes a resource on, before any code runs."""

from __future__ import annotations

from typing import Any

from dbmigrate_local.account import ACCOUNT, REGION
from dbmigrate_local.deploy import DeploymentFailed
from dbmigrate_local.iam import Judge

LOG_DELIVERY = (
    "CreateLogDelivery",
    "GetLogDelivery",
    "UpdateLogDelivery",
    "DeleteLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "DescribeResourcePolicies",
    "DescribeLogGroups",
)
NETWORK_INTERFACES = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")


def check_machine(judge: Judge, machine: Any) -> None:
    """A state machine that logs must be allowed to have its logs delivered. Raises DeploymentFailed."""
    if machine.loggingConfiguration.get("level", "OFF") != "OFF":
        require(judge, machine.name, machine.roleArn, [f"logs:{action}" for action in LOG_DELIVERY])


def check_function(judge: Judge, function: Any) -> None:
    """A function in a VPC must be allowed to have network interfaces there. Raises DeploymentFailed."""
    if function.vpc_config and function.vpc_config.get("SubnetIds"):
        require(
            judge, function.function_name, function.role, [f"ec2:{action}" for action in NETWORK_INTERFACES]
        )


def require(judge: Judge, who: str, role: str, actions: list[str]) -> None:
    for action in actions:
        if not judge.may(role, action, "*"):
            raise DeploymentFailed(f"{who} cannot be created: its role {role} may not {action}.")


def may_log(judge: Judge, function: Any) -> bool:
    """Whether a function's output reaches its log group; on AWS it is lost in silence when not."""
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{function.logs_group_name}:log-stream:local"
    may = [
        judge.may(function.role, f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents")
    ]
    return all(may)


def ask_for_traces(judge: Judge, translated: dict[str, Any], resources: dict[str, str]) -> None:
    """Ask whether the roles of traced functions and machines may send traces; AWS drops them in silence else.

    From the template: moto does not keep a function's TracingConfig.
    """
    for logical_id, resource in translated["Resources"].items():
        properties = resource.get("Properties", {})
        function = (properties.get("TracingConfig") or {}).get("Mode") == "Active"
        machine = (properties.get("TracingConfiguration") or {}).get("Enabled")
        if (function or machine) and logical_id in resources:
            role = (properties.get("Role") or properties.get("RoleArn"))["Fn::GetAtt"][0]
            judge.may(f"arn:aws:iam::{ACCOUNT}:role/{resources[role]}", "xray:PutTraceSegments", "*")
