"""Names for what a rehearsal makes: digests of everything that it depends on, revision by revision."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import dbmigrate.adapters
from dbmigrate.adapters.history import History
from dbmigrate.domain.evidence import FORMAT

# Alembic's own: no revision runs by them, as env.py is never run here.
UNUSED = ("env.py", "script.py.mako")
PACKAGE = Path(dbmigrate.adapters.__file__).parents[1]


def chain(history: History, revisions: Sequence[str] | None = None) -> list[str]:
    """A digest for each of these revisions, or of the whole order: of its own file, of those before it, of
    the files beside them that they may read, and of our own rehearsal. Of none, one for an empty database."""
    helpers = _Helpers(history)
    found: list[str] = []
    above = _digest([str(FORMAT).encode(), _our_code(), *helpers.no_modules()])
    for revision in history.order if revisions is None else revisions:
        facts = history.revisions[revision]
        own = (facts.id, ",".join(facts.down), facts.file, facts.source_digest)
        above = _digest([above.encode(), *(part.encode() for part in own), *helpers.new_for(facts.file)])
        found.append(above)
    return found or [above]


class _Helpers:
    """What lies in the migrations folder and is no revision. A module counts from the first revision on that
    names it, be it through other modules."""

    def __init__(self, history: History) -> None:
        self.files = history.files()
        revisions = {history.revisions[revision].file for revision in history.order}
        self.others = {name for name in self.files if name not in revisions and name not in UNUSED}
        self.modules = {name for name in self.others if name.endswith(".py")}

    def no_modules(self) -> list[bytes]:
        return self._parts(self.others - self.modules)

    def new_for(self, file: str) -> list[bytes]:
        """The modules that this revision is the first to name."""
        words = _words(self.files.get(file, b""))
        found: set[str] = set()
        while more := {name for name in self.modules if words & _says(name)}:
            self.modules -= more
            found |= more
            words = set().union(*(_words(self.files[name]) for name in more))
        return self._parts(found)

    def _parts(self, names: Iterable[str]) -> list[bytes]:
        return [part for name in sorted(names) for part in (name.encode(), self.files[name])]


def _says(name: str) -> set[str]:
    """The words by which an import may name a module: its own, or its package's."""
    path = Path(name)
    return {path.stem, *path.parent.parts}


def _words(text: bytes) -> set[str]:
    return {*re.findall(r"\w+", text.decode(errors="replace"))}


@cache
def _our_code() -> bytes:
    """Another version of db-migrate may see something else, or do something else for an operation."""
    return _digest(path.read_bytes() for path in our_files()).encode()


def our_files() -> list[Path]:
    return sorted([*PACKAGE.glob("adapters/**/*.py"), *PACKAGE.glob("domain/*.py")])


def _digest(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(f"{len(part)}\n".encode() + part)
    return whole.hexdigest()[:32]
