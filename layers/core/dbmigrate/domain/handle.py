"""What one needs to cancel a session's statement without a session of one's own."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from dbmigrate.domain.errors import BadRequest

RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True)
class Handle:
    """PostgreSQL's process and the secret by which it knows its client (BackendKeyData of the protocol), the
    address at which it really answered, and the session's name. Who has it can
    cancel a statement, no more."""

    pid: int
    secret: int
    host: str
    port: int
    application: str

    def to_json(self) -> str:
        """The handle as it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Handle:
        """The opposite of to_json. Raises ValueError for anything else."""
        try:
            given = json.loads(text)
            pid, secret, port = (int(given[key]) for key in ("pid", "secret", "port"))
            return cls(pid, secret, str(given["host"]), port, str(given["application"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no handle of a session: {error}") from error


def place_of(run: str) -> str:
    """The folder, or the prefix, of a run's handles. Raises BadRequest for what is no run's name: it is typed
    by people, and leads nowhere else."""
    if not RUN.fullmatch(run):
        raise BadRequest(f"'{run}' is no name of a run.", "db-migrate runs")
    return f"runs/{run}/sessions/"
