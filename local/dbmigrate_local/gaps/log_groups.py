"""Gap: a log group's Arn ends in `:*` on AWS, and policies count on it; moto's does not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from moto.logs.models import LogGroup

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def log_groups() -> Iterator[None]:
    """A log group's Arn names its streams."""
    original = LogGroup.get_cfn_attribute

    def attribute(self: LogGroup, attribute_name: str) -> str:
        value = str(original(self, attribute_name))
        return f"{value}:*" if attribute_name == "Arn" and not value.endswith(":*") else value

    with replaced((LogGroup, "get_cfn_attribute", attribute)):
        yield
