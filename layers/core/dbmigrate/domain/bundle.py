"""The bundle: a deterministic archive of the migrations and their evidence, named by the SHA-256 of its
bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from dbmigrate.domain.errors import BundleRejected
from dbmigrate.domain.evidence import Evidence

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
MOST_BYTES = 50 * 1024 * 1024
MOST_FILES = 20_000
LONGEST_NAME = 100  # characters, what a plain tar header holds
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
    bytes. Raises BundleRejected for what unpack would not take."""
    text = json.dumps(evidence.to_json(), sort_keys=True, indent=1, ensure_ascii=False)
    members = {
        EVIDENCE: text.encode(),
        **{f"migrations/{name}": content for name, content in migrations.items()},
    }
    _refuse_size(len(members), sum(map(len, members.values())))
    packed = io.BytesIO()
    # Not gzip.compress: what it writes about the operating system changes between versions of Python.
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in sorted(members):
            archive.addfile(_header(name, len(members[name])), io.BytesIO(members[name]))
    return packed.getvalue()


def _header(name: str, size: int) -> tarfile.TarInfo:
    if not SAFE_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        hint = f"rename it: letters, digits, '.', '_' and '-', at most {LONGEST_NAME} characters"
        raise BundleRejected(f"'{name}' cannot be packed into a bundle under this name.", hint)
    header = tarfile.TarInfo(name)
    header.size = size
    return header


def _refuse_size(files: int, size: int) -> None:
    if files > MOST_FILES or size > MOST_BYTES:
        raise BundleRejected(
            f"The bundle holds {files} files, {size} bytes; "
            f"{MOST_FILES} files and {MOST_BYTES >> 20} MiB are the most.",
            "keep only what the revisions need below the migrations' folder",
        )


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
            headers = _checked(archive)
            return {header.name: _content(archive, header) for header in headers}
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise BundleRejected(f"The bundle cannot be read as an archive: {error}.", AGAIN) from error


def _checked(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    headers = archive.getmembers()
    _refuse_size(len(headers), sum(header.size for header in headers))
    for header in headers:
        if not SAFE_NAME.fullmatch(header.name):
            raise BundleRejected(f"The bundle holds '{header.name}', which may lead outside of it.", AGAIN)
        # A sparse file is a bomb: a few bytes in the archive, any size when read.
        if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or header.issparse():
            raise BundleRejected(f"'{header.name}' in the bundle is no plain file.", AGAIN)
    _refuse_collisions([header.name for header in headers])
    return headers


def _refuse_collisions(names: list[str]) -> None:
    counts = Counter(names)
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    for name in names:
        if name in folders or counts[name] > 1:
            raise BundleRejected(f"The bundle holds '{name}' twice.", AGAIN)


def _content(archive: tarfile.TarFile, header: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(header)
    return file.read() if file else b""


def _evidence(text: bytes | None) -> Evidence:
    if text is None:
        raise BundleRejected("The bundle has no evidence.json: its revisions were never rehearsed.", AGAIN)
    try:
        return Evidence.from_json(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BundleRejected(f"evidence.json of the bundle is no JSON: {error}.", AGAIN) from error
