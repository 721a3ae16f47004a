"""What a history and a database must be like before anything may move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.drift import Drift, drift_between, told
from dbmigrate.domain.errors import DriftFound, EditedRevision, RevisionHalfApplied, RunInProgress
from dbmigrate.domain.standing import DIRECT, Standing, label
from dbmigrate.domain.unfinished import Unfinished, explained
from dbmigrate.service.ports import History

if TYPE_CHECKING:  # a deploy in development needs none: it starts sooner without the rules
    from dbmigrate.domain.evidence import Evidence


def check_history(history: History, standing: Standing) -> None:
    """One head, a known current revision, and no applied revision edited since.

    Raises HistoryRejected, UnknownRevision or EditedRevision.
    """
    _ = history.head
    applied = history.applied(standing.current)
    for revision, (digest, run) in standing.applied.items():
        if revision in applied and history.source_digest(revision) != digest:
            raise EditedRevision(
                f"Revision {revision} was applied by {run} and has been edited since; "
                "what it says is no longer what it did.",
                f"restore the file (git log -- '*{revision}*') and write a new revision: "
                'db-migrate create "…"',
            )


def find_drift(standing: Standing, evidence: Evidence | None) -> list[str]:
    """The differences between the live catalog and what it should be, as sentences; empty when there are none
    or nothing is known."""
    return told(drift_of(standing, evidence).changes)


def drift_of(standing: Standing, evidence: Evidence | None) -> Drift:
    """How the live catalog differs from what it should be.

    What the revisions make on scratch counts on a server of the same major version; what our own last run
    left there counts always. Being equal to one of them is enough.
    """
    drift = Drift()
    for expected in expected_catalogs(standing, evidence):
        drift = drift_between(expected, standing.catalog, standing.own_roles)
        if not drift.changes:
            break
    return drift


def expected_catalogs(standing: Standing, evidence: Evidence | None) -> list[Catalog]:
    """What is known of how the database should be at its revision; without any, no drift can be seen."""
    found = []
    if standing.kept and standing.kept[0] == label(standing.current):
        found.append(standing.kept[1])
    if evidence and evidence.server_major == standing.server_major:
        found.append(evidence.catalog_at(standing.current))
    return found


def refuse_drift(standing: Standing, evidence: Evidence | None) -> None:
    """Raise DriftFound, with every difference named, when the database is not what its revisions make of it.
    What a revision under way has done so far is its own, and a rerun goes on from there."""
    changes = drift_of(standing, evidence).changes
    differences = told([each for each in changes if not explained(each, standing.unfinished)])
    if differences:
        raise DriftFound(
            f"The database has drifted from revision {label(standing.current)}:",
            differences,
            "undo the change by hand, then: db-migrate check (to keep the change, then write the revision "
            "that makes it: db-migrate create)",
        )


def refuse_to_leave_half(
    unfinished: Sequence[Unfinished], moved: Sequence[str], current: Sequence[str], history: History
) -> None:
    """Raise RevisionHalfApplied when another revision than the first of ``moved`` was begun: recording
    anything else closes the journal, and nobody would know any more what stands of it."""
    half = [line for line in unfinished if line.revision and line.revision not in moved[:1]]
    if not half:
        return
    revision = half[-1].revision
    stands = "".join(f"\n  {line.told()}" for line in half)
    raise RevisionHalfApplied(
        f"Revision {revision} was cut and is neither done nor undone, so nothing else is moved. "
        f"Of {revision} this stands:{stands}",
        f"{way_on(revision, current, history)}. To give it up instead, undo by hand what stands, then: "
        f"DELETE FROM dbmigrate.work WHERE revision = '{revision}'",
    )


def way_on(revision: str, current: Sequence[str], history: History) -> str:
    """What brings a revision to its end that was cut: of those that are applied, it was the way back."""
    if revision in current:
        return "db-migrate rollback goes on where it stopped"
    if revision and revision not in history.pending(current):
        there = "(is it on another branch?)"
        return f"bring the file of revision {revision} back {there}, then: db-migrate deploy"
    return "db-migrate deploy goes on where it stopped"


def refuse_second_run(standing: Standing, run: str) -> None:
    """Raise RunInProgress when another run holds the lease, or when this one had it and gave it back: Step
    Functions forgets a name after 90 days. A direct run may have died: only the migrators' lock, which
    Database.move takes, knows."""
    if any(known["run"] == run and known["ended_at"] for known in standing.runs):
        raise RunInProgress(
            f"A run named {run} has ended before, so this one could move nothing.",
            "start it again, under the next name: db-migrate deploy",
        )
    holder = standing.open_run
    if holder and holder["run"] != run and holder["bundle"] != DIRECT:
        raise RunInProgress(
            f"Run {holder['run']} has held this database since {holder['started_at']}.",
            "wait for its end (db-migrate status); if it died without giving the lease back: "
            f"db-migrate runs --close {holder['run']}",
        )
