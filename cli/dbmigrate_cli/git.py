"""git, asked about the repository that a folder lies in; the folder decides, not the caller's environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SECONDS = 60


class GitSaysNo(Exception):
    """git is not installed, the folder is in no repository, or it refuses; the text says which."""


def git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    """What git prints. Raises GitSaysNo."""
    # A hook of git's own sets GIT_DIR and its like, which would answer for another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            input=given,
            capture_output=True,
            timeout=SECONDS,
            env=environment | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise GitSaysNo(str(error)) from error
    if done.returncode:
        raise GitSaysNo(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
    return done.stdout


def line_of(folder: Path, *arguments: str) -> str | None:
    """Its answer of one line; None when git says no."""
    try:
        return git(folder, *arguments).decode(errors="replace").strip() or None
    except GitSaysNo:
        return None


def root_of(folder: Path) -> Path | None:
    """The top of the working tree that the folder lies in."""
    found = line_of(folder, "rev-parse", "--show-toplevel")
    return Path(found) if found else None


def tree_of(folder: Path, commit: str, below: Path) -> dict[str, bytes]:
    """The Python files below a folder as they are in a commit, by their paths from the top."""
    listed = git(folder, "ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{below.as_posix()}").decode()
    found: dict[str, str] = {}
    for entry in filter(None, listed.split("\0")):
        facts, _, path = entry.partition("\t")
        kind, blob = facts.split()[1:3]
        if kind == "blob" and path.endswith(".py"):
            found[path] = blob
    return dict(zip(found, _contents(folder, list(found.values())), strict=True))


def _contents(folder: Path, blobs: list[str]) -> list[bytes]:
    answer = git(folder, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs).encode())
    contents, at = [], 0
    for _ in blobs:
        head, _, _ = answer[at:].partition(b"\n")
        start = at + len(head) + 1
        size = int(head.split()[2])
        contents.append(answer[start : start + size])
        at = start + size + 1
    return contents
