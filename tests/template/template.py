"""template.yaml as data: what it says, and what each environment makes of it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("development", "staging", "production")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms; numbers and words stay as they are written."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def template() -> dict[str, Any]:
    return dict(yaml.load((ROOT / "template.yaml").read_text(), _Loader))


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of a type, by logical id."""
    return {name: body for name, body in template()["Resources"].items() if body["Type"] == kind}


def policy_of(environment: str) -> dict[str, str]:
    """The environment's row of the policy."""
    return dict(template()["Mappings"]["Policy"][environment])


def parameters_of(environment: str, **changed: str) -> dict[str, str]:
    """Parameters with which the environment can be deployed."""
    given = {
        "Environment": environment,
        "DatabaseHost": "127.0.0.1",
        "DatabaseName": "app",
        "DatabaseUser": "migrator",
        "DatabaseResourceId": "db-ABC",
        "DatabaseInstance": f"app-{environment}",
        "FirstApprover": "alice@example.com",
        "NotificationEmail": "team@example.com",
        "PrecedingBucket": "staging-bundles" if environment == "production" else "",
    }
    return given | changed


def references(value: Any) -> set[str]:
    """Every logical id, parameter and pseudo parameter that a value names."""
    if isinstance(value, dict):
        own = {str(value["Ref"])} if set(value) == {"Ref"} else set()
        if set(value) == {"Fn::GetAtt"}:
            own = {value["Fn::GetAtt"][0]}
        if set(value) == {"Fn::Sub"}:
            own = {name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", str(value["Fn::Sub"]))}
        return own.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()
