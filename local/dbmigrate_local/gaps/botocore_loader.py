"""Gap in speed: each handler has a session of its own, and each session reads the service models anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import botocore.session

from dbmigrate_local.gaps.patching import replaced

_loaders: dict[str | None, Any] = {}  # kept for the whole process: the models never change
SEARCH_PATHS = 8


@contextlib.contextmanager
def shared_botocore_loader() -> Iterator[None]:
    """All sessions read one loader's cache."""
    create = botocore.session.create_loader

    def shared(search_path_string: str | None = None) -> Any:
        if search_path_string not in _loaders:
            _loaders[search_path_string] = create(search_path_string)
        loader = _loaders[search_path_string]
        del loader.search_paths[SEARCH_PATHS:]  # boto3 appends its own folder once per session
        return loader

    with replaced((botocore.session, "create_loader", shared)):
        yield
