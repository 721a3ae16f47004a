"""A history of Alembic revisions, read from a script location without running its env.py."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from dbmigrate.adapters.naming import naming_convention
from dbmigrate.domain.bundle import PACKED_SUFFIXES
from dbmigrate.domain.errors import HistoryRejected, Misconfigured, UnknownRevision

BASE = "base"
DOWN_REVISION = re.compile(r"^down_revision\b", re.MULTILINE)
FIRST_REVISION = re.compile(r"^down_revision\b[^=\n]*=\s*None", re.MULTILINE)


@dataclass(frozen=True)
class Revision:
    """One revision file. ``down`` holds the ids of what it follows, dependencies included; ``file`` is
    relative to the script location; ``source_digest`` is the SHA-256 of its text."""

    id: str
    down: tuple[str, ...]
    file: str
    source_digest: str
    doc: str


class History:
    """The revisions below one script location, base first."""

    def __init__(self, folder: Path, script: ScriptDirectory, config: Config) -> None:
        self.folder = folder
        self.script = script
        self.config = config
        self.naming_convention = naming_convention(folder)
        self.heads: tuple[str, ...] = tuple(sorted(script.get_heads()))
        self.revisions = {entry.revision: self._revision(entry) for entry in self._walk()}
        self.order = tuple(self.revisions)

    def _walk(self) -> list[Script]:
        """Dependencies first: the order in which Alembic itself would apply everything."""
        steps = self.script._upgrade_revs("heads", None)  # type: ignore[arg-type]
        return [self.script.get_revision(step.revision.revision) for step in steps]  # type: ignore[attr-defined]

    def _revision(self, entry: Script) -> Revision:
        path = Path(entry.path)
        return Revision(
            id=entry.revision,
            down=tuple(sorted({*entry._versioned_down_revisions, *entry._resolved_dependencies})),
            file=str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else path.name,
            source_digest=hashlib.sha256(path.read_bytes()).hexdigest(),
            doc=(entry.doc or "").strip(),
        )

    @property
    def head(self) -> str:
        """The single head, or "base" for an empty history. Raises HistoryRejected for several heads."""
        if len(self.heads) > 1:
            raise HistoryRejected(
                f"The history has {len(self.heads)} heads: {', '.join(self.heads)}. Nobody said which comes first.",
                f'alembic merge -m "join {" and ".join(self.heads)}" {" ".join(self.heads)}',
            )
        return self.heads[0] if self.heads else BASE

    def applied(self, current: Iterable[str]) -> set[str]:
        """The current revisions and everything below them. Raises UnknownRevision for one that is not in the
        history."""
        found: set[str] = set()
        todo = list(current)
        while todo:
            revision = todo.pop()
            if revision not in self.revisions:
                raise UnknownRevision(
                    f"The database stands at revision '{revision}', which is not in {self.folder.name}.",
                    "bring the history that made this database (git pull), or name it: db-migrate --migrations DIR status",
                )
            if revision not in found:
                found.add(revision)
                todo.extend(self.revisions[revision].down)
        return found

    def pending(self, current: Iterable[str]) -> list[str]:
        """What is not applied yet, in the order in which it will run."""
        applied = self.applied(current)
        return [revision for revision in self.order if revision not in applied]

    def source_digest(self, revision: str) -> str | None:
        """SHA-256 of the revision's file; None when the history does not know it."""
        known = self.revisions.get(revision)
        return known.source_digest if known else None

    def files(self) -> dict[str, bytes]:
        """What belongs into a bundle: the script location's source files, names relative to it."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.suffix in PACKED_SUFFIXES and path.is_file() and "__pycache__" not in path.parts
        }


def load_history(folder: Path) -> History:
    """Read every revision below ``folder``: an Alembic script location (env.py and versions/), or itself the
    folder of the revision files.

    Raises Misconfigured when there is no such location, HistoryRejected when a file does not load or the
    links between the revisions are broken.
    """
    folder = folder.resolve()
    versions, deeper = _versions(folder)
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    hint = f"mend the file, then: db-migrate --migrations {folder.name} validate"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error", UserWarning
            )  # Alembic only warns of two files with one revision id
            script = ScriptDirectory(folder, version_locations=[versions], recursive_version_locations=deeper)
            return History(folder, script, config)
    except HistoryRejected:
        raise
    except (CommandError, RevisionError, UserWarning) as error:
        raise HistoryRejected(f"The history in {folder.name} is broken: {error}.", hint) from error
    except ModuleNotFoundError as error:
        raise HistoryRejected(
            f"{_file_of(error, folder)} imports {error.name}, which is not installed here.",
            "run this where the project is installed, or from its folder: PYTHONPATH=. db-migrate …",
        ) from error
    except Exception as error:
        where = _file_of(error, folder)
        raise HistoryRejected(f"{where} cannot be loaded: {type(error).__name__}: {error}.", hint) from error


def _versions(folder: Path) -> tuple[Path, bool]:
    """Where the revision files lie, and whether in folders below that. A project with a history for each kind
    of database has several below versions/, and its env.py chooses; here the user does, by naming one."""
    versions = folder / "versions"
    if not versions.is_dir():
        if any(DOWN_REVISION.search(text) for _, text in _sources(folder, "*.py")):
            return folder, False
        raise Misconfigured(
            f"{folder} is no Alembic script location: it has no folder versions/ and no revisions.",
            "name the folder that holds env.py and versions/: db-migrate --migrations DIR status",
        )
    if any(_sources(versions, "*.py")):
        return versions, False
    first = [path for path, text in _sources(versions, "**/*.py") if FIRST_REVISION.search(text)]
    histories = sorted({path.relative_to(versions).parts[0] for path in first})
    if len(histories) > 1:
        raise Misconfigured(
            f"{versions} holds {len(histories)} histories, one in each of {', '.join(histories)}.",
            f"name the one for PostgreSQL: db-migrate --migrations {versions / histories[0]} status",
        )
    return versions, True


def _sources(folder: Path, pattern: str) -> Iterator[tuple[Path, str]]:
    for path in folder.glob(pattern):
        if path.name != "__init__.py":
            yield path, path.read_text(encoding="utf-8", errors="replace")


def _file_of(error: Exception, folder: Path) -> str:
    """The revision file that an exception came out of, with its line."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno},"
    place = f"A revision in {folder.name}"
    trace = error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(folder):
            place = f"{path.name}, line {trace.tb_lineno},"
        trace = trace.tb_next
    return place
