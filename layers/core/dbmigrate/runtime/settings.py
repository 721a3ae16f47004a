"""The variables that template.yaml gives to the functions, each read when asked for: none needs all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from dbmigrate.domain.errors import Misconfigured
from dbmigrate.domain.policy import Policy
from dbmigrate.domain.server_load import LoadLimits

Value = TypeVar("Value")


class Variable(Generic[Value]):
    """One environment variable. Without a default it must be set, else Misconfigured names it."""

    def __init__(self, name: str, read: Callable[[str], Value], default: str | None = None) -> None:
        self.name, self.read, self.default = name, read, default

    def __get__(self, settings: Settings, owner: type | None = None) -> Value:
        given = settings.environ.get(self.name) or self.default
        if given is None:
            raise Misconfigured(
                f"The function's environment variable {self.name} is not set.",
                "deploy the stack again: sam deploy --config-env ENVIRONMENT",
            )
        try:
            return self.read(given)
        except ValueError as error:
            raise Misconfigured(f"The environment variable {self.name} is unreadable: {error}.") from error


def listed(text: str) -> tuple[str, ...]:
    """The items of a comma separated list."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def one_of(*words: str) -> Callable[[str], str]:
    """Reads one of these words and no other."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"'{text}' is none of {', '.join(words)}")
        return text

    return read


@dataclass(frozen=True)
class Settings:
    """The settings of the running function."""

    environ: Mapping[str, str]

    environment = Variable("ENVIRONMENT", str)
    database_host = Variable("DATABASE_HOST", str)
    database_port = Variable("DATABASE_PORT", int, "5432")
    database_name = Variable("DATABASE_NAME", str)
    database_user = Variable("DATABASE_USER", str)
    database_secret_arn = Variable("DATABASE_SECRET_ARN", str, "")
    database_tls = Variable("DATABASE_TLS", str, "verify-full")
    database_ca = Variable("DATABASE_CA", str, "")
    lock_timeout_ms = Variable("LOCK_TIMEOUT_MS", int, "100")
    slice_seconds = Variable("SLICE_SECONDS", float, "240")
    examination_seconds = Variable("EXAMINATION_SECONDS", float, "3600")
    database_instance = Variable("DATABASE_INSTANCE", str, "")
    database_cluster = Variable("DATABASE_CLUSTER", str, "")
    point_in_time = Variable("POINT_IN_TIME", one_of("required", "optional"), "required")
    backup_copy_region = Variable("BACKUP_COPY_REGION", str, "")
    backup_copy_key = Variable("BACKUP_COPY_KEY", str, "")
    backup_share_account = Variable("BACKUP_SHARE_ACCOUNT", str, "")
    backups_kept = Variable("BACKUPS_KEPT", int, "14")
    bundle_bucket = Variable("BUNDLE_BUCKET", str)
    preceding_bucket = Variable("PRECEDING_BUCKET", str, "")
    approvals_table = Variable("APPROVALS_TABLE", str)
    approvals_topic_arn = Variable("APPROVALS_TOPIC_ARN", str)
    notifications_topic_arn = Variable("NOTIFICATIONS_TOPIC_ARN", str)
    approval_url = Variable("APPROVAL_URL", str)
    approvers = Variable("APPROVERS", listed, "")
    alarm_names = Variable("ALARM_NAMES", listed, "")
    cpu_limit = Variable("CPU_LIMIT", float, "80")
    replica_lag_limit = Variable("REPLICA_LAG_LIMIT", float, "30")
    latency_limit = Variable("LATENCY_LIMIT", float, "100")
    metrics_namespace = Variable("POWERTOOLS_METRICS_NAMESPACE", str, "DbMigrate")
    recovery_machine_arn = Variable("RECOVERY_MACHINE_ARN", str)
    drill_machine_arn = Variable("DRILL_MACHINE_ARN", str)
    drill_instance_class = Variable("DRILL_INSTANCE_CLASS", str, "")
    stop_hook = Variable("STOP_HOOK", str, "")
    start_hook = Variable("START_HOOK", str, "")
    state_machine_arn = Variable("STATE_MACHINE_ARN", str, "")

    @property
    def policy(self) -> Policy:
        """The environment's row. Raises MissingPolicy when a cell is absent."""
        return Policy.from_mapping(self.environ)

    @property
    def load_limits(self) -> LoadLimits:
        """Above which the server has too much to do."""
        return LoadLimits(self.cpu_limit, self.replica_lag_limit, self.latency_limit)


def settings() -> Settings:
    """The settings as they are now."""
    return Settings(os.environ)
