"""The steps of a plan: what an approver reads of each revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dbmigrate.domain.catalog import tables
from dbmigrate.domain.changelog import describe_changes, renames_of
from dbmigrate.domain.compatibility import Phase
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.plan import Impact, Step


def steps_up(facts: Iterable[Facts], phases: Mapping[str, Phase]) -> Iterator[Step]:
    """The revisions as they will run."""
    for fact in facts:
        seen = fact.evidence
        yield Step(
            seen.revision,
            seen.doc,
            sql=seen.sql,
            changes=tuple(describe_changes(fact.before, seen.changes, renames_of(seen.statements))),
            autocommit=seen.autocommit,
            round_trip=seen.round_trip,
            phase=phases[seen.revision].kind,
            impact=tuple(_impact(fact)),
        )


def steps_down(evidence: Evidence, revisions: Sequence[str]) -> Iterator[Step]:
    """The way back, of which only the revisions' own text is shown."""
    for revision in revisions:
        seen = evidence.revisions[revision]
        yield Step(revision, seen.doc, autocommit=seen.autocommit, round_trip=seen.round_trip)


def _impact(fact: Facts) -> Iterator[Impact]:
    new = tables(fact.before) - fact.existing_tables
    for number, statement in enumerate(fact.evidence.statements, 1):
        waits = fact.estimates[number - 1].waits if number <= len(fact.estimates) else ()
        known = {(wait.relation, wait.mode): wait for wait in waits}
        for lock in statement.locks:
            wait = known.get((lock.relation, lock.mode))
            low, high = (wait.seconds_low, wait.seconds_high) if wait else (None, None)
            if lock.relation not in new:
                yield Impact(number, lock.relation, lock.mode, low, high)
