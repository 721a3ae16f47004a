"""Builds what the handlers need, once per process and when asked: importing this imports no adapter."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dbmigrate.domain.backup import refuse_key_elsewhere, refuse_other_database
from dbmigrate.domain.errors import Misconfigured
from dbmigrate.domain.policy import Policy
from dbmigrate.runtime.settings import settings

if TYPE_CHECKING:
    from dbmigrate.adapters.alarms import CloudWatchAlarms
    from dbmigrate.adapters.approvals import DynamoApprovals
    from dbmigrate.adapters.backup_copies import BackupCopies
    from dbmigrate.adapters.backups import ClusterBackups, InstanceBackups
    from dbmigrate.adapters.bundle_store import S3BundleStore
    from dbmigrate.adapters.drill_log import S3DrillLog
    from dbmigrate.adapters.executions import Executions, RecoveryExecutions
    from dbmigrate.adapters.handles import S3Handles
    from dbmigrate.adapters.hooks import AwsHooks
    from dbmigrate.adapters.instances import Instances
    from dbmigrate.adapters.messages import SnsMessages
    from dbmigrate.adapters.recovery_log import S3RecoveryLog
    from dbmigrate.adapters.server_load import RdsServerLoad
    from dbmigrate.adapters.snapshots import Snapshots
    from dbmigrate.adapters.task_tokens import StepFunctionsTokens


def policy() -> Policy:
    """The environment's policy row. Raises MissingPolicy."""
    return settings().policy


@cache
def client(service: str, region: str | None = None) -> Any:
    """The AWS client of one service, in the function's Region unless another is named."""
    from dbmigrate.adapters.clients import aws_client

    return aws_client(service, region=region)


@cache
def bundle_store() -> S3BundleStore:
    """Bundles, plans and proofs of success."""
    from dbmigrate.adapters.bundle_store import S3BundleStore

    return S3BundleStore(client("s3"), settings().bundle_bucket, settings().preceding_bucket)


@cache
def recovery_log() -> S3RecoveryLog:
    """How far recoveries are."""
    from dbmigrate.adapters.recovery_log import S3RecoveryLog

    return S3RecoveryLog(client("s3"), settings().bundle_bucket)


@cache
def drill_log() -> S3DrillLog:
    """What drills found."""
    from dbmigrate.adapters.drill_log import S3DrillLog

    return S3DrillLog(client("s3"), settings().bundle_bucket, settings().environment)


@cache
def handles() -> S3Handles:
    """The handles of the sessions of runs."""
    from dbmigrate.adapters.handles import S3Handles

    return S3Handles(client("s3"), settings().bundle_bucket)


@cache
def approvals() -> DynamoApprovals:
    """Requests for approval and their personal links."""
    from dbmigrate.adapters.approvals import DynamoApprovals

    return DynamoApprovals(client("dynamodb"), settings().approvals_table)


@cache
def messages() -> SnsMessages:
    """E-mails to approvers and to everyone. A function needs only the topics that it writes to."""
    from dbmigrate.adapters.messages import SnsMessages

    environ = settings().environ
    return SnsMessages(
        client("sns"), environ.get("APPROVALS_TOPIC_ARN"), environ.get("NOTIFICATIONS_TOPIC_ARN")
    )


@cache
def task_tokens() -> StepFunctionsTokens:
    """The waiting task of a run."""
    from dbmigrate.adapters.task_tokens import StepFunctionsTokens

    return StepFunctionsTokens(client("stepfunctions"))


@cache
def backups() -> InstanceBackups | ClusterBackups:
    """Snapshots of the environment's RDS instance or Aurora cluster."""
    from dbmigrate.adapters.backups import ClusterBackups, InstanceBackups

    database, is_cluster = _database()
    kind = ClusterBackups if is_cluster else InstanceBackups
    return kind(client("rds"), database)


