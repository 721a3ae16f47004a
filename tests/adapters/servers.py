"""Servers of a test's own: with other settings, or to be stopped in the middle of something."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import tempfile
import threading
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


class Relay:
    """A way to a server that can be cut, as a failover or a broken network cuts it."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._reset = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection, both ways; no new one gets through."""
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Forget every connection, as a host does that vanished and came back: who sends hears a reset."""
        self._reset.set()

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    self._threads.append(threading.Thread(target=self._pump, args=pair, daemon=True))
                    self._threads[-1].start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        source.settimeout(0.02)  # a socket in which somebody waits cannot be reset
        with contextlib.suppress(OSError):
            while not self._reset.is_set():
                with contextlib.suppress(TimeoutError):
                    if not (block := source.recv(65536)):
                        break
                    sink.sendall(block)
        with contextlib.suppress(OSError):
            if self._reset.is_set():
                source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                source.close()
            else:
                sink.shutdown(socket.SHUT_RDWR)
