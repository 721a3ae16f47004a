"""A person waits for the approval page, so its function loads nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.outward.conftest import FUNCTIONS

LIST_MODULES = "import sys; sys.path.insert(0, sys.argv[1]); import app; print(*sys.modules)"
HEAVY = {"sqlalchemy", "alembic", "pg8000", "aws_xray_sdk", "boto3", "dbmigrate.adapters.approvals"}
HEAVY_POWERTOOLS = {"aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities.parser"}


def modules_of(verb: str) -> set[str]:
    command = [sys.executable, "-c", LIST_MODULES, str(FUNCTIONS / verb)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_the_approval_page_imports_neither_database_nor_tracer() -> None:
    assert not modules_of("decide") & (HEAVY | HEAVY_POWERTOOLS)


OUTSIDE = [
    "start_backup",
    "check_backup",
    "request_approval",
    "watch",
    "notify",
    "measure",
    "plan_drill",
    "record_drill",
]


@pytest.mark.parametrize("verb", OUTSIDE)
def test_what_never_talks_to_postgresql_never_loads_it(verb: str) -> None:
    assert not modules_of(verb) & {"sqlalchemy", "alembic", "pg8000"}
