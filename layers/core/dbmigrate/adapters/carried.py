"""What a restored instance gets of the old one: in the call that restores it where RDS takes it there, later
where not. Nothing here names a value: whatever the old one has, the new one gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.instance import TAG

Described = Mapping[str, Any]
# Parameter of the call: where the description of the old instance has it.
IN_RESTORE = {
    "DBInstanceClass": "DBInstanceClass",
    "MultiAZ": "MultiAZ",
    "PubliclyAccessible": "PubliclyAccessible",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "DedicatedLogVolume": "DedicatedLogVolume",
    "NetworkType": "NetworkType",
    "StorageType": "StorageType",
}
IN_CLUSTER_RESTORE = {
    "Port": "Port",
    "DBClusterParameterGroupName": "DBClusterParameterGroup",
    "DBSubnetGroupName": "DBSubnetGroup",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "NetworkType": "NetworkType",
    "StorageType": "StorageType",
}
IN_MEMBER = {
    "DBInstanceClass": "DBInstanceClass",
    "Engine": "Engine",
    "PubliclyAccessible": "PubliclyAccessible",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "PromotionTier": "PromotionTier",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
}
MONITORING = {
    "MonitoringInterval": "MonitoringInterval",
    "MonitoringRoleArn": "MonitoringRoleArn",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
}
LATER_CLUSTER = {
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "PreferredBackupWindow": "PreferredBackupWindow",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
}
LATER = MONITORING | LATER_CLUSTER | {"MaxAllocatedStorage": "MaxAllocatedStorage"}
# gp3 takes its IOPS and throughput only from this size on, in GiB; below, everyone has the same.
TUNABLE_GP3 = 400


def restore_values(old: Described) -> dict[str, Any]:
    """Parameters of the call that restores an instance beside the old one."""
    storage, tunable = old.get("StorageType"), old.get("AllocatedStorage", 0) >= TUNABLE_GP3
    speed = ("Iops", "StorageThroughput") if storage == "gp3" and tunable else ("Iops",)
    provisioned = storage in ("io1", "io2") or (storage == "gp3" and tunable)
    return _present(
        {name: old.get(where) for name, where in IN_RESTORE.items()}
        | {name: old.get(name) for name in speed if provisioned}
        | {
            "Port": old.get("Endpoint", {}).get("Port"),
            "DBSubnetGroupName": old.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
            "DBParameterGroupName": _group(old, "DBParameterGroups", "DBParameterGroupName"),
            "OptionGroupName": _group(old, "OptionGroupMemberships", "OptionGroupName"),
            "VpcSecurityGroupIds": _groups(old),
            "EnableCloudwatchLogsExports": old.get("EnabledCloudwatchLogsExports"),
        }
    )


def cluster_restore_values(old: Described) -> dict[str, Any]:
    """Parameters of the call that restores a cluster beside the old one."""
    scaling = old.get("ServerlessV2ScalingConfiguration") or {}
    limits = {key: scaling[key] for key in ("MinCapacity", "MaxCapacity") if key in scaling}
    return _present(
        {name: old.get(where) for name, where in IN_CLUSTER_RESTORE.items()}
        | {
            "VpcSecurityGroupIds": _groups(old),
            "EnableCloudwatchLogsExports": old.get("EnabledCloudwatchLogsExports"),
            "ServerlessV2ScalingConfiguration": limits,
        }
    )


def member_values(old: Described) -> dict[str, Any]:
    """Parameters of the call that gives the new cluster a member like this one of the old cluster."""
    return _present(
        {name: old.get(where) for name, where in (IN_MEMBER | MONITORING).items()}
        | {"DBParameterGroupName": _group(old, "DBParameterGroups", "DBParameterGroupName")}
    )


def missing(old: Described, new: Described, later: Mapping[str, str] = LATER) -> dict[str, Any]:
    """What the new one does not have yet and no call of ours has asked for; {} when it is like the old."""
    have = {**new, **(new.get("PendingModifiedValues") or {})}
    wanted = {name: old.get(where) for name, where in later.items()}
    changed = {name: value for name, value in wanted.items() if value and have.get(later[name]) != value}
    if {"MonitoringInterval", "MonitoringRoleArn"} & set(changed):  # RDS takes the two only together
        changed |= {name: wanted[name] for name in ("MonitoringInterval", "MonitoringRoleArn")}
    logs = set(old.get("EnabledCloudwatchLogsExports") or ()) - set(
        have.get("EnabledCloudwatchLogsExports") or ()
    )
    if logs:
        changed["CloudwatchLogsExportConfiguration"] = {"EnableLogTypes": sorted(logs)}
    return _present(changed)


def tags_of(old: Described, ours: Mapping[str, str]) -> list[dict[str, str]]:
    """The old one's tags with ours over them; those that AWS gives itself can be given by nobody else."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in old.get("TagList") or ()}
    given = {key: value for key, value in tags.items() if not key.startswith("aws:") and key != TAG}
    return [{"Key": key, "Value": value} for key, value in sorted({**given, **ours}.items())]


def not_carried(old: Described) -> tuple[str, ...]:
    """What hangs on the old one and has to be moved by hand."""
    replicas = [*old.get("ReadReplicaDBInstanceIdentifiers", ()), *old.get("ReadReplicaIdentifiers", ())]
    roles = [role["RoleArn"] for role in old.get("AssociatedRoles") or ()]
    found = (
        (replicas, "read replicas still follow the old instance: "),
        (roles, "roles that the old instance may assume have to be associated again: "),
        (old.get("CustomEndpoints"), "custom endpoints of the old cluster: "),
        (["managed"] if old.get("MasterUserSecret") else [], "the master password is no longer "),
    )
    return tuple(words + ", ".join(items) for items, words in found if items)


def _group(old: Described, groups: str, name: str) -> Any:
    """The group's name; RDS's own defaults it gives by itself."""
    named = (str(group.get(name, "")) for group in old.get(groups) or ())
    return next((found for found in named if not found.startswith("default")), None)


def _groups(old: Described) -> list[str]:
    return [group["VpcSecurityGroupId"] for group in old.get("VpcSecurityGroups") or ()]


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the old one does not say: None and empty lists. False and 0 are said."""
    return {name: value for name, value in values.items() if value is not None and value not in ([], {}, "")}
