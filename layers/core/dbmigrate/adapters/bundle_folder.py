"""A bundle unpacked into a folder, ready to run."""

from __future__ import annotations

from pathlib import Path

from dbmigrate.adapters.history import History, load_history
from dbmigrate.domain.bundle import unpack
from dbmigrate.domain.errors import BundleRejected
from dbmigrate.domain.evidence import Evidence


def unpack_into(folder: Path, content: bytes, digest: str) -> tuple[History, Evidence]:
    """Write the bundle's migrations below ``folder`` and load them.

    Raises BundleRejected when the bytes are not the digest's or the evidence was made from other revisions,
    and HistoryRejected when the revisions do not load.
    """
    files, evidence = unpack(content, digest)
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    if not files:
        (folder / "versions").mkdir(parents=True, exist_ok=True)
    history = load_history(folder)
    _refuse_foreign_evidence(history, evidence, digest)
    return history, evidence


def _refuse_foreign_evidence(history: History, evidence: Evidence, digest: str) -> None:
    rehearsed = {revision: (seen.source_digest, seen.down) for revision, seen in evidence.revisions.items()}
    packed = {revision: (seen.source_digest, seen.down) for revision, seen in history.revisions.items()}
    if rehearsed != packed:
        other = sorted(set(rehearsed.items()) ^ set(packed.items()))
        raise BundleRejected(
            f"The evidence of {digest} was not made from its revisions: {other[0][0]} differs.",
            "build the bundle again: db-migrate deploy",
        )
