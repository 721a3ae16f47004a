"""Gap in speed: moto names resources by chance, so that the definitions of every deployment are new to the
parser."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator

from moto.cloudformation import parsing

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def physical_names() -> Iterator[None]:
    """A resource of a stack has the same name whenever the stack is deployed; it looks like one of AWS."""
    named = parsing.generate_resource_name

    def name(resource_type: str, stack_name: str, logical_id: str) -> str:
        suffix = base64.b32encode(hashlib.sha256(f"{stack_name}/{logical_id}".encode()).digest())[:12]
        with replaced((parsing, "random_suffix", suffix.decode)):
            return str(named(resource_type, stack_name, logical_id))

    with replaced((parsing, "generate_resource_name", name)):
        yield
