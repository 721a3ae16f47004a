"""Gap: moto's AWS::IAM::Role ignores managed policies, and keeps inline ones in two forms."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator
from typing import Any

from moto.iam import models
from moto.iam.aws_managed_policies import aws_managed_policies_data

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def roles() -> Iterator[None]:
    """A role has every policy that the template gives it, as JSON text."""
    original = models.Role.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def create(
        cls: Any, /, name: str, cloudformation_json: Any, account_id: str, region: str, **more: Any
    ) -> Any:
        role = original(cls, name, cloudformation_json, account_id, region, **more)
        for policy, document in list(role.policies.items()):
            role.policies[policy] = (
                document if isinstance(document, str) else json.dumps(document, default=str)
            )
        for arn in cloudformation_json["Properties"].get("ManagedPolicyArns", []):
            attach(role, arn, account_id)
        return role

    with replaced((models.Role, "create_from_cloudformation_json", classmethod(create))):
        yield


def attach(role: Any, arn: str, account_id: str) -> None:
    """Attach a managed policy. One of AWS's own is loaded alone: loading all costs a second and more."""
    backend = models.iam_backends[account_id]["aws"]
    if arn not in backend.managed_policies and ":iam::aws:policy/" in arn:
        name = arn.rsplit("/", 1)[-1]
        data = _managed_by_aws()[name]
        backend.managed_policies[arn] = models.AWSManagedPolicy.from_data(
            name, account_id, backend.region_name, data
        )
    backend.attach_role_policy(arn, role.name)


@functools.cache
def _managed_by_aws() -> dict[str, Any]:
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return policies
