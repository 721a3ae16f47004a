"""The application of `make demo-recovery`: it writes posts all the time and keeps what was promised it."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import pg8000.exceptions
import pg8000.native

from dbmigrate_local.database import Endpoint

ROLE = "app"
GLANCE = 0.02  # seconds between two tries to come in again
BETWEEN = 0.004  # seconds between two posts
REFUSED = (pg8000.exceptions.DatabaseError, pg8000.exceptions.InterfaceError, OSError)


@dataclass(frozen=True)
class Post:
    """One post: its number, and when (Unix time) it was sent and its commit was answered."""

    number: int
    sent: float
    committed: float

    @property
    def body(self) -> str:
        return f"post {self.number}"


class Application(threading.Thread):
    """Writes a post every few milliseconds as its own role, and comes again when it is shut out.

    ``outage`` is for how many seconds it could not write, at the longest.
    """

    def __init__(self, host: str, port: int, database: str) -> None:
        super().__init__(daemon=True, name="application")
        self.where = {"user": ROLE, "host": host, "port": port, "database": database}
        self.posts: list[Post] = []
        self.outage = 0.0
        self._end = threading.Event()
        self._last = time.time()

    def run(self) -> None:
        while not self._end.is_set():
            with contextlib.suppress(*REFUSED):
                self._write()
            self._end.wait(GLANCE)

    def _write(self) -> None:
        """Write until the connection breaks, or the end."""
        connection = pg8000.native.Connection(**self.where, timeout=5, ssl_context=False)
        with contextlib.closing(connection):
            while not self._end.wait(BETWEEN):
                sent, number = time.time(), len(self.posts) + 1
                post = f"INSERT INTO posts (user_id, body) SELECT min(id), 'post {number}' FROM users"
                try:
                    connection.run(post)
                finally:
                    # A number is used once, whether its commit was answered or not.
                    self.posts.append(Post(number, sent, float("inf")))
                self.posts[-1] = Post(number, sent, time.time())
                self.outage = max(self.outage, time.time() - self._last)
                self._last = time.time()

    def until_written(self, more: int, within: float = 60) -> None:
        """Wait until so many more posts were committed. Raises TimeoutError."""
        wanted, limit = self.committed + more, time.monotonic() + within
        while self.committed < wanted:
            if time.monotonic() > limit:
                raise TimeoutError(f"The application wrote no {more} posts within {within:g} s.")
            time.sleep(GLANCE)

    @property
    def committed(self) -> int:
        """How many commits were answered so far."""
        return sum(post.committed < float("inf") for post in self.posts)

    def stop(self) -> None:
        self._end.set()
        self.join(10)

    # ---- what was promised, against a moment of the server's clock, which is this machine's
    def before(self, moment: datetime) -> set[str]:
        """Bodies whose commit was answered before that moment: a recovery to it must have them all."""
        return {post.body for post in self.posts if post.committed < moment.timestamp()}

    def after(self, moment: datetime) -> set[str]:
        """Bodies that were sent after that moment: a recovery to it must have none."""
        return {post.body for post in self.posts if post.sent > moment.timestamp()}


def moment_of(text: str) -> datetime:
    """A moment of the ledger."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def bodies(url: str) -> set[str]:
    """The posts of the application that a database holds now."""
    where = Endpoint.of(url)
    with contextlib.closing(
        pg8000.native.Connection(
            where.user, where.host, where.database, where.port, timeout=30, ssl_context=False
        )
    ) as connection:
        return {
            str(row[0]) for row in connection.run("SELECT body FROM posts WHERE body LIKE 'post %'") or ()
        }
