"""Databases to rehearse on: empty ones, and copies of what was built before."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dbmigrate.adapters.connection import Target, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import BadRequest
from dbmigrate_cli.context import address
from dbmigrate_cli.options import Options

if TYPE_CHECKING:
    from dbmigrate_local.embedded import EmbeddedPostgres

MOST_KEPT = 8
KEPT = "SELECT datname FROM pg_database WHERE datname ~ '^kept_[a-z]+_[0-9a-f]{32}$' ORDER BY oid DESC"
PASSING = "SELECT datname FROM pg_database WHERE datname ~ '^scratch_[0-9a-f]{12}$'"


@contextlib.contextmanager
def empty_scratch(options: Options, url: str) -> Iterator[Target]:
    """Somebody's own database, which must be empty and is empty again afterwards. Raises BadRequest."""
    target = address(options, url, "--scratch")
    database = Database(target, "development")
    if database.current() or any(database.catalog().values()):
        raise BadRequest(
            f"The scratch database {target.place} is not empty, and a rehearsal would write into it.",
            "name an empty database: --scratch postgresql://user:password@host:5432/scratch",
        )
    try:
        yield target
    finally:
        database.empty()


class Shelf:
    """Databases of our own server. A finished one is kept under a name that says what it was made of; it gets
    the name only when it is whole, and only copies of it are ever changed."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    def has(self, name: str) -> bool:
        """Whether a finished one of this name is kept."""
        return [name] in self.server.execute(KEPT)

    @contextlib.contextmanager
    def copy(self, kept: str | None = None) -> Iterator[Scratch]:
        """A passing copy of a kept database, or an empty one; dropped at the end unless it is kept."""
        scratch = Scratch(self.server, f"scratch_{secrets.token_hex(6)}")
        self.server.create_database(scratch.name, kept or "template1")
        try:
            yield scratch
        finally:
            if not scratch.kept:
                self.server.drop_database(scratch.name)

    def make(self, name: str, build: Callable[[Target], None]) -> None:
        """Keep what ``build`` does to an empty database, unless it is kept already."""
        if not self.has(name):
            with self.copy() as scratch:
                build(scratch.target)
                scratch.keep(name)
            self.throw_out()

    def throw_out(self) -> None:
        """Drop the oldest, and what a killed process has left. Nobody may be rehearsing."""
        old = self.server.execute(KEPT)[MOST_KEPT:] + self.server.execute(PASSING)
        for (name,) in old:
            self.server.drop_database(str(name))


class Scratch:
    """A passing database."""

    def __init__(self, server: EmbeddedPostgres, name: str) -> None:
        self.server = server
        self.name = name
        self.kept = False

    @property
    def target(self) -> Target:
        return target_from_url(self.server.url_for(self.name))

    def keep(self, name: str) -> None:
        """Keep it as it is now, in place of one of the same name."""
        self.server.drop_database(name)
        self.server.execute(f'ALTER DATABASE "{self.name}" RENAME TO "{name}"')
        self.kept = True
