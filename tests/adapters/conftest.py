"""A project to write revisions into and a database of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.adapters.project import Project

from dbmigrate.adapters import runner
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def s3() -> Iterator[Any]:
    """A client of S3, and a bucket called bundles."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="bundles")
        yield client


@pytest.fixture
def db(database: str) -> Database:
    return Database(target_from_url(database), "development")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is not free is given up after two tries."""
    monkeypatch.setattr(runner, "QUICK_TRIES", 2)
