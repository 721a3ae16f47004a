"""Handles come back as they were put, from both places, and a run's name leads nowhere else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from dbmigrate.adapters.handles import FolderHandles, S3Handles
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.handle import Handle

ONE = Handle(41, 4_000_000_000, "10.0.0.7", 5432, "db-migrate run-1")
TWO = Handle(42, 7, "10.0.0.7", 5432, "db-migrate run-1 long")


@pytest.fixture(params=["folder", "bucket"])
def handles(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FolderHandles | S3Handles]:
    if request.param == "folder":
        yield FolderHandles(tmp_path)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bundles")
        yield S3Handles(client, "bundles")


def test_they_come_back(handles: FolderHandles | S3Handles) -> None:
    handles.put("run-1", ONE)
    handles.put("run-1", TWO)
    handles.put("run-2", ONE)
    assert sorted(handles.all("run-1"), key=lambda handle: handle.pid) == [ONE, TWO]
    handles.forget("run-1", TWO.pid)
    handles.forget("run-1", TWO.pid)
    assert ONE in handles.all("run-1") and handles.all("run-2") == [ONE]
    assert handles.all("run-3") == []


def test_a_folder_forgets_at_once(tmp_path: Path) -> None:
    handles = FolderHandles(tmp_path)
    handles.put("run-1", ONE)
    handles.put("run-1", TWO)
    handles.forget("run-1", ONE.pid)
    assert handles.all("run-1") == [TWO]


class ListedInTwoPages:
    """An S3 client of three objects, the newest in the middle."""

    exceptions = SimpleNamespace(NoSuchKey=KeyError)
    ages = {"one": 3, "two": 1, "three": 2}

    def get_paginator(self, name: str) -> ListedInTwoPages:
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        entries = [{"Key": key, "LastModified": -age} for key, age in self.ages.items()]
        return [{"Contents": entries[:1]}, {"Contents": entries[1:]}, {}]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(replace(ONE, application=Key).to_json().encode())}


def test_of_many_sessions_the_newest_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3Handles, "most", 2)
    found = S3Handles(ListedInTwoPages(), "bundles").all("run-1")
    assert [handle.application for handle in found] == ["two", "three"]


def test_a_process_number_is_used_again(handles: FolderHandles | S3Handles) -> None:
    handles.put("run-1", ONE)
    handles.put("run-1", Handle(ONE.pid, 1, "h", 1, "later"))
    assert [handle.application for handle in handles.all("run-1")] == ["later"]


@pytest.mark.parametrize("run", ["", "..", "../run-1", "run/1", "run 1", "-x", "r" * 200])
def test_what_is_no_run_names_no_place(handles: FolderHandles | S3Handles, run: str) -> None:
    with pytest.raises(BadRequest, match="no name of a run"):
        handles.all(run)


def test_a_broken_file_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    handles = FolderHandles(tmp_path)
    handles.put("run-1", TWO)
    folder = tmp_path / "runs/run-1/sessions"
    for number, text in enumerate(["", "[]", "{}", '{"pid": null}', "{"]):
        (folder / f"{number}.json").write_text(text)
    assert handles.all("run-1") == [TWO]


def test_the_secret_is_for_the_owner_and_an_ended_run_leaves_nothing(tmp_path: Path) -> None:
    handles = FolderHandles(tmp_path)
    handles.put("run-1", ONE)
    (file,) = tmp_path.rglob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    handles.forget("run-1", ONE.pid)
    assert list(tmp_path.rglob("run-1")) == []
