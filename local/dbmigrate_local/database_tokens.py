"""IAM database authentication: a token is signed locally, so its permission is asked for when it is minted.

AWS asks when the token is used: the login fails. PostgreSQL here does not know IAM, so a role without
`rds-db:connect` fails one step earlier, with AccessDenied. The resource is the instance that is reached, not
the one that had its name when the stack was made: a restored one has an id of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import botocore.signers
from botocore.exceptions import ClientError

from dbmigrate_local.account import ACCOUNT, REGION, role_of
from dbmigrate_local.gaps.patching import replaced
from dbmigrate_local.iam import Judge


@contextlib.contextmanager
def database_tokens(judge: Judge, resource_at: Callable[[int], str]) -> Iterator[None]:
    """Only a role with rds-db:connect on the database at a port and on the user gets a token."""
    mint = botocore.signers.generate_db_auth_token

    def mint_if_allowed(
        self: Any, DBHostname: str, Port: int, DBUsername: str, Region: str | None = None
    ) -> str:
        role = role_of(self._request_signer._credentials.get_frozen_credentials().access_key)
        user = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{resource_at(Port)}/{DBUsername}"
        if role and not judge.may(role[0], "rds-db:connect", user):
            message = f"{role[0]} is not authorized to perform: rds-db:connect on resource: {user}"
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "Connect")
        return str(mint(self, DBHostname, Port, DBUsername, Region))

    with replaced((botocore.signers, "generate_db_auth_token", mint_if_allowed)):
        yield
