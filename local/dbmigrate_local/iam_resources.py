"""Which resources an API call touches, as IAM names them: every one must be allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.rds.models import rds_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from dbmigrate_local.gaps.task_tokens import holder_of

Parameters = Mapping[str, Any]
SERVICES = {"monitoring": "cloudwatch", "email": "ses"}  # name in a signature -> prefix of its actions
ACTIONS = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("s3", "ListObjectsV2"): "ListBucket",
    ("s3", "ListObjects"): "ListBucket",
    ("s3", "HeadBucket"): "ListBucket",
    ("s3", "HeadObject"): "GetObject",
    ("s3", "CopyObject"): "PutObject",
    ("s3", "CreateMultipartUpload"): "PutObject",
    ("s3", "UploadPart"): "PutObject",
    ("s3", "CompleteMultipartUpload"): "PutObject",
    ("s3", "ListObjectVersions"): "ListBucketVersions",
}


@dataclass(frozen=True)
class Call:
    """One API call of an assumed role."""

    service: str
    operation: str
    region: str
    account: str
    parameters: Parameters = field(default_factory=dict)

    @property
    def action(self) -> str:
        return f"{self.service}:{ACTIONS.get((self.service, self.operation), self.operation)}"

    @property
    def resources(self) -> list[str]:
        """The ARNs that the action is checked on; "*" where the service has none or the rule is not known."""
        rules = RULES.get((self.service, self.operation)) or RULES.get((self.service, "*")) or [everything]
        return [rule(self) for rule in rules]

    @property
    def asks(self) -> list[tuple[str, str]]:
        """Every (action, resource) that must be allowed: RDS asks for the tags of what is made, too, for the
        key that it encrypts by, and for the role that it is given to monitor by."""
        wanted = [(self.action, resource) for resource in self.resources]
        if self.service != "rds":
            return wanted
        if self.operation.startswith(("Create", "Copy", "Restore")) and self.parameters.get("Tags"):
            wanted.append(("rds:AddTagsToResource", self.resources[-1]))
        if key := self.parameters.get("KmsKeyId"):
            wanted += [(f"kms:{action}", str(key)) for action in ("DescribeKey", "CreateGrant")]
        if role := self.parameters.get("MonitoringRoleArn"):
            wanted.append(("iam:PassRole", role))
        return wanted

    @property
    def context(self) -> dict[str, Any]:
        """The condition keys that the request carries, and the tags of what it changes."""
        keys: dict[str, Any] = {"aws:RequestedRegion": self.region}
        if self.service == "cloudwatch":
            keys["cloudwatch:namespace"] = self.parameters.get("Namespace")
        if self.service == "s3":
            keys["s3:prefix"] = self.parameters.get("Prefix")
        if self.service == "rds":
            keys["iam:PassedToService"] = "monitoring.rds.amazonaws.com"
            for tag in self.parameters.get("Tags") or []:
                keys[f"aws:RequestTag/{tag['Key']}"] = tag.get("Value", "")
            for key, value in tags_of(self).items():
                keys[f"aws:ResourceTag/{key}"] = value
            if self.parameters.get("KmsKeyId"):
                keys["kms:ViaService"] = f"rds.{self.region}.amazonaws.com"
        return keys

    def arn(self, service: str, path: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{path}"


Rule = Callable[[Call], str]


def everything(call: Call) -> str:
    return "*"


def named(service: str, path: str, *parameters: str) -> Rule:
    """The ARN of what a parameter names, by name or by ARN."""

    def rule(call: Call) -> str:
        name = next((str(call.parameters[key]) for key in parameters if call.parameters.get(key)), None)
        if name is None:
            return "*"
        return name if name.startswith("arn:") else call.arn(service, path.format(name))

    return rule


def secret(call: Call) -> str:
    """A secret's full ARN, random ending included."""
    name = str(call.parameters.get("SecretId") or call.parameters.get("Name") or "*")
    if name.startswith("arn:"):
        return name
    for known in secretsmanager_backends[call.account][call.region].secrets.values():
        if known.name == name:
            return str(known.arn)
    return call.arn("secretsmanager", f"secret:{name}-??????")


def rds(kind: str, parameter: str) -> Rule:
    return lambda call: call.arn("rds", f"{kind}:{call.parameters.get(parameter) or '*'}")


INSTANCE = rds("db", "DBInstanceIdentifier")
SNAPSHOT = rds("snapshot", "DBSnapshotIdentifier")
CLUSTER = rds("cluster", "DBClusterIdentifier")
CLUSTER_SNAPSHOT = rds("cluster-snapshot", "DBClusterSnapshotIdentifier")
MACHINE = named("states", "stateMachine:{}", "stateMachineArn")
EXECUTION = named("states", "execution:{}", "executionArn")

