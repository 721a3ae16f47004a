"""Gap in speed: moto's EC2 begins with more than a thousand machine images; here only its network is used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from moto.ec2.models.amis import AmiBackend

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def no_machine_images() -> Iterator[None]:
    """EC2 without images."""
    with replaced((AmiBackend, "_load_amis", lambda self: None)):
        yield
