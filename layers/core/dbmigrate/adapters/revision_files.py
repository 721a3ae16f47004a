"""Where the revision files of a project lie, and which of them is to blame."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from dbmigrate.adapters.version_locations import Locations
from dbmigrate.domain.errors import Misconfigured

DOWN_REVISION = re.compile(r"^down_revision\b", re.MULTILINE)
FIRST_REVISION = re.compile(r"^down_revision\b[^=\n]*=\s*None", re.MULTILINE)
REVISION_ID = re.compile(r"""^revision\b[^=\n]*=\s*["']([^"']+)["']""", re.MULTILINE)


def versions_below(folder: Path) -> Locations:
    """Where the revision files lie, and whether in folders below that. A project with a history for each kind
    of database has several below versions/, and its env.py chooses; here the user does, by naming one."""
    versions = folder / "versions"
    if not versions.is_dir():
        if any(DOWN_REVISION.search(text) for _, text in sources(folder, "*.py")):
            return Locations((folder,))
        raise Misconfigured(
            f"{folder} is no Alembic script location: it has no folder versions/ and no revisions.",
            "name the folder that holds env.py and versions/: db-migrate --migrations DIR status",
        )
    if any(sources(versions, "*.py")):
        return Locations((versions,))
    first = [path for path, text in sources(versions, "**/*.py") if FIRST_REVISION.search(text)]
    histories = sorted({path.relative_to(versions).parts[0] for path in first})
    if len(histories) > 1:
        raise Misconfigured(
            f"{versions} holds {len(histories)} histories, one in each of {', '.join(histories)}.",
            f"name the one for PostgreSQL: db-migrate --migrations {versions / histories[0]} status",
        )
    return Locations((versions,), recursive=True)


def sources(folder: Path, pattern: str) -> Iterator[tuple[Path, str]]:
    """The revision files that match, with their text. Alembic names one that cannot be read, and passes over
    an editor's lock (.#name.py)."""
    for path in folder.glob(pattern):
        if path.name != "__init__.py" and not path.name.startswith(".#"):
            with contextlib.suppress(OSError):
                yield path, path.read_text(encoding="utf-8", errors="replace")


def files_named_in(message: str, places: Iterable[Path]) -> str:
    """A sentence about the files of the revision ids that Alembic complains about; "" when there are none."""
    found = [
        path.name
        for place in places
        for path, text in sorted(sources(place, "**/*.py"))
        if (match := REVISION_ID.search(text)) and re.search(rf"(?<!\w){re.escape(match[1])}(?!\w)", message)
    ]
    return f" Look at {', '.join(found)}." if found else ""


def file_of(error: BaseException, folder: Path, places: Iterable[Path]) -> str:
    """The revision file that an exception came out of, with its line where there is one."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno},"
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return Path(error.obj.__file__ or "").name
    place = f"A revision in {folder.name}"
    known = (folder, *places)
    trace = error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if any(path.is_relative_to(each) for each in known):
            place = f"{path.name}, line {trace.tb_lineno},"
        trace = trace.tb_next
    return place
