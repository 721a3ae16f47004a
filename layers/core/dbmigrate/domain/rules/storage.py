"""The rule about storage: a revision must find room for what it writes."""

from __future__ import annotations

from collections.abc import Iterator

from dbmigrate.domain import words
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.register import rule


@rule(
    "DM190",
    "the server's storage may not suffice",
    hurts="a rewritten table stands beside its old copy until the commit, and all that is written goes to "
    "the log as well; when the disk is full, PostgreSQL stops for everybody",
    instead="enlarge the server's storage first, or split the work: an index a revision, rows in batches",
)
def storage_runs_out(facts: Facts) -> Iterator[Hit]:
    """What a revision writes, beside the copies that only its commit frees, against the live server's free
    storage. Severity: block when that is more; review when it is more with the log, which a replica or a slot
    that lags behind keeps; nothing when nobody tells how much is free."""
    needed, logged, free = facts.disk_bytes, facts.wal_bytes, facts.free_bytes
    if free is None or needed + logged <= free:
        return
    number = max(range(len(facts.estimates)), key=lambda at: facts.estimates[at].disk_bytes)
    yield Hit(
        "block" if needed > free else "review",
        f"it needs {words.size(needed)} and writes up to {words.size(logged)} to the log, "
        f"{words.size(free)} are free.",
        number + 1,
    )
