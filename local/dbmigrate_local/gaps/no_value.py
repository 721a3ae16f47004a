"""Gap: moto leaves None in a list where !If chose AWS::NoValue; CloudFormation drops the element."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moto.cloudformation import parsing

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def no_value_in_lists() -> Iterator[None]:
    """A policy's list of resources holds only resources."""
    original = parsing.clean_json

    def clean(resource_json: Any, resources_map: Any) -> Any:
        cleaned = original(resource_json, resources_map)
        if isinstance(resource_json, list):
            return [item for item in cleaned if item is not None]
        return cleaned

    with replaced((parsing, "clean_json", clean)):
        yield