@cache
def instances() -> Instances:
    """The environment's RDS instance or Aurora cluster, and what a recovery puts beside it."""
    from dbmigrate.adapters.clusters import Clusters
    from dbmigrate.adapters.instances import Instances

    database, is_cluster = _database()
    kind = Clusters if is_cluster else Instances
    return kind(client("rds"), database, settings().drill_instance_class)


def _database() -> tuple[str, bool]:
    """The database's name in RDS, and whether it is a cluster. Raises Misconfigured."""
    cluster, instance = settings().database_cluster, settings().database_instance
    if bool(cluster) == bool(instance):
        raise Misconfigured(
            "Exactly one of DATABASE_INSTANCE and DATABASE_CLUSTER must name the database to back up.",
            "set DatabaseInstance or DatabaseCluster in samconfig.toml and deploy the stack again",
        )
    kind = "cluster" if cluster else "instance"
    refuse_other_database(settings().environ.get("DATABASE_HOST", ""), kind, cluster or instance)
    return cluster or instance, bool(cluster)


@cache
def executions() -> RecoveryExecutions:
    """Executions of the state machine of recoveries."""
    from dbmigrate.adapters.executions import RecoveryExecutions

    return RecoveryExecutions(client("stepfunctions"), settings().recovery_machine_arn)


@cache
def hooks() -> AwsHooks:
    """The user's own ways to stop and to start the application."""
    from dbmigrate.adapters.clients import ONE_LONG_CALL, aws_client
    from dbmigrate.adapters.hooks import AwsHooks

    return AwsHooks(aws_client("lambda", ONE_LONG_CALL), client("ssm"))


@cache
def copies() -> BackupCopies:
    """Where copies of the backups go, and with whom they are shared. Raises Misconfigured."""
    from dbmigrate.adapters.backup_copies import BackupCopies

    here = settings()
    return BackupCopies(backups(), _shelf_of_copies(), here.backup_copy_key, here.backup_share_account)


def shelves() -> list[Snapshots]:
    """The snapshots of the function's Region, then those of the Region of the copies, if it is another."""
    own, other = backups(), _shelf_of_copies()
    return [own] if other is None or other.region == own.region else [own, other]


def _shelf_of_copies() -> Snapshots | None:
    from dbmigrate.adapters.snapshots import Snapshots

    region = settings().backup_copy_region
    if not region:
        return None
    refuse_key_elsewhere(settings().backup_copy_key, region)
    return Snapshots(client("rds", region), backups().of)


def runs() -> Executions:
    """The runs of the environment."""
    from dbmigrate.adapters.executions import Executions

    return Executions(client("stepfunctions"), settings().state_machine_arn)


def recoveries() -> Executions:
    """The recoveries of the environment."""
    from dbmigrate.adapters.executions import Executions

    return Executions(client("stepfunctions"), settings().recovery_machine_arn)


def drills() -> Executions:
    """The drills of the environment."""
    from dbmigrate.adapters.executions import Executions

    return Executions(client("stepfunctions"), settings().drill_machine_arn)


@cache
def alarms() -> CloudWatchAlarms:
    """The application's alarms."""
    from dbmigrate.adapters.alarms import CloudWatchAlarms

    return CloudWatchAlarms(client("cloudwatch"))


@cache
def server_load() -> RdsServerLoad | None:
    """The database's server as RDS and CloudWatch know it; None where the stack names neither kind."""
    from dbmigrate.adapters.server_load import RdsServerLoad

    cluster, instance = settings().database_cluster, settings().database_instance
    if not (cluster or instance):
        return None
    return RdsServerLoad(client("rds"), client("cloudwatch"), cluster or instance, bool(cluster))


def forget() -> None:
    """Drop everything built so far, where one process plays several functions or environments."""
    for factory in (
        client,
        bundle_store,
        recovery_log,
        drill_log,
        handles,
        approvals,
        messages,
        task_tokens,
        backups,
        copies,
        instances,
        executions,
        hooks,
        alarms,
        server_load,
    ):
        factory.cache_clear()
