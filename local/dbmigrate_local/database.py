"""The PostgreSQL that a local run works on: the one that the user names, else one of our own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres


class DatabaseUrlInvalid(ValueError):
    """A database address that names no PostgreSQL."""

    def __init__(self, url: str) -> None:
        shown = url.rpartition("@")[2]  # never the password
        super().__init__(
            f"{shown!r} is not the address of a PostgreSQL database. Write postgresql://USER@HOST:PORT/DATABASE."
        )


@dataclass(frozen=True)
class DatabaseServer:
    """Where to connect; `embedded` and `binaries` only when the server is our own."""

    url: str
    embedded: EmbeddedPostgres | None = None
    binaries: Path | None = None

    def on(self, database: str) -> DatabaseServer:
        """The same server, another of its databases."""
        parts = urlsplit(self.url)._replace(path=f"/{database}")
        return DatabaseServer(parts.geturl(), self.embedded, self.binaries)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint.of(self.url)


@dataclass(frozen=True)
class Endpoint:
    """An address taken apart; `password` is None when the address has none."""

    host: str
    port: int
    database: str
    user: str
    password: str | None

    @classmethod
    def of(cls, url: str) -> Endpoint:
        """Raises DatabaseUrlInvalid."""
        parts = urlsplit(url)
        if not parts.scheme.startswith("postgres") or not parts.hostname:
            raise DatabaseUrlInvalid(url)
        user = unquote(parts.username or "postgres")
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, parts.port or 5432, parts.path.lstrip("/") or user, user, password)


@contextlib.contextmanager
def open_database(url: str | None, folder: Path) -> Iterator[DatabaseServer]:
    """The server at `url`, else an embedded one whose data stay in `folder` for the next time.

    Raises DatabaseUrlInvalid, BinariesNotFound, FolderInUse, ServerNotStarted.
    """
    if url:
        Endpoint.of(url)
        yield DatabaseServer(url)
        return
    binaries = find_binaries()
    with EmbeddedPostgres(binaries, folder / "postgres") as server:
        yield DatabaseServer(server.url, server, binaries)
