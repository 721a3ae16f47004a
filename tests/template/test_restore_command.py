"""The command that the machine prints when only a restore helps, held against AWS's own model of its API."""

from __future__ import annotations

import re

import boto3
import pytest
from botocore import xform_name
from tests.template.template import template

OPERATIONS = {
    "restore-db-instance-from-db-snapshot": "RestoreDBInstanceFromDBSnapshot",
    "restore-db-cluster-from-snapshot": "RestoreDBClusterFromSnapshot",
}
MACHINE = template()["Resources"]["MigrationStateMachine"]["Properties"]
CONDITION, *COMMANDS = MACHINE["DefinitionSubstitutions"]["RestoreCommand"]["Fn::If"]


@pytest.mark.parametrize("command", [command["Fn::Sub"] for command in COMMANDS], ids=["cluster", "instance"])
def test_a_person_can_paste_it(command: str) -> None:
    program, service, operation, *words = command.split()
    given = {word.removeprefix("--") for word in words if word.startswith("--")}
    model = boto3.client("rds", region_name="us-east-1").meta.service_model.operation_model(
        OPERATIONS[operation]
    )
    options = {xform_name(name, "-") for name in model.input_shape.members}
    required = {xform_name(name, "-") for name in model.input_shape.required_members}
    assert (program, service) == ("aws", "rds") and required | {
        "db-snapshot-identifier"
    } & options <= given <= options
    assert command.endswith("snapshot-identifier"), "the machine adds the snapshot's name"


def test_each_kind_of_database_has_its_own() -> None:
    assert CONDITION == "HasCluster"
    named = [re.findall(r"\$\{(\w+)\}", command["Fn::Sub"]) for command in COMMANDS]
    assert named == [["DatabaseCluster"], ["DatabaseInstance"]]
