"""The one local AWS account, and credentials for its roles."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from moto.sts.models import sts_backends

ACCOUNT = "123456789012"
REGION = "us-east-1"
ADMINISTRATOR = ("local", "local")  # key id and secret: whoever is no role may do everything

NO_ACCOUNT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@contextlib.contextmanager
def without_account() -> Iterator[None]:
    """Hide the user's own AWS settings: a profile, an endpoint or keys must not matter here, nor be used."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in hidden:
        del os.environ[name]
    os.environ.update(NO_ACCOUNT)
    try:
        yield
    finally:
        for name in NO_ACCOUNT:
            os.environ.pop(name, None)
        os.environ.update(hidden)


class RoleCredentials:
    """Credentials of roles as their service would hand them out; one set a role, like a warm function's."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def __call__(self, role_arn: str, session: str) -> dict[str, str]:
        """The environment variables that carry a role's credentials."""
        with self._lock:
            if role_arn not in self._known:
                self._known[role_arn] = assume(role_arn, session)
            return self._known[role_arn]


def assume(role_arn: str, session: str) -> dict[str, str]:
    role = sts_backends[ACCOUNT]["aws"].assume_role(
        region_name=REGION,
        role_session_name=session[:64],
        role_arn=role_arn,
        policy=None,  # type: ignore[arg-type]
        duration=3600,
        external_id=None,  # type: ignore[arg-type]
    )
    return {
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
    }


def role_of(access_key: str) -> tuple[str, str] | None:
    """The ARN of the role behind an access key and its session; None for the administrator."""
    role = sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(access_key)
    return (role.role_arn, role.session_name) if role else None
