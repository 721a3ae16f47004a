"""Smoke queries: what the application needs of the database, asked after every upgrade and every rollback."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from dbmigrate.domain.errors import HistoryRejected
from dbmigrate.domain.queries import Query, read_queries

FILE = "smoke.sql"
MOST = 20
WHEN = re.compile(r"--\s*dbmigrate:\s*(since|until)\s+(\S+)[^\n]*\n?", re.IGNORECASE)
HINT = f"mend {FILE} beside the revisions, then: db-migrate validate"


@dataclass(frozen=True)
class Smoke:
    """One query. It is asked while revision ``since`` is applied and ``until`` is not; "" sets no such bound.
    Its number counts from 1, as in the file."""

    number: int
    query: Query
    since: str = ""
    until: str = ""

    def is_due(self, applied: Collection[str]) -> bool:
        """Whether a database with these revisions must answer it."""
        return (not self.since or self.since in applied) and self.until not in applied

    @property
    def name(self) -> str:
        """How it is called in messages."""
        told = [part for part in self.query.text.splitlines() if not part.lstrip().startswith("--")]
        line = " ".join(" ".join(told).split())
        return f"smoke query {self.number} ({line if len(line) <= 80 else line[:80] + ' …'})"


def read_smoke(text: str, revisions: Collection[str]) -> tuple[Smoke, ...]:
    """The smoke queries of a file. Raises HistoryRejected for too many, or a bound that is no revision."""
    # With a semicolon its lines are no queries of their own, and a comment stays with what it is about.
    queries = read_queries(f"{text}\n;")
    found = tuple(_smoke(number, query) for number, query in enumerate(queries, 1))
    if len(found) > MOST:
        raise HistoryRejected(f"{FILE} holds {len(found)} queries; {MOST} are the most.", HINT)
    for smoke in found:
        for bound in filter(None, (smoke.since, smoke.until)):
            if bound not in revisions:
                raise HistoryRejected(f"{FILE}: {smoke.name} names revision {bound}, which is unknown.", HINT)
    return found


def _smoke(number: int, query: Query) -> Smoke:
    bounds = {word.lower(): revision for word, revision in WHEN.findall(query.text)}
    text = WHEN.sub("", query.text).strip()
    return Smoke(number, Query(text, query.search_path), bounds.get("since", ""), bounds.get("until", ""))
