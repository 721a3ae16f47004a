"""The command in a test's hands, and small histories for it."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pg8000.native

from dbmigrate_cli.main import main
from dbmigrate_local.database import Endpoint

REVISION = '''"""{why}

Rollback: {undo}
"""

import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = {down!r}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {back}
'''
MAKO = (Path(__file__).resolve().parents[2] / "migrations/script.py.mako").read_text()


@dataclass(frozen=True)
class Answer:
    """What a command did: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str) -> Answer:
    """Run the command in this process, as its console script would, without a terminal."""
    out, err = io.StringIO(), io.StringIO()
    before, stdin = signal.getsignal(signal.SIGTERM), sys.stdin
    sys.stdin = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(arguments)
    except SystemExit as end:
        assert isinstance(end.code, int)
        return Answer(end.code, out.getvalue(), err.getvalue())
    finally:
        signal.signal(signal.SIGTERM, before)
        sys.stdin = stdin
    raise AssertionError("the command did not end the process")


def write_revision(
    folder: Path,
    id: str,
    down: str | Sequence[str] | None,
    up: str,
    back: str = "pass",
    why: str = "Because.",
) -> Path:
    """One revision file; ``up`` and ``back`` are Python statements."""
    path = folder / "versions" / f"{id}_step.py"
    path.write_text(
        REVISION.format(
            id=id, down=down, up=up, back=back, why=why, undo="drop what was made; nothing is lost."
        )
    )
    return path


def make_history(folder: Path, tables: int = 3) -> Path:
    """A script location whose revisions 0001, 0002, ... create a table each. Its env.py fails if it runs."""
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text('raise RuntimeError("env.py ran")\n')
    (folder / "script.py.mako").write_text(MAKO)
    for number in range(1, tables + 1):
        add_table(folder, number)
    return folder


def add_table(folder: Path, number: int) -> Path:
    """The next revision of make_history."""
    return write_revision(
        folder,
        f"{number:04d}",
        f"{number - 1:04d}" if number > 1 else None,
        f'op.create_table("t{number}", sa.Column("id", sa.BigInteger, primary_key=True))',
        f'op.drop_table("t{number}")',
        f"Create t{number} for the test.",
    )


def git_in(folder: Path) -> Callable[..., str]:
    """git in this folder, as nobody in particular."""
    nobody = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")

    def git(*arguments: str) -> str:
        command = ["git", *nobody, "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    return git


def query(url: str, sql: str) -> list[list[Any]]:
    """Run SQL as somebody else than the migrator."""
    where = Endpoint.of(url)
    connection = pg8000.native.Connection(
        where.user, where.host, where.database, where.port, where.password, ssl_context=False
    )
    try:
        return [list(row) for row in connection.run(sql) or []]
    finally:
        connection.close()


def tables(url: str) -> set[str]:
    """The tables of the public schema that are not Alembic's."""
    rows = query(
        url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    return {name for (name,) in rows} - {"alembic_version"}
