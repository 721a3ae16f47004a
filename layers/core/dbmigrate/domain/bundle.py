"""The bundle: a deterministic archive of the migrations and their evidence, named by the SHA-256 of its
bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from dbmigrate.domain.errors import BundleRejected
from dbmigrate.domain.evidence import Evidence

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
MOST_BYTES = 50 * 1024 * 1024
MOST_FILES = 20_000
PACKED_SUFFIXES = {".py", ".ini", ".mako", ".sql", ".json", ".txt", ".csv", ".toml", ".yaml", ".yml"}
EVIDENCE = "evidence.json"
AGAIN = "build the bundle again: db-migrate deploy"


def digest_of(content: bytes) -> str:
    """The name of a bundle: "sha256:" and the SHA-256 of its bytes in hexadecimal."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def check_digest_form(digest: Any) -> str:
    """The digest itself. Raises BundleRejected when it has not the form sha256:<64 hexadecimal digits>."""
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise BundleRejected(f"'{digest}' is no bundle digest (sha256: and 64 hexadecimal digits).", AGAIN)
    return digest


def pack(migrations: Mapping[str, bytes], evidence: Evidence) -> bytes:
    """The archive of these files (names relative to the script location) and this evidence. Same input, same
    bytes."""
    text = json.dumps(evidence.to_json(), sort_keys=True, indent=1, ensure_ascii=False)
    members = {
        EVIDENCE: text.encode(),
        **{f"migrations/{name}": content for name, content in migrations.items()},
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(members):
            info = tarfile.TarInfo(name)
            info.size = len(members[name])
            archive.addfile(info, io.BytesIO(members[name]))
    return gzip.compress(raw.getvalue(), mtime=0)


def unpack(content: bytes, digest: str) -> tuple[dict[str, bytes], Evidence]:
    """The migrations' files and the evidence.

    Raises BundleRejected when the bytes are not those of the digest, when the archive cannot be read, is too
    large, or holds anything but plain files inside itself.
    """
    if digest_of(content) != check_digest_form(digest):
        raise BundleRejected(
            f"The bundle's bytes have digest {digest_of(content)}, not {digest}: it was changed.", AGAIN
        )
    members = _members(content)
    evidence = _evidence(members.pop(EVIDENCE, None))
    strangers = [name for name in members if not name.startswith("migrations/")]
    if strangers:
        raise BundleRejected(f"The bundle holds '{strangers[0]}', which is outside of migrations/.", AGAIN)
    return {name.removeprefix("migrations/"): body for name, body in members.items()}, evidence


def _members(content: bytes) -> dict[str, bytes]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            raw = packed.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise BundleRejected(f"The bundle unpacks to more than {MOST_BYTES >> 20} MiB.", AGAIN)
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            return dict(_checked(archive, member) for member in archive)
    except (tarfile.TarError, EOFError, OSError, UnicodeError) as error:
        raise BundleRejected(f"The bundle cannot be read as an archive: {error}.", AGAIN) from error


def _checked(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, bytes]:
    name = member.name
    if not SAFE_NAME.fullmatch(name) or ".." in PurePosixPath(name).parts:
        raise BundleRejected(f"The bundle holds the path '{name}', which leads outside of it.", AGAIN)
    file = archive.extractfile(member) if member.isreg() else None
    if file is None:
        raise BundleRejected(f"'{name}' in the bundle is no plain file.", AGAIN)
    return name, file.read()


def _evidence(text: bytes | None) -> Evidence:
    if text is None:
        raise BundleRejected("The bundle has no evidence.json: its revisions were never rehearsed.", AGAIN)
    try:
        return Evidence.from_json(json.loads(text))
    except ValueError as error:
        raise BundleRejected(f"evidence.json of the bundle is no JSON: {error}.", AGAIN) from error
