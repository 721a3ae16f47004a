"""The global options, and what hangs on them alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from dbmigrate_cli.bounds import Bounds
from dbmigrate_cli.output import Output

if TYPE_CHECKING:
    from dbmigrate_local.embedded import EmbeddedPostgres

HIDDEN = "***"


@dataclass
class Options:
    """What stands before the command; one object goes through the whole command."""

    environment: str = "development"
    migrations: Path = field(default_factory=lambda: Path("migrations"))
    url: str | None = field(default=None, repr=False)
    format: str = "text"
    debug: bool = False
    local: bool = False

    def __post_init__(self) -> None:
        self.secrets: set[str] = set()
        self.output = Output(lambda: self.format)
        self.server: EmbeddedPostgres | None = None
        self.bounds = Bounds()

    @property
    def direct(self) -> bool:
        """Whether we talk to the database ourselves, instead of asking the environment's stack."""
        return self.environment == "development" or self.url is not None

    @property
    def command(self) -> str:
        """How a command begins that the user is told to type next."""
        if self.environment == "development":
            return "db-migrate"
        return f"db-migrate --environment {self.environment}"

    @property
    def flag(self) -> str:
        """What stands behind a command that means this machine's stand-in."""
        return " --local" if self.local else ""

    def hide(self, url: str) -> None:
        """Never show this address's password, whoever quotes it."""
        try:
            password = urlsplit(url).password
        except ValueError:
            password = url.rpartition("@")[0].rpartition(":")[2]
        if password:
            self.secrets |= {password, unquote(password), quote(unquote(password), safe="")}

    def masked(self, text: str) -> str:
        """The text without any password that we were given."""
        if self.url:
            self.hide(self.url)
        for secret in sorted(self.secrets, key=len, reverse=True):
            # Two letters would be masked everywhere in the text and hide what went wrong.
            text = text.replace(f":{secret}@", f":{HIDDEN}@")
            if len(secret) > 3:
                text = text.replace(secret, HIDDEN)
        return text
