"""The policy: what one environment asks of a run. The table itself lives in template.yaml (Mappings:
Policy)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dbmigrate.domain.errors import ForceRefused, MissingPolicy, ResetRefused

ENVIRONMENTS = ("development", "staging", "production")
WORDS = {
    "APPROVAL": {"required", "skipped"},
    "BACKUP": {"required", "skipped"},
    "ROLLBACK": {"reset", "automatic", "manual"},
    "NOTIFICATION": {"sent", "silent"},
    "RESET": {"allowed", "refused"},
    "FORCE": {"allowed", "with-reason", "refused"},
    "BLOCKERS": {"reported", "waited", "refused"},
}
COMPLETE = "complete the row in template.yaml, Mappings: Policy, and deploy the stack again"


@dataclass(frozen=True)
class Policy:
    """One row of the policy table. Times are seconds. ``blockers`` says what becomes of a revision that
    something in the live database would hold up: see dbmigrate.service.preflight."""

    environment: str
    approval: str
    backup: str
    rollback: str
    notification: str
    reset: str
    force: str
    max_backup_age: int
    backup_budget: int
    approval_expiry: int
    bake_time: int
    preceded_by: str = ""
    blockers: str = "waited"

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Policy:
        """Read the row from environment variables.

        Raises MissingPolicy when a cell is absent or holds a word that is none of ours: a run never guesses
        its policy.
        """
        environment = values.get("ENVIRONMENT", "")
        if not environment:
            raise MissingPolicy("No ENVIRONMENT is set, so there is no policy to follow.", COMPLETE)
        return cls(
            environment=environment,
            approval=_word(values, "APPROVAL"),
            backup=_word(values, "BACKUP"),
            rollback=_word(values, "ROLLBACK"),
            notification=_word(values, "NOTIFICATION"),
            reset=_word(values, "RESET"),
            force=_word(values, "FORCE"),
            max_backup_age=_seconds(values, "MAX_BACKUP_AGE"),
            backup_budget=_seconds(values, "BACKUP_BUDGET"),
            approval_expiry=_seconds(values, "APPROVAL_EXPIRY"),
            bake_time=_seconds(values, "BAKE_TIME"),
            preceded_by=values.get("PRECEDED_BY", ""),
            blockers=_word(values, "BLOCKERS"),
        )

    def check_force(self, asked: bool, reason: str | None) -> None:
        """Raise ForceRefused unless skipping the approval is allowed here, with this reason."""
        if not asked or self.lets_force(reason):
            return
        if self.force == "refused":
            raise ForceRefused(
                f"{self.environment} does not allow --force: every change there is approved by a person.",
                f"db-migrate --environment {self.environment} deploy",
            )
        raise ForceRefused(
            f"{self.environment} allows --force only with a reason; it is announced to everyone.",
            f'db-migrate --environment {self.environment} deploy --force --reason "why it cannot wait"',
        )

    def check_termination(self, asked: bool, force: bool) -> None:
        """Raise ForceRefused when sessions should be ended though nobody is asked to approve that."""
        if asked and force and self.approval == "required":
            raise ForceRefused(
                f"{self.environment} ends other sessions only with an approval, so --terminate-blockers and "
                "--force exclude each other.",
                f"db-migrate --environment {self.environment} deploy --terminate-blockers",
            )

    def check_reset(self) -> None:
        """Raise ResetRefused unless the environment's database may be emptied."""
        if self.reset != "allowed":
            raise ResetRefused(
                f"{self.environment} is never reset: its data cannot be made again.",
                f"db-migrate --environment {self.environment} rollback",
            )

    def lets_force(self, reason: str | None) -> bool:
        """Whether the approval may be skipped here, with this reason."""
        return self.force == "allowed" or (self.force == "with-reason" and bool((reason or "").strip()))


def _word(values: Mapping[str, str], key: str) -> str:
    if values.get(key) in WORDS[key]:
        return values[key]
    raise _no_valid(values, f"{key} (one of {', '.join(sorted(WORDS[key]))})")


def _seconds(values: Mapping[str, str], key: str) -> int:
    if re.fullmatch("[0-9]{1,9}", values.get(key, "")):
        return int(values[key])
    raise _no_valid(values, f"{key} (whole seconds)")


def _no_valid(values: Mapping[str, str], cell: str) -> MissingPolicy:
    message = f"The policy of environment '{values['ENVIRONMENT']}' has no valid {cell}."
    return MissingPolicy(message, COMPLETE)
