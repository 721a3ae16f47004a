"""Development's row of the policy: there is no stack to ask. A test holds it equal to template.yaml's."""

from __future__ import annotations

from dbmigrate.domain.errors import ResetRefused
from dbmigrate.domain.policy import Policy

DEVELOPMENT = Policy(
    environment="development",
    approval="skipped",
    backup="skipped",
    rollback="reset",
    notification="silent",
    reset="allowed",
    force="allowed",
    max_backup_age=0,
    backup_budget=0,
    approval_expiry=1,
    bake_time=0,
    blockers="reported",
)


def policy_for_reset(environment: str) -> Policy:
    """Development's policy. Raises ResetRefused for every other environment: no stack ever allows it."""
    if environment != DEVELOPMENT.environment:
        raise ResetRefused(
            f"{environment} is never reset: its data cannot be made again.",
            f"db-migrate --environment {environment} rollback --run RUN",
        )
    return DEVELOPMENT
