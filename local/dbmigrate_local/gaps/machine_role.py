"""Gap: moto's interpreter calls AWS with made-up keys; here with the role of the state machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.config import Config
from moto.stepfunctions.parser.asl.parse import asl_parser  # noqa: F401 - imports everyone who makes a client
from moto.stepfunctions.parser.asl.utils import boto_client

from dbmigrate_local.gaps.patching import replaced_wherever_imported

Credentials = Callable[[str, str], dict[str, str]]


@contextlib.contextmanager
def machine_role(credentials: Credentials) -> Iterator[None]:
    """A state machine can do what its role may do."""
    original = boto_client.boto_client_for
    clients: dict[tuple[str, str, str], Any] = {}
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=900)

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        role = getattr(state_credentials, "role_arn", None)
        if not role:
            return original(region, service, state_credentials)
        if (region, service, role) not in clients:
            keys = credentials(role, "states")
            session: Any = boto3.Session()
            clients[region, service, role] = session.client(
                service,
                region_name=region,
                aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=keys["AWS_SESSION_TOKEN"],
                config=config,
            )
        return clients[region, service, role]

    with replaced_wherever_imported("moto.stepfunctions", "boto_client_for", original, client_for):
        yield
