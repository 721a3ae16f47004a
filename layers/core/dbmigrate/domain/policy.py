"""The policy: what one environment asks of a run. The table itself lives in template.yaml (Mappings:
Policy)."""

from __future__ import annotations

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
}
SECONDS = ("MAX_BACKUP_AGE", "BACKUP_BUDGET", "APPROVAL_EXPIRY", "BAKE_TIME")


@dataclass(frozen=True)
class Policy:
    """One row of the policy table. Times are seconds."""

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

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Policy:
        """Read the row from environment variables.

        Raises MissingPolicy when a cell is absent or holds a word that is none of ours: a run never guesses
        its policy.
        """
        environment = values.get("ENVIRONMENT", "")
        for key, words in WORDS.items():
            if values.get(key) not in words:
                raise MissingPolicy(
                    f"The policy of environment '{environment}' has no valid {key} (one of {', '.join(sorted(words))}).",
                    "complete the row in template.yaml, Mappings: Policy, and deploy the stack again",
                )
        for key in SECONDS:
            if not values.get(key, "").isdigit():
                raise MissingPolicy(
                    f"The policy of environment '{environment}' has no valid {key} (whole seconds).",
                    "complete the row in template.yaml, Mappings: Policy, and deploy the stack again",
                )
        return cls(
            environment=environment,
            **{key.lower(): values[key] for key in WORDS},
            **{key.lower(): int(values[key]) for key in SECONDS},  # type: ignore[arg-type]
            preceded_by=values.get("PRECEDED_BY", ""),
        )

    def check_force(self, asked: bool, reason: str | None) -> None:
        """Raise ForceRefused unless skipping the approval is allowed here, with this reason."""
        if not asked or self.force == "allowed":
            return
        if self.force == "refused":
            raise ForceRefused(
                f"{self.environment} does not allow --force: every change there is approved by a person.",
                f"db-migrate --environment {self.environment} deploy",
            )
        if not (reason or "").strip():
            raise ForceRefused(
                f"{self.environment} allows --force only with a reason; it is announced to everyone.",
                f'db-migrate --environment {self.environment} deploy --force --reason "why it cannot wait"',
            )

    def check_reset(self) -> None:
        """Raise ResetRefused unless the environment's database may be emptied."""
        if self.reset != "allowed":
            raise ResetRefused(
                f"{self.environment} is never reset: its data cannot be made again.",
                f"db-migrate --environment {self.environment} rollback",
            )
