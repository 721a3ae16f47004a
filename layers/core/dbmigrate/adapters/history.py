"""A history of Alembic revisions, read from a script location without running its env.py."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from dbmigrate.adapters import operations as operations  # revisions call them as op.X
from dbmigrate.adapters.naming import naming_convention
from dbmigrate.adapters.revision_files import file_of, files_named_in, versions_below
from dbmigrate.adapters.suppressions import read_suppressions
from dbmigrate.adapters.version_locations import Locations, declared_locations, packable
from dbmigrate.domain.errors import HistoryRejected, UnknownRevision

if TYPE_CHECKING:
    from dbmigrate.domain.smoke import Smoke

BASE = "base"


@dataclass(frozen=True)
class Revision:
    """One revision file. ``down`` holds the ids of what it follows, dependencies included; ``file`` is
    relative to the script location; ``source_digest`` is the SHA-256 of its text, whatever ends its lines.
    ``allows`` and ``misread`` are its suppressions (adapters.suppressions)."""

    id: str
    down: tuple[str, ...]
    file: str
    source_digest: str
    doc: str
    allows: tuple[tuple[str, str], ...] = ()
    misread: tuple[tuple[int, str], ...] = ()


class History:
    """The revisions of one script location, base first. ``locations`` are the folders of their files."""

    def __init__(self, folder: Path, locations: Locations, script: ScriptDirectory, config: Config) -> None:
        self.folder = folder
        self.locations = locations
        self.script = script
        self.config = config
        self.naming_convention = naming_convention(folder)
        self.heads: tuple[str, ...] = tuple(sorted(script.get_heads()))
        found = {entry.revision: self._revision(entry) for entry in script.walk_revisions()}
        self.order = _in_order(found)
        self.revisions = {revision: found[revision] for revision in self.order}
        self.paths = {entry.revision: Path(entry.path) for entry in script.walk_revisions()}

    def __reduce__(self) -> tuple[Callable[[Path], History], tuple[Path]]:
        """Another process reads the files itself: modules do not travel."""
        return load_history, (self.folder,)

    def _revision(self, entry: Script) -> Revision:
        path = Path(entry.path)
        content = path.read_bytes()
        said = read_suppressions(content)
        return Revision(
            id=entry.revision,
            down=tuple(sorted({*entry._versioned_down_revisions, *entry._resolved_dependencies})),
            file=Path(os.path.relpath(path, self.folder)).as_posix(),
            source_digest=digest_of_text(content),
            doc=entry.longdoc.strip(),
            allows=said.allows,
            misread=said.misread,
        )

    @property
    def head(self) -> str:
        """The single head, or "base" for an empty history. Raises HistoryRejected for several heads."""
        if len(self.heads) > 1:
            raise HistoryRejected(
                f"The history has {len(self.heads)} heads: {', '.join(self.heads)}. "
                "Nobody said which comes first.",
                f'alembic{self._settings} merge -m "join {" and ".join(self.heads)}" {" ".join(self.heads)}',
            )
        return self.heads[0] if self.heads else BASE

    @property
    def _settings(self) -> str:
        """How plain alembic is told of this project: it knows only the working folder's alembic.ini."""
        here = Path.cwd()
        for place in (here / "alembic.ini", self.folder / "alembic.ini", self.folder.parent / "alembic.ini"):
            if place.is_file():
                shown = place.relative_to(here) if place.is_relative_to(here) else place
                return "" if place.parent == here else f" -c {shown}"
        return ""

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
                    "bring the history that made this database (git pull), or name it: "
                    "db-migrate --migrations DIR status",
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

    def smoke_queries(self) -> Sequence[Smoke]:
        """What smoke.sql beside the revisions asks; nothing without such a file. Raises HistoryRejected or
        BadRequest."""
        from dbmigrate.domain.smoke import FILE, read_smoke

        path = self.folder / FILE
        return read_smoke(path.read_text(encoding="utf-8"), self.revisions) if path.is_file() else ()

    def files(self) -> dict[str, bytes]:
        """What belongs into a bundle: the script location's source files, names relative to it, and those of
        version_locations elsewhere."""
        own = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in packable(self.folder)}
        return {**own, **self.locations.packed(self.folder)}


def load_history(folder: Path) -> History:
    """Read every revision of ``folder``: an Alembic script location (env.py and versions/, or what
    version_locations of its alembic.ini names), or itself the folder of the revision files.

    Raises Misconfigured when there is no such location, HistoryRejected when a file does not load or the
    links between the revisions are broken.
    """
    folder = folder.resolve()
    locations = declared_locations(folder) or versions_below(folder)
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        with warnings.catch_warnings():
            # Alembic only warns of two files with one revision id, and of a parent that is nowhere.
            warnings.filterwarnings("error", category=UserWarning, module=r"alembic\.")
            script = ScriptDirectory(
                folder,
                version_locations=list(locations.folders),
                recursive_version_locations=locations.recursive,
            )
            return History(folder, locations, script, config)
    except HistoryRejected:
        raise
    except (Exception, SystemExit) as error:
        raise _rejected(error, folder, locations.folders) from error


def _rejected(error: BaseException, folder: Path, places: tuple[Path, ...]) -> HistoryRejected:
    hint = f"mend the file, then: db-migrate --migrations {folder.name} validate"
    if isinstance(error, CommandError | RevisionError | UserWarning):
        files = files_named_in(str(error), places)
        return HistoryRejected(f"The history in {folder.name} is broken: {error}.{files}", hint)
    if isinstance(error, ModuleNotFoundError):
        return HistoryRejected(
            f"{file_of(error, folder, places)} imports {error.name}, which is not installed here.",
            "run this where the project is installed, or from its folder: PYTHONPATH=. db-migrate …",
        )
    where = file_of(error, folder, places)
    return HistoryRejected(f"{where} cannot be loaded: {type(error).__name__}: {error}.", hint)


def digest_of_text(content: bytes) -> str:
    """SHA-256 of a revision file's text, whatever ends its lines."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _in_order(revisions: Mapping[str, Revision]) -> tuple[str, ...]:
    """What a revision follows comes before it. Alembic's own order of branches changes from one process to
    the next; this one is the same everywhere, as the bundle's digest needs it."""
    sorter = TopologicalSorter({revision.id: revision.down for revision in revisions.values()})
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return tuple(order)
