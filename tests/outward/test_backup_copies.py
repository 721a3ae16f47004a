"""A backup's second home: copied under a key to another Region, shared with another account, waited for."""

from __future__ import annotations

from collections.abc import Callable

import boto3
import pytest
from botocore.stub import Stubber
from tests.outward.fakes import FakeBackups, FakeCopies, Meter

from dbmigrate.adapters.backup_copies import BackupCopies
from dbmigrate.adapters.snapshots import CLUSTER, INSTANCE, Kind, Snapshots
from dbmigrate.domain.backup import Snapshot, copy_id
from dbmigrate.domain.errors import BackupFailed, BackupUnseen, Misconfigured
from dbmigrate.runtime import wiring
from dbmigrate.service.check_backup import check_backup

RUN, FIRST = "staging-1", "db-migrate-staging-1-1"
COPY = copy_id(FIRST)
EVENT = {"run": RUN, "backup": {"id": FIRST}}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ORIGINAL = Snapshot(
    FIRST,
    "available",
    100,
    {"run": RUN, "aws:rds:primaryDBInstanceArn": "not ours to set"},
    arn=f"arn:aws:rds:eu-west-1:123456789012:snapshot:{FIRST}",
    key="arn:aws:kms:eu-west-1:123456789012:key/aws-rds",
)


def snapshot_of(status: str) -> FakeBackups:
    backups = FakeBackups(status)
    backups.start(FIRST, {"run": RUN})
    return backups


def test_the_copy_begins_when_there_is_something_to_copy() -> None:
    copies = FakeCopies("eu-central-1")
    assert check_backup(EVENT, snapshot_of("creating"), copies, Meter()) == {
        "status": "creating",
        "percent": 40,
        "said": "creating",
    }
    assert copies.begun == {}


def test_the_run_waits_for_the_copy() -> None:
    copies, backups = FakeCopies("eu-central-1"), snapshot_of("available")
    part = {"id": COPY, "region": "eu-central-1", "status": "creating", "percent": 0}
    first, again = (check_backup(EVENT, backups, copies, Meter()) for _ in range(2))
    said = {"status": "creating", "percent": 100, "said": "available"}
    assert first == again == said | {"copy": part}
    copies.status = "available"
    done = check_backup(EVENT, backups, copies, Meter())
    assert done["status"] == "available" and done["copy"]["status"] == "available"


def test_a_copy_that_fails_is_a_backup_that_failed() -> None:
    copies, backups, meter = FakeCopies("eu-central-1", status="failed"), snapshot_of("available"), Meter()
    check_backup(EVENT, backups, copies, meter)
    with pytest.raises(BackupFailed, match=f"{COPY} is of no use: RDS calls it failed"):
        check_backup(EVENT, backups, copies, meter)
    assert meter.emitted == [("BackupFailures", 1)]


def test_somebody_else_s_snapshot_is_no_copy_of_ours() -> None:
    copies = FakeCopies("eu-central-1", status="available")
    copies.begun[COPY] = Snapshot(COPY, "available", 100, {"run": "another"})
    with pytest.raises(BackupFailed, match="its tag says 'another'"):
        check_backup(EVENT, snapshot_of("available"), copies, Meter())


@pytest.mark.parametrize(("region", "shared"), [("", FIRST), ("eu-central-1", COPY)])
def test_the_copy_is_shared_where_there_is_one(region: str, shared: str) -> None:
    copies, backups = FakeCopies(region, "210987654321", "available"), snapshot_of("available")
    answers = [check_backup(EVENT, backups, copies, Meter()) for _ in range(2)]
    assert answers[-1]["shared_with"] == "210987654321"
    assert set(copies.shared) == {shared}


@pytest.fixture(params=[INSTANCE, CLUSTER], ids=["instance", "cluster"])
def kind(request) -> Kind:
    return request.param


@pytest.fixture
def there(kind: Kind):
    """A client of the other Region, whose answers a test writes down."""
    client = boto3.client("rds", region_name="eu-central-1")
    with Stubber(client) as stub:
        yield BackupCopies(Snapshots(home(), kind), Snapshots(client, kind), KEY, "210987654321"), stub
        stub.assert_no_pending_responses()


