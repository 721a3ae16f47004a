"""Whether a role's policies allow an action on a resource: Allow, Deny and conditions."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from typing import Any

from moto.iam.models import iam_backends

CASE_BLIND = ("Bool", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase")
WITH_WILDCARDS = ("StringLike", "StringNotLike", "ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals")


def policies_of(role_arn: str) -> list[dict[str, Any]]:
    """Every policy document of a role, inline and managed."""
    account = role_arn.split(":")[4]
    role = iam_backends[account]["aws"].get_role_by_arn(role_arn)
    managed = [
        next(version.document for version in policy.versions if version.is_default)
        for policy in role.managed_policies.values()
    ]
    return [parsed(document) for document in [*role.policies.values(), *managed]]


def allowed(
    policies: Iterable[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, Any]
) -> bool:
    """AWS's rule: some statement allows it and none denies it."""
    effects = [
        statement["Effect"]
        for policy in policies
        for statement in listed(policy["Statement"])
        if applies(statement, action, resource, context)
    ]
    return "Allow" in effects and "Deny" not in effects


def applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, Any]) -> bool:
    """Whether a statement speaks of this action on this resource under these conditions."""
    return (
        chosen(statement, "Action", lambda wanted: matches(wanted.lower(), action.lower()))
        and chosen(statement, "Resource", lambda wanted: matches(wanted, resource))
        and conditions_hold(statement.get("Condition") or {}, context)
    )


def chosen(statement: Mapping[str, Any], element: str, is_meant: Any) -> bool:
    """Whether an element, or the absence of its Not form, means what is asked."""
    if element in statement:
        return any(is_meant(str(item)) for item in listed(statement[element]))
    return not any(is_meant(str(item)) for item in listed(statement.get(f"Not{element}", [])))


def conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    """Whether every key of every operator holds; one that the request lacks only with IfExists or Not."""
    known = {key.lower(): value for key, value in context.items()}
    return all(
        condition_holds(operator, listed(wanted), known.get(key.lower()))
        for operator, block in conditions.items()
        for key, wanted in block.items()
    )


def condition_holds(operator: str, wanted: list[Any], have: Any) -> bool:
    """One key of one operator."""
    name = operator.split(":")[-1].removesuffix("IfExists")
    if name == "Null":
        return (have is None) == (str(wanted[0]).lower() == "true")
    negated = "Not" in name
    if have is None:
        return operator.endswith("IfExists") or negated
    values = [str(item) for item in listed(have)]
    hit = [any(equal(name, str(item), value) for item in wanted) for value in values]
    met = all(hit) if operator.startswith("ForAllValues") else any(hit)
    return met != negated


def equal(operator: str, wanted: str, have: str) -> bool:
    if operator in CASE_BLIND:
        return wanted.lower() == have.lower()
    return matches(wanted, have) if operator in WITH_WILDCARDS else wanted == have


def matches(pattern: str, value: str) -> bool:
    """IAM's wildcards: only * and ? are special."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def parsed(document: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    return result
