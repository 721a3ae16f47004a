"""Evidence on this machine: made by a rehearsal, kept under the digest of what it was made of."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dbmigrate.adapters.connection import Target
from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import BundleRejected
from dbmigrate.domain.evidence import Evidence
from dbmigrate_cli.chain import chain
from dbmigrate_cli.context import FOLDER, scratch_server
from dbmigrate_cli.options import Options
from dbmigrate_cli.rehearsing import run_revisions
from dbmigrate_cli.rehearsing_child import Progress
from dbmigrate_cli.scratch import Shelf, empty_scratch

MOST_KEPT = 20


def make_evidence(
    options: Options, history: History, scratch: str | None, start: Sequence[str] = ()
) -> Evidence:
    """Rehearse what comes after these revisions, or the whole history.

    What a bundle holds is always of the whole history, walked from its beginning: what was walked before with
    the same files is known, and only the rest is walked. What comes after a start is rehearsed on a copy of
    the start, which is built once. Raises RehearsalFailed, or BadRequest.
    """
    applied = history.applied(start)
    base = [revision for revision in history.order if revision in applied]
    if scratch is not None:
        return _elsewhere(options, history, scratch, base)
    shelf = Shelf(scratch_server(options))
    return _after(options, history, shelf, base) if base else _whole(options, history, shelf)


def evidence_for_bundle(options: Options, history: History, scratch: str | None) -> Evidence:
    """The evidence of these very files, made now unless it is known."""
    return known_evidence(history) or make_evidence(options, history, scratch)


def known_evidence(history: History) -> Evidence | None:
    """The evidence of these very files, if a rehearsal on this machine has kept it."""
    return _kept(chain(history)[-1])


def keep(history: History, evidence: Evidence) -> None:
    """Only a help for the next time: a folder that cannot be written is no failure."""
    with contextlib.suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        path = _folder() / f"{chain(history)[-1]}-{evidence.server_major}.json"
        part = path.with_suffix(f".{secrets.token_hex(4)}")
        part.write_text(json.dumps(evidence.to_json()))
        part.replace(path)
        for old in sorted(_folder().glob("*.json"), key=lambda file: file.stat().st_mtime)[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


def _elsewhere(options: Options, history: History, scratch: str, base: list[str]) -> Evidence:
    with empty_scratch(options, scratch) as target:
        if base:
            _prepare(options, history, target, base)
        evidence = _rehearse(options, history, target)
    if not base:
        keep(history, evidence)
    return evidence


def _after(options: Options, history: History, shelf: Shelf, base: list[str]) -> Evidence:
    """On a copy of the base, which its own revisions name, whatever is in the history beside them."""
    name = f"kept_base_{chain(history, base)[-1]}"
    shelf.make(name, lambda target: _prepare(options, history, target, base))
    with shelf.copy(name) as scratch:
        return _rehearse(options, history, scratch.target)


def _whole(options: Options, history: History, shelf: Shelf) -> Evidence:
    """Go on where an earlier walk of the same files has ended, and keep the new end."""
    digests = chain(history)
    known, at = _longest(digests, shelf)
    if known and at == digests[-1]:
        return known
    with shelf.copy(f"kept_walk_{at}" if at else None) as scratch:
        new = _rehearse(options, history, scratch.target)
        scratch.keep(f"kept_walk_{digests[-1]}")
    shelf.throw_out()
    evidence = Evidence(
        new.server_major, history.order, {**(known.revisions if known else {}), **new.revisions}
    )
    keep(history, evidence)
    return evidence


def _longest(digests: list[str], shelf: Shelf) -> tuple[Evidence | None, str | None]:
    for digest in reversed(digests):
        known = _kept(digest)
        if known is not None and shelf.has(f"kept_walk_{digest}"):
            return known, digest
    return None, None


def _kept(digest: str) -> Evidence | None:
    paths = sorted(_folder().glob(f"{digest}-*.json"), reverse=True) if _folder().is_dir() else []
    for path in paths:
        with contextlib.suppress(ValueError, OSError, BundleRejected):
            return Evidence.from_json(json.loads(path.read_text()))
    return None


def _prepare(options: Options, history: History, target: Target, base: Sequence[str]) -> None:
    run_revisions(options, target, partial(_prepare_apart, history, target, base))


def _prepare_apart(history: History, target: Target, base: Sequence[str], progress: Progress) -> None:
    from dbmigrate.adapters.rehearsal import prepare_base

    prepare_base(history, target, base)


def _rehearse(options: Options, history: History, target: Target) -> Evidence:
    """Everything that the database has not."""
    from dbmigrate.adapters.rehearsal import rehearse

    return run_revisions(options, target, partial(rehearse, history, target))


def _folder() -> Path:
    return FOLDER / "evidence"