def home():
    return boto3.client("rds", region_name="eu-west-1")


def test_rds_is_asked_for_an_encrypted_copy_with_our_tags(there, kind: Kind) -> None:
    copies, stub = there
    asked = {
        f"Source{kind.snapshot}Identifier": ORIGINAL.arn,
        f"Target{kind.snapshot}Identifier": COPY,
        "KmsKeyId": KEY,
        "Tags": [{"Key": "run", "Value": RUN}],
        "SourceRegion": "eu-west-1",
    }
    stub.add_response(f"copy_{kind.calls}", {}, asked)
    assert copies.begin(ORIGINAL).id == COPY


def test_a_copy_in_the_same_region_is_asked_for_plainly(kind: Kind) -> None:
    client = boto3.client("rds", region_name="eu-west-1")
    asked = {
        f"Source{kind.snapshot}Identifier": ORIGINAL.arn,
        f"Target{kind.snapshot}Identifier": COPY,
        "KmsKeyId": KEY,
        "Tags": [{"Key": "run", "Value": RUN}],
    }
    with Stubber(client) as stub:
        stub.add_response(f"copy_{kind.calls}", {}, asked)
        BackupCopies(Snapshots(client, kind), Snapshots(client, kind), KEY).begin(ORIGINAL)


def test_twice_is_once(there, kind: Kind) -> None:
    copies, stub = there
    exists = "DBSnapshotAlreadyExists" if kind is INSTANCE else "DBClusterSnapshotAlreadyExistsFault"
    stub.add_client_error(f"copy_{kind.calls}", exists)
    assert copies.begin(ORIGINAL).status == "creating"


@pytest.mark.parametrize(
    ("call", "act", "said"),
    [
        ("copy_{}", BackupCopies.begin, f"cannot be copied to eu-central-1: .*KMSKeyNotAccessible.*{KEY}"),
        (
            "modify_{}_attribute",
            BackupCopies.share,
            "shared with account 210987654321.*key: .*aws-rds.*nobody",
        ),
    ],
)
def test_a_refusal_says_what_to_do(there, kind: Kind, call: str, act: Callable, said: str) -> None:
    copies, stub = there
    stub.add_client_error(call.format(kind.calls), "KMSKeyNotAccessibleFault", "not for you")
    with pytest.raises(BackupFailed, match=f"(?s){said}.*start the run again: db-migrate deploy"):
        act(copies, ORIGINAL)


def test_sharing_adds_one_account(there, kind: Kind) -> None:
    copies, stub = there
    asked = {
        f"{kind.snapshot}Identifier": FIRST,
        "AttributeName": "restore",
        "ValuesToAdd": ["210987654321"],
    }
    stub.add_response(f"modify_{kind.calls}_attribute", {}, asked)
    copies.share(ORIGINAL)


def test_a_copy_that_is_not_there_yet_is_none_and_silence_is_silence(there, kind: Kind) -> None:
    copies, stub = there
    gone = "DBSnapshotNotFound" if kind is INSTANCE else "DBClusterSnapshotNotFoundFault"
    stub.add_client_error(f"describe_{kind.calls}s", gone)
    assert copies.find(ORIGINAL) is None
    stub.add_client_error(f"describe_{kind.calls}s", "InternalFailure", "try later")
    with pytest.raises(BackupUnseen, match="RDS in eu-central-1 does not say.*try later"):
        copies.find(ORIGINAL)


def test_without_a_region_nothing_is_copied() -> None:
    assert wiring.copies().region == "" and wiring.copies().account == ""
    assert len(wiring.shelves()) == 1


def test_the_key_lies_where_the_copies_do(monkeypatch) -> None:
    monkeypatch.setenv("BACKUP_COPY_REGION", "us-east-1")
    monkeypatch.setenv("BACKUP_COPY_KEY", KEY)
    with pytest.raises(Misconfigured, match="Copies of backups go to us-east-1"):
        wiring.copies()
    monkeypatch.setenv("BACKUP_COPY_REGION", "eu-central-1")
    assert wiring.copies().region == "eu-central-1"
    assert [shelf.region for shelf in wiring.shelves()] == ["eu-west-1", "eu-central-1"]
