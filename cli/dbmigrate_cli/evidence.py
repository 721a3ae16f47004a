"""Evidence on this machine: made by a rehearsal, kept under the digest of the files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

from dbmigrate.adapters.connection import Target, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import BadRequest, BundleRejected
from dbmigrate.domain.evidence import Evidence
from dbmigrate_cli.context import FOLDER, address, scratch_server
from dbmigrate_cli.options import Options


def make_evidence(options: Options, history: History, scratch: str | None) -> Evidence:
    """Rehearse the whole history and keep what was seen. Raises RehearsalFailed, or BadRequest."""
    from dbmigrate.adapters.rehearsal import rehearse

    progress = options.output.progress("Rehearsing")
    with _scratch(options, scratch) as target:
        try:
            evidence = rehearse(history, target, progress)
        finally:
            progress.clear()
    keep(history, evidence)
    return evidence


def evidence_for_bundle(options: Options, history: History, scratch: str | None) -> Evidence:
    """The evidence of these very files, made now unless it is known."""
    return known_evidence(history) or make_evidence(options, history, scratch)


def known_evidence(history: History) -> Evidence | None:
    """The evidence of these very files, if a rehearsal on this machine has kept it."""
    for path in (
        sorted(_folder().glob(f"{_digest(history)}-*.json"), reverse=True) if _folder().is_dir() else ()
    ):
        with contextlib.suppress(ValueError, OSError, BundleRejected):
            return Evidence.from_json(json.loads(path.read_text()))
    return None


def keep(history: History, evidence: Evidence) -> None:
    """Only a help for the next time: a folder that cannot be written is no failure."""
    with contextlib.suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        path = _folder() / f"{_digest(history)}-{evidence.server_major}.json"
        part = path.with_suffix(f".{secrets.token_hex(4)}")
        part.write_text(json.dumps(evidence.to_json()))
        part.replace(path)


def _folder() -> Path:
    return FOLDER / "evidence"


def _digest(history: History) -> str:
    whole = hashlib.sha256()
    for name, content in history.files().items():
        whole.update(f"{name} {len(content)}\n".encode() + content)
    return whole.hexdigest()[:32]


@contextlib.contextmanager
def _scratch(options: Options, url: str | None) -> Iterator[Target]:
    """An empty database, and empty again afterwards."""
    if url is None:
        with _own_scratch(options) as target:
            yield target
        return
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


@contextlib.contextmanager
def _own_scratch(options: Options) -> Iterator[Target]:
    server = scratch_server(options)
    name = f"scratch_{secrets.token_hex(6)}"
    url = server.create_database(name)
    try:
        yield target_from_url(url)
    finally:
        server.drop_database(name)
