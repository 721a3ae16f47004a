"""Where the handles of a run's sessions lie while it runs: in a folder, or in the environment's bucket.

Not in the database: they are needed when nobody gets into it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from dbmigrate.adapters.cancel import handle_of
from dbmigrate.domain.handle import Handle, place_of


class Handles(Protocol):
    """Where the handles of the sessions of runs lie."""

    def put(self, run: str, handle: Handle) -> None: ...
    def all(self, run: str) -> list[Handle]: ...
    def forget(self, run: str, pid: int) -> None: ...


@contextlib.contextmanager
def reachable(handles: Handles | None, run: str, raw: Any) -> Iterator[None]:
    """Leave the handle of a pg8000 connection for as long as it works for the run.

    A folder that cannot be written costs no more than this way in; a bucket that cannot raises, as nothing
    has begun yet. What is not taken away any more belongs to no session, and cancels nothing.
    """
    if handles is None:
        yield
        return
    handle = handle_of(raw)
    with contextlib.suppress(OSError):
        handles.put(run, handle)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            handles.forget(run, handle.pid)


class FolderHandles:
    """Handles below a folder of this machine, for the owner's eyes alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, run: str, handle: Handle) -> None:
        """Keep the handle of one of the run's sessions. Raises OSError."""
        file = self._file(run, handle.pid)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = file.with_suffix(".new")
        made.touch(mode=0o600)
        made.write_text(handle.to_json())
        made.replace(file)

    def all(self, run: str) -> list[Handle]:
        """The handles of the run; some may be of sessions that are over."""
        files = sorted((self._path / place_of(run)).glob("*.json"))
        return list(_readable(_read(file) for file in files))

    def forget(self, run: str, pid: int) -> None:
        """The session is over."""
        file = self._file(run, pid)
        with contextlib.suppress(OSError):
            file.unlink()
            for folder in (file.parent, file.parent.parent):
                folder.rmdir()

    def _file(self, run: str, pid: int) -> Path:
        return self._path / place_of(run) / f"{pid}.json"


class S3Handles:
    """Handles in the environment's bucket: ``client`` is that of S3. Raises botocore's ClientError."""

    most = 20  # of a run that had thousands of invocations, the newest

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, run: str, handle: Handle) -> None:
        """Keep the handle of one of the run's sessions."""
        where = {"Bucket": self._bucket, "Key": self._key(run, handle.pid)}
        self._client.put_object(**where, Body=handle.to_json().encode(), ContentType="application/json")

    def all(self, run: str) -> list[Handle]:
        """The handles of the run's newest sessions; most may be over."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=place_of(run)
        )
        found = [entry for page in pages for entry in page.get("Contents", ())]
        found.sort(key=lambda entry: entry["LastModified"], reverse=True)
        return list(_readable(self._read(entry["Key"]) for entry in found[: self.most]))

    def forget(self, run: str, pid: int) -> None:
        """The session is over. No function may delete anything, so the bucket forgets by itself; a request to
        cancel what is over does nothing."""

    def _key(self, run: str, pid: int) -> str:
        return f"{place_of(run)}{pid}.json"

    def _read(self, key: str) -> bytes:
        with contextlib.suppress(self._client.exceptions.NoSuchKey):  # ended while we listed
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        return b""


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _readable(texts: Iterator[bytes]) -> Iterator[Handle]:
    """What is no handle cancels nothing, and must not keep the others from it."""
    for text in texts:
        with contextlib.suppress(ValueError):
            yield Handle.from_json(text)
