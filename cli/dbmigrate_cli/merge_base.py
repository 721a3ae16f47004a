"""What a pull request brings: the revisions that are not on the merge base with its target branch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dbmigrate.adapters.history import History, digest_of_text
from dbmigrate.adapters.revision_files import DOWN_REVISION, REVISION_ID
from dbmigrate.domain.errors import Misconfigured
from dbmigrate.domain.findings import Finding
from dbmigrate_cli.git import line_of, root_of, tree_of

TARGETS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
USUAL = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class MergeBase:
    """The commit where this branch left ``target``. ``known`` are the revisions that it holds, with the
    digest of each file's text; ``files`` are their paths from the repository's top."""

    target: str
    commit: str
    known: dict[str, str]
    files: dict[str, str]

    @property
    def said(self) -> str:
        return f"{self.target} ({self.commit[:9]})"

    def start(self, history: History) -> tuple[str, ...]:
        """The revisions that a database at the merge base stands at."""
        old: set[str] = set()
        for revision in history.order:
            if revision in self.known and old.issuperset(history.revisions[revision].down):
                old.add(revision)
        below = {down for revision in old for down in history.revisions[revision].down}
        return tuple(sorted(old - below))

    def rewritten(self, history: History) -> list[Finding]:
        """A finding for each merged revision whose file was edited or deleted since."""
        found = []
        for revision, digest in self.known.items():
            now = history.source_digest(revision)
            if now != digest:
                found.append(self._finding(history, revision, deleted=now is None))
        return found

    def _finding(self, history: History, revision: str, deleted: bool) -> Finding:
        rule = "history/deleted" if deleted else "history/edited"
        revised = history.revisions.get(revision)
        return Finding(
            rule=rule,
            revision=revision,
            severity="block",
            message=f"{self.files[revision]} is on {self.said} and has been "
            + ("deleted: databases that applied it no longer know where they stand." if deleted else
               "edited: databases that applied it never get the change, and refuse the next run."),
            instead=f"git restore --source {self.commit[:9]} -- {self.files[revision]}; "
            'put the change into a new revision: db-migrate create "…"',
            suppressed_because=dict(revised.allows).get(rule) if revised else None,
        )  # fmt: skip


def merge_base(history: History, against: str | None) -> MergeBase | None:
    """Where HEAD left ``against``, or the target that CI names, or the main branch. None outside of git, and
    where nobody knows a target. Raises Misconfigured when the target or the common history is not in this
    clone."""
    folder = history.folder
    top = root_of(folder)
    target = _target(folder, against) if top else None
    if top is None or target is None or line_of(folder, "rev-parse", "-q", "--verify", "HEAD") is None:
        if against:
            raise Misconfigured(
                f"{folder.name} is in no git repository with a commit.", "leave --against out"
            )
        return None
    commit = line_of(folder, "merge-base", "HEAD", target)
    if commit is None:
        _refuse_missing_history(folder, target, against)
        return None
    return MergeBase(target, commit, *_revisions(history, top, commit))


def _target(folder: Path, against: str | None) -> str | None:
    named = against or next((os.environ[name] for name in TARGETS if os.environ.get(name)), None)
    if named is None:
        return _first_known(folder, USUAL)
    found = _first_known(folder, (named,) if against else (f"origin/{named}", named))
    if found is None:
        raise Misconfigured(
            f"{named}, which this is compared with, is not in this clone.", _fetch(folder, named)
        )
    return found


def _first_known(folder: Path, names: Iterable[str]) -> str | None:
    for name in names:
        if line_of(folder, "rev-parse", "-q", "--verify", "--end-of-options", f"{name}^{{commit}}"):
            return name
    return None


def _refuse_missing_history(folder: Path, target: str, against: str | None) -> None:
    if _shallow(folder):
        raise Misconfigured(
            f"This clone is shallow: where the branch left {target} is not in it.", _fetch(folder, target)
        )
    if against:
        raise Misconfigured(
            f"This branch and {target} have no commit in common.", "name another one: --against REF"
        )


def _fetch(folder: Path, target: str) -> str:
    branch = target.removeprefix("origin/")
    deeper = "--unshallow " if _shallow(folder) else ""
    named = branch != "HEAD" and not COMMIT.fullmatch(branch)
    where = f" +refs/heads/{branch}:refs/remotes/origin/{branch}" if named else ""
    return f"git fetch {deeper}origin{where}"


def _shallow(folder: Path) -> bool:
    return line_of(folder, "rev-parse", "--is-shallow-repository") == "true"


def _revisions(history: History, top: Path, commit: str) -> tuple[dict[str, str], dict[str, str]]:
    folders = {history.folder, *history.locations.folders, *(path.parent for path in history.paths.values())}
    by_path = {path: revision for revision, path in history.paths.items()}
    known: dict[str, str] = {}
    files: dict[str, str] = {}
    for folder in sorted(folder for folder in folders if folder.is_relative_to(top)):
        for name, content in tree_of(history.folder, commit, folder.relative_to(top)).items():
            revision = _revision_id(content) or by_path.get(top / name)
            if revision is not None:
                known[revision], files[revision] = digest_of_text(content), name
    return known, files


def _revision_id(content: bytes) -> str | None:
    text = content.decode("utf-8", errors="replace")
    found = REVISION_ID.search(text) if DOWN_REVISION.search(text) else None
    return found[1] if found else None


def repository_root(folder: Path) -> Path:
    """What paths in a report are written from: the repository's top, else the working folder."""
    return root_of(folder) or Path.cwd()
