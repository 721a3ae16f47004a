"""Each role may do what the template says, on the resources that it says, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dbmigrate_local.account import ACCOUNT, REGION
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.iam_policies import allowed
from dbmigrate_local.iam_resources import Call


def store(cloud: Cloud, **event: Any) -> tuple[str | None, str]:
    """What the function answered, and the error's message."""
    answer, error = cloud.invoke("StoreFunction", event)
    return (None, answer["errorMessage"]) if error else (answer, "")


def test_a_key_within_the_statement_is_stored(cloud: Cloud) -> None:
    assert store(cloud, do="put", key="allowed/x") == ("stored", "")
    assert ("s3:PutObject", True) in {(d.action, d.allowed) for d in cloud.decisions}


def test_a_key_outside_the_statement_is_denied(cloud: Cloud) -> None:
    _, message = store(cloud, do="put", key="elsewhere/x")
    assert "AccessDenied" in message
    assert cloud.judge.denied[-1].resource == f"arn:aws:s3:::{cloud.outputs['BucketName']}/elsewhere/x"


@pytest.mark.parametrize("namespace, answer", [("Small", "measured"), ("Other", None)])
def test_a_condition_counts(cloud: Cloud, namespace: str, answer: str | None) -> None:
    assert store(cloud, do="measure", namespace=namespace, value=0)[0] == answer


@pytest.mark.parametrize("name, answer", [("run-1", "creating"), ("other-1", None)])
def test_every_resource_of_a_call_must_be_allowed(cloud: Cloud, name: str, answer: str | None) -> None:
    told, message = store(cloud, do="snapshot", name=name)
    assert told == answer
    assert (
        answer
        or f"rds:CreateDBSnapshot on resource: arn:aws:rds:us-east-1:123456789012:snapshot:{name}" in message
    )


def test_a_database_token_needs_its_statement(cloud: Cloud) -> None:
    token, _ = store(cloud, do="log_in", user="migrator")
    _, message = store(cloud, do="log_in", user="postgres")
    assert token is not None and "DBUser=migrator" in token
    assert "not authorized to perform: rds-db:connect" in message and message.endswith("/postgres")


def test_a_statement_that_is_taken_away_is_missed(cloud: Cloud) -> None:
    iam, role = cloud.client("iam"), cloud.resources["MachineRole"]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        run = cloud.start({"question": "May I?"})
        ended = cloud.wait(run)
    finally:
        iam.put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", **document})
        )
    assert "lambda:InvokeFunction" in ended["cause"]
    assert cloud.judge.denied[-1].action == "lambda:InvokeFunction"


def test_a_rule_needs_the_function_s_permission(cloud: Cloud) -> None:
    functions, name = cloud.client("lambda"), cloud.resources["EndedFunction"]
    for statement in json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]:
        functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    run = cloud.start({"question": "May I?"})
    cloud.fail_task(run, "Rejected", "no")
    cloud.wait(run)
    assert cloud.judge.denied[-1].role == "events.amazonaws.com"
    assert "EndedFunction" not in {made.logical_id for made in cloud.invocations if run in str(made.event)}


def test_the_administrator_is_not_judged(cloud: Cloud) -> None:
    before = len(cloud.decisions)
    cloud.client("s3").put_object(Bucket=cloud.outputs["BucketName"], Key="elsewhere/y", Body=b"y")
    assert len(cloud.decisions) == before


def statement(**changed: Any) -> list[dict[str, Any]]:
    return [
        {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a/*", **changed}]}
    ]


@pytest.mark.parametrize(
    "policies, context, verdict",
    [
        (statement(), {}, True),
        (statement(Action="s3:getobject"), {}, True),
        (statement(Resource="arn:aws:s3:::A/*"), {}, False),
        (statement(Action="s3:PutObject"), {}, False),
        (statement() + statement(Effect="Deny"), {}, False),
        (statement(Condition={"StringEquals": {"k": ["x", "y"]}}), {"K": "y"}, True),
        (statement(Condition={"StringEquals": {"k": "x"}}), {}, False),
        (statement(Condition={"StringEqualsIfExists": {"k": "x"}}), {}, True),
        (statement(Condition={"StringNotEquals": {"k": "x"}}), {"k": "x"}, False),
        (statement(Condition={"StringNotEquals": {"k": "x"}}), {}, True),
        (statement(Condition={"StringLike": {"k": "run-*"}}), {"k": "run-1"}, True),
        (statement(Condition={"StringEquals": {"k": "run-*"}}), {"k": "run-1"}, False),
        (statement(Condition={"Bool": {"k": "true"}}), {"k": True}, True),
        (statement(Condition={"Null": {"k": "true"}}), {}, True),
        ([{"Statement": {"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}}], {}, True),
        ([{"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::a/*"}}], {}, False),
    ],
)
def test_the_rule_of_policies(policies: Any, context: dict[str, Any], verdict: bool) -> None:
    assert allowed(policies, "s3:GetObject", "arn:aws:s3:::a/key", context) is verdict


def delete(name: str) -> Call:
    return Call("rds", "DeleteDBSnapshot", REGION, ACCOUNT, {"DBSnapshotIdentifier": name})


@pytest.mark.parametrize("tags, verdict", [({"owner": "us"}, True), ({"owner": "them"}, False), ({}, False)])
def test_the_tags_of_what_is_deleted_count(cloud: Cloud, tags: dict[str, str], verdict: bool) -> None:
    name = f"tagged-{'-'.join(tags.values()) or 'not'}"
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="local-database", DBSnapshotIdentifier=name, Tags=listed)
    ours = {"StringEquals": {"aws:ResourceTag/owner": "us"}}
    policies = statement(Action="rds:DeleteDBSnapshot", Resource="*", Condition=ours)
    (asked,) = delete(name).asks
    assert allowed(policies, *asked, delete(name).context) is verdict
    assert not allowed(policies, *delete("unknown").asks[0], delete("unknown").context)


def test_a_copy_asks_for_both_ends_for_its_tags_and_for_its_key() -> None:
    source, key = "arn:aws:rds:eu-west-1:1:snapshot:a", "arn:aws:kms:us-east-1:1:key/k"
    names = {"SourceDBSnapshotIdentifier": source, "TargetDBSnapshotIdentifier": "b"}
    call = Call("rds", "CopyDBSnapshot", REGION, ACCOUNT, names | {"KmsKeyId": key, "Tags": [{"Key": "run"}]})
    target = f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:b"
    assert call.asks == [
        ("rds:CopyDBSnapshot", source),
        ("rds:CopyDBSnapshot", target),
        ("rds:AddTagsToResource", target),
        ("kms:DescribeKey", key),
        ("kms:CreateGrant", key),
    ]
    assert call.context["kms:ViaService"] == f"rds.{REGION}.amazonaws.com"
