"""Which operating-system account runs PostgreSQL: the server refuses to run as root."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Account:
    """The account of the server's processes; None means our own."""

    uid: int | None = None
    gid: int | None = None

    def options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether the account can walk down to a path without being its owner."""
        if self.uid is None:
            return True
        return all(_open_to_others(part) for part in [path, *path.parents] if part.exists())

    def give(self, folder: Path, mode: int = 0o700) -> None:
        """Create a folder for the account and make it its owner."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(mode)


def server_account() -> Account:
    """Our own account, or `nobody` when we are root."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable_folder(folder: Path, account: Account) -> Path:
    """The folder itself, or a stable stand-in below the temporary folder when the account cannot get there.

    A clone in root's home is closed to `nobody`; opening the parents' permissions is not ours to do.
    """
    folder = folder.resolve()
    if account.reaches(folder.parent):
        return folder
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"db-migrate-{name}"


def reachable_binaries(binaries: Path, folder: Path, account: Account) -> Path:
    """The programs' folder, or a copy beside the data when the account cannot reach the original."""
    if account.reaches(binaries):
        return binaries
    install = binaries.parent
    libraries = install.parent.with_name(install.parent.name + ".libs")  # a wheel's bundled libraries
    target = folder / "server" / install.parent.name / install.name
    if not (target / "bin").exists():
        _copy(install, target)
        if libraries.is_dir():
            _copy(libraries, folder / "server" / libraries.name)
    (folder / "server").chmod(0o755)
    return target / "bin"


def _copy(source: Path, target: Path) -> None:
    half = target.with_name(target.name + ".partial")  # an interrupted copy is never taken for a whole one
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(source, half, symlinks=True)
    half.rename(target)


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)
