"""Gap: moto lets a call that it does not know out to the real AWS. Nothing may leave this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from botocore.httpsession import URLLib3Session

from dbmigrate_local.gaps.patching import replaced


class NotOnThisMachine(Exception):
    """A call that the local AWS does not know, stopped before it left."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The local AWS does not answer {url}, and nothing here may reach the real one.")


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Whatever botocore would really send is an error."""

    def refuse(self: URLLib3Session, request: Any) -> Any:
        raise NotOnThisMachine(request.url.partition("?")[0])

    with replaced((URLLib3Session, "send", refuse)):
        yield
