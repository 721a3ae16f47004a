"""What a template's parameters are on this machine, where the caller does not say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dbmigrate_local.account import REGION
from dbmigrate_local.database import DatabaseServer, Endpoint

INSTANCE = "local-database"
RETENTION = 7  # days, which RDS itself would set to 1
NOWHERE = Endpoint("127.0.0.1", 5432, "postgres", "postgres", None)
PEOPLE = {"FirstApprover": "approver@example.com", "NotificationEmail": "team@example.com"}
Client = Callable[[str], Any]


def local_parameters(
    given: Mapping[str, str], declared: Mapping[str, Any], database: DatabaseServer | None, client: Client
) -> dict[str, str]:
    """Every parameter that the template declares: as given, else this machine's."""
    cluster = given.get("DatabaseCluster", "")
    values = {"Environment": "staging", **PEOPLE, **network(client)}
    values |= {"DatabaseCluster": cluster, "DatabaseInstance": "" if cluster else INSTANCE}
    values |= login(database.endpoint if database else NOWHERE, client)
    values |= given
    if values["Environment"] == "production" and "PrecedingBucket" not in given:
        values["PrecedingBucket"] = preceding_bucket(client)
    if (region := values.get("BackupCopyRegion")) and "BackupCopyKeyArn" not in given:
        values["BackupCopyKeyArn"] = key_in(region, client)
    values["DatabaseResourceId"] = given.get("DatabaseResourceId") or resource_id(values, client)
    return {name: str(value) for name, value in values.items() if name in declared}


def login(endpoint: Endpoint, client: Client) -> dict[str, str]:
    """Where the database is; a password lies in a secret, without one IAM authentication is used."""
    where = {
        "DatabaseHost": endpoint.host,
        "DatabasePort": str(endpoint.port),
        "DatabaseName": endpoint.database,
        "DatabaseUser": endpoint.user,
    }
    if endpoint.password is None:
        return where
    content = json.dumps({"username": endpoint.user, "password": endpoint.password})
    made = client("secretsmanager").create_secret(Name="db-migrate/local", SecretString=content)
    return where | {"DatabaseSecretArn": made["ARN"]}


def network(client: Client) -> dict[str, str]:
    """The default network of the account, so that functions are in a VPC as they are on AWS."""
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=within)["Subnets"]]
    groups = [group["GroupId"] for group in ec2.describe_security_groups(Filters=within)["SecurityGroups"]]
    tables = [table["RouteTableId"] for table in ec2.describe_route_tables(Filters=within)["RouteTables"]]
    return {
        "VpcId": vpc,
        "SubnetIds": ",".join(subnets[:2]),
        "SecurityGroupIds": ",".join(groups[:1]),
        "RouteTableIds": ",".join(tables[:1]),
    }


def preceding_bucket(client: Client) -> str:
    """An empty bucket in the place of staging's."""
    client("s3").create_bucket(Bucket="db-migrate-staging-local")
    return "db-migrate-staging-local"


def key_in(region: str, client: Client) -> str:
    """A KMS key in a Region, by ARN."""
    made = client("kms").create_key(MultiRegion=True)["KeyMetadata"]
    if region == REGION:
        return str(made["Arn"])
    replica = client("kms").replicate_key(KeyId=made["KeyId"], ReplicaRegion=region)
    return str(replica["ReplicaKeyMetadata"]["Arn"])


def resource_id(values: Mapping[str, str], client: Client) -> str:
    """The resource id of the database in RDS, which is created here."""
    owner = {"Engine": "postgres", "MasterUsername": "postgres", "MasterUserPassword": "not-used-here"}
    if cluster := values["DatabaseCluster"]:
        made = client("rds").create_db_cluster(
            DBClusterIdentifier=cluster,
            BackupRetentionPeriod=RETENTION,
            EnableIAMDatabaseAuthentication=True,
            **owner | {"Engine": "aurora-postgresql"},
        )
        client("rds").create_db_instance(
            DBInstanceIdentifier=f"{cluster}-1",
            DBClusterIdentifier=cluster,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
        )
        return str(made["DBCluster"]["DbClusterResourceId"])
    made = client("rds").create_db_instance(
        DBInstanceIdentifier=values["DatabaseInstance"] or INSTANCE,
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        BackupRetentionPeriod=RETENTION,
        EnableIAMDatabaseAuthentication=True,
        **owner,
    )
    return str(made["DBInstance"]["DbiResourceId"])
