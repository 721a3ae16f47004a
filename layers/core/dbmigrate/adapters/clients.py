"""AWS clients that give up early enough for a function to still say so."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

PATIENCE = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
# A function of somebody's is waited for, and never called twice because its answer was slow.
ONE_LONG_CALL = Config(connect_timeout=5, read_timeout=280, retries={"mode": "standard", "max_attempts": 1})


def aws_client(service: str, config: Config = PATIENCE, region: str | None = None) -> Any:
    """The client of one service with the process's credentials, in its region unless another is named."""
    make: Any = boto3.client
    return make(service, region_name=region, config=config)