RULES: dict[tuple[str, str], list[Rule]] = {
    ("rds", "CreateDBSnapshot"): [INSTANCE, SNAPSHOT],
    ("rds", "DescribeDBSnapshots"): [SNAPSHOT],
    ("rds", "DescribeDBInstances"): [INSTANCE],
    ("rds", "ModifyDBInstance"): [INSTANCE],
    ("rds", "DeleteDBInstance"): [INSTANCE],
    ("rds", "DeleteDBSnapshot"): [SNAPSHOT],
    ("rds", "ModifyDBSnapshotAttribute"): [SNAPSHOT],
    ("rds", "CopyDBSnapshot"): [
        named("rds", "snapshot:{}", "SourceDBSnapshotIdentifier"),
        rds("snapshot", "TargetDBSnapshotIdentifier"),
    ],
    ("rds", "RestoreDBInstanceFromDBSnapshot"): [SNAPSHOT, INSTANCE],
    ("rds", "RestoreDBInstanceToPointInTime"): [
        rds("db", "SourceDBInstanceIdentifier"),
        rds("db", "TargetDBInstanceIdentifier"),
    ],
    ("rds", "DescribeDBInstanceAutomatedBackups"): [rds("auto-backup", "DbiResourceId")],
    ("rds", "ModifyDBCluster"): [CLUSTER],
    ("rds", "DeleteDBCluster"): [CLUSTER],
    ("rds", "CreateDBClusterSnapshot"): [CLUSTER, CLUSTER_SNAPSHOT],
    ("rds", "DescribeDBClusterSnapshots"): [CLUSTER_SNAPSHOT],
    ("rds", "DescribeDBClusters"): [CLUSTER],
    ("rds", "DescribeBlueGreenDeployments"): [rds("deployment", "BlueGreenDeploymentIdentifier")],
    ("rds", "DeleteDBClusterSnapshot"): [CLUSTER_SNAPSHOT],
    ("rds", "ModifyDBClusterSnapshotAttribute"): [CLUSTER_SNAPSHOT],
    ("rds", "CopyDBClusterSnapshot"): [
        named("rds", "cluster-snapshot:{}", "SourceDBClusterSnapshotIdentifier"),
        rds("cluster-snapshot", "TargetDBClusterSnapshotIdentifier"),
    ],
    ("rds", "RestoreDBClusterFromSnapshot"): [rds("cluster-snapshot", "SnapshotIdentifier"), CLUSTER],
    ("rds", "RestoreDBClusterToPointInTime"): [rds("cluster", "SourceDBClusterIdentifier"), CLUSTER],
    ("rds", "CreateDBInstance"): [lambda call: cluster_of(call), INSTANCE],
    ("rds", "AddTagsToResource"): [named("rds", "{}", "ResourceName")],
    ("rds", "ListTagsForResource"): [named("rds", "{}", "ResourceName")],
    ("sns", "*"): [named("sns", "{}", "TopicArn", "TargetArn")],
    ("dynamodb", "*"): [named("dynamodb", "table/{}", "TableName")],
    ("states", "StartExecution"): [MACHINE],
    ("states", "ListExecutions"): [MACHINE],
    ("states", "DescribeExecution"): [EXECUTION],
    ("states", "StopExecution"): [EXECUTION],
    ("states", "GetExecutionHistory"): [EXECUTION],
    ("states", "SendTaskSuccess"): [lambda call: machine_of_token(call)],
    ("states", "SendTaskFailure"): [lambda call: machine_of_token(call)],
    ("states", "SendTaskHeartbeat"): [lambda call: machine_of_token(call)],
    ("secretsmanager", "*"): [secret],
    ("lambda", "*"): [named("lambda", "function:{}", "FunctionName")],
    ("ssm", "*"): [named("ssm", "parameter/{}", "Name")],
    ("logs", "*"): [named("logs", "log-group:{}:*", "logGroupName")],
    ("kms", "*"): [named("kms", "key/{}", "KeyId")],
    ("s3", "*"): [lambda call: s3_arn(call)],
}


def cluster_of(call: Call) -> str:
    """The cluster that a new instance becomes a member of; else the instance itself."""
    cluster = call.parameters.get("DBClusterIdentifier")
    return call.arn("rds", f"cluster:{cluster}") if cluster else INSTANCE(call)


def tags_of(call: Call) -> dict[str, str]:
    """The tags of the one snapshot that a call names."""
    backend = rds_backends[call.account][call.region]
    name = str(call.parameters.get("DBSnapshotIdentifier"))
    cluster = str(call.parameters.get("DBClusterSnapshotIdentifier"))
    found = backend.database_snapshots.get(name) or backend.cluster_snapshots.get(cluster)
    return {tag["Key"]: tag["Value"] for tag in found.tags} if found else {}


def machine_of_token(call: Call) -> str:
    """The state machine whose task waits for a token."""
    token = str(call.parameters.get("taskToken"))
    holder = holder_of(stepfunctions_parser_backends[call.account][call.region], token)
    return str(holder.state_machine.arn) if holder else call.arn("states", "stateMachine:*")


def s3_arn(call: Call) -> str:
    bucket, key = call.parameters.get("Bucket") or "*", call.parameters.get("Key")
    return f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
