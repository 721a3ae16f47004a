"""Which database, who we are there, and how long our sessions may wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from dbmigrate.domain.errors import Misconfigured

URL_FORM = "--database postgresql://user:password@host:5432/name"
STRICT = ("verify-full", "verify-ca", "require")
LOOSE = ("disable", "allow", "prefer")
ESCAPED = "in a password write %23 for #, %2F for /, %3F for ? and %40 for @"


@dataclass(frozen=True)
class Target:
    """Where the database is and who we are there.

    ``password`` is called once per physical connection: IAM tokens live for 15 minutes. ``tls`` is
    verify-full (with ``ca``, a PEM file) or off.
    """

    host: str
    port: int
    name: str
    user: str
    password: Callable[[], str | None] = field(repr=False)
    tls: str = "off"
    ca: str | None = None

    @property
    def place(self) -> str:
        """The address as messages show it; never the password."""
        return f"{self.user}@{self.host}:{self.port}/{self.name}"


@dataclass(frozen=True)
class Limits:
    """Session limits in milliseconds; a ``statement`` of 0 is no limit.

    ``concurrent_lock`` is for statements outside of a transaction (CONCURRENTLY), which wait for every older
    transaction of the database. ``deadline`` is when (time.monotonic) everything must have ended; a statement
    never gets more than what is left until then. ``slice`` is for how many seconds of that backfills and
    steps go on. ``also`` are other settings that the session starts with.
    """

    lock: int = 100
    concurrent_lock: int = 600_000
    idle_in_transaction: int = 60_000
    statement: int = 0
    application: str = "db-migrate"
    deadline: float | None = None
    slice: float = 240.0
    also: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        """The parameters that the session starts with, and to which RESET ALL returns."""
        return {
            "lock_timeout": str(self.lock),
            "idle_in_transaction_session_timeout": str(self.idle_in_transaction),
            "statement_timeout": str(self.statement_ms()),
            "client_connection_check_interval": "1000",
            "default_transaction_isolation": "read committed",
            **self.also,
        }

    def statement_ms(self) -> int:
        """statement_timeout as of now, in milliseconds; a second at least, to say how it ended."""
        if self.deadline is None:
            return self.statement
        left = max(int((self.deadline - monotonic()) * 1000), 1000)
        return min(left, self.statement) if self.statement else left


def target_from_url(url: str) -> Target:
    """The target of postgresql://user:password@host:port/name[?sslmode=verify-full&sslrootcert=FILE].

    Raises Misconfigured when the URL is none of PostgreSQL's; the message never repeats the password.
    """
    parts = _split(url)
    host, port, name = _address(parts)
    options = dict(parse_qsl(parts.query))
    mode = options.get("sslmode")
    if mode and mode not in STRICT + LOOSE:
        raise Misconfigured(
            f"The database URL has sslmode={mode}, which PostgreSQL does not know.",
            f"sslmode={STRICT[0]} with sslrootcert=FILE, or sslmode={LOOSE[0]}",
        )
    password = unquote(parts.password) if parts.password else None
    return Target(
        host=host,
        port=port,
        name=name,
        user=unquote(parts.username or "postgres"),
        password=partial(_known, password),
        tls="verify-full" if mode in STRICT else "off",
        ca=options.get("sslrootcert"),
    )


def _known(password: str | None) -> str | None:
    """No closure: a rehearsal's process is handed its target."""
    return password


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Misconfigured(f"The database URL cannot be read: {error}.", URL_FORM) from None
    if parts.scheme.split("+")[0] not in ("postgresql", "postgres"):
        message = f"The database URL begins with '{parts.scheme}', not with postgresql://."
        raise Misconfigured(message, URL_FORM)
    if "@" in parts.path + parts.query + parts.fragment:
        # Such a password ends early, and its rest would be told as the name of a host that does not answer.
        raise Misconfigured("The database URL has an '@' behind its host.", f"{URL_FORM} ({ESCAPED})")
    return parts


def _address(parts: SplitResult) -> tuple[str, int, str]:
    name = unquote(parts.path.lstrip("/"))
    try:
        port = parts.port or 5432
    except ValueError:
        # Without its own words: a password with an unescaped '#' or '/' would be "the port" here.
        raise Misconfigured("The port in the database URL is no number.", f"{URL_FORM} ({ESCAPED})") from None
    if not parts.hostname or not name:
        raise Misconfigured("The database URL names no host or no database.", URL_FORM)
    return parts.hostname, port, name
