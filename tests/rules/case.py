"""A case: revisions below cases/RULE/, run on a real PostgreSQL after the tables of base.py, and judged.

``bad.py`` and ``bad_SOMETHING.py`` commit the rule's hazard, ``good.py`` and ``good_SOMETHING.py`` do the
same work without it. What has to follow in a revision of its own stands in ``good_2.py``, ``good_3.py``;
``base.py`` of the folder is there before all of them. Constants of a case:

    SEVERITY = "review"                    what the bad one gets; "block" where it is not said
    SIZES = {"public.orders": 8192}        bytes of live tables; LARGE where they are not said
    BROKEN = {"SELECT a": "why"}           queries that no longer plan after the last revision
    LEAVES = ["public.a.b"]                objects in which what is proposed comes out otherwise; None for
                                           steps that end where a later release goes on
    LIVE_MAJOR = 14                        the live server; that of the rehearsal where it is not said
    LIVE_TIME_ZONE = "Europe/Berlin"       of the live server's sessions; UTC where it is not said
    FREE_BYTES = 4_000_000_000             the live server's free storage; unknown where it is not said
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.catalog import tables
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.facts import facts_of
from dbmigrate.domain.findings import Finding, judge
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.sizes import Size

HERE = Path(__file__).parent
CASES = HERE / "cases"
CONSTANTS = ("SEVERITY", "SIZES", "LIVE_MAJOR", "LIVE_TIME_ZONE", "FREE_BYTES", "LEAVES", "BROKEN")
FURTHER = re.compile(r"_\d+$")
LARGE = Size(rows=41_000_000, bytes=12 * 1024**3, index_bytes=3 * 1024**3)


@dataclass(frozen=True)
class Case:
    """The files of one plan, in their order."""

    files: tuple[Path, ...]

    @property
    def rule(self) -> str:
        return self.files[0].parent.name

    @property
    def name(self) -> str:
        return f"{self.rule}/{self.files[0].stem}"

    @property
    def before(self) -> tuple[Path, ...]:
        """The files of the base: the one for all, and one of its own where there is one."""
        own = self.files[0].with_name("base.py")
        return (HERE / "base.py", own) if own.exists() else (HERE / "base.py",)

    @property
    def bad(self) -> bool:
        return self.files[0].stem.startswith("bad")

    def constant(self, name: str, otherwise: Any) -> Any:
        """What the case says about itself."""
        for statement in ast.parse(self.files[0].read_text()).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
                return ast.literal_eval(statement.value)
        return otherwise


def cases(kind: str) -> list[Case]:
    """Those whose first file begins with this word, by rule and name."""
    first = [path for path in sorted(CASES.glob(f"*/{kind}*.py")) if not FURTHER.search(path.stem)]
    return [Case((path, *sorted(path.parent.glob(f"{path.stem}_[0-9].py")))) for path in first]


def write_project(case: Case, folder: Path) -> tuple[list[str], list[str]]:
    """The base and the case as an Alembic project; returns the revisions of each."""
    ids = {path: f"there_{number}" for number, path in enumerate(case.before)}
    ids |= {path: path.stem for path in case.files}
    (folder / "versions").mkdir(parents=True)
    last = None
    for path, revision in ids.items():
        text = f"{path.read_text()}\nrevision = {revision!r}\ndown_revision = {last!r}\n"
        (folder / "versions" / f"{revision}.py").write_text(text)
        last = revision
    return [ids[path] for path in case.before], [ids[path] for path in case.files]


def rehearsed(case: Case, folder: Path, scratch: str) -> tuple[Evidence, list[str], list[str]]:
    """The evidence of a case on a database that has its base, and the revisions of each."""
    base, ours = write_project(case, folder)
    return rehearse(load_history(folder), target_from_url(scratch)), base, ours


def judged(case: Case, folder: Path, scratch: str) -> list[Finding]:
    """What all rules say about the case on a database where its tables are large."""
    return findings_of(case, *rehearsed(case, folder, scratch))


def findings_of(case: Case, evidence: Evidence, base: list[str], ours: list[str]) -> list[Finding]:
    """The same, when it was rehearsed already."""
    before = evidence.catalog_at(base[-1:])
    sizes = dict.fromkeys(before["relation"], LARGE)
    sizes |= {table: Size(0, size) for table, size in case.constant("SIZES", {}).items()}
    major = case.constant("LIVE_MAJOR", evidence.server_major)
    zone = case.constant("LIVE_TIME_ZONE", "UTC")
    free = case.constant("FREE_BYTES", None)
    broken = {ours[-1]: tuple(case.constant("BROKEN", {}).items())}
    facts = facts_of(evidence, base[-1:], ours, tables(before), sizes, major, zone, broken, free_bytes=free)
    return judge(RULES.values(), facts)
