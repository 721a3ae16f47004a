"""Servers of a test's own: with other settings, or to be stopped in the middle of something."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres


@contextlib.contextmanager
def own_server(
    settings: Mapping[str, str] | None = None, files: Mapping[str, bytes] | None = None
) -> Iterator[EmbeddedPostgres]:
    """A running server; ``files`` are put into its data folder before it is started with ``settings``."""
    with tempfile.TemporaryDirectory(prefix="db-migrate-tests-") as folder:
        server = EmbeddedPostgres(find_binaries(), Path(folder))
        if files:
            with server:
                pass
        for name, content in (files or {}).items():
            path = server.data / name
            path.write_bytes(content)
            path.chmod(0o600)
            if server.account.uid is not None:
                os.chown(path, server.account.uid, server.account.gid or -1)
        server.settings |= settings or {}
        with server:
            yield server
