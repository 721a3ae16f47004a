"""The rule about time: what a transaction begins must be done before the function that runs it is ended."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from dbmigrate.domain.effects import Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.prediction import total
from dbmigrate.domain.rules.look import largest, numbered
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.rules.rows import in_batches, is_slice, text_of, written_by
from dbmigrate.domain.words import span

LONGEST_SECONDS = 840
"""AWS ends an invocation after 15 minutes; the last of them is for cancelling, recording and connecting."""
OUTLIVES = re.compile(r"\bCONCURRENTLY\b|\bVALIDATE\s+CONSTRAINT\b", re.IGNORECASE)


@rule(
    "DM191",
    "a transaction that no invocation lives to see the end of",
    hurts="a function runs for 15 minutes at most, and a transaction ends with its session. PostgreSQL "
    "cancels it shortly before, all of it is rolled back, and the next try takes as long: it never gets "
    "through",
    instead="op.backfill for rows, which goes on from batch to batch in any number of invocations; "
    "CONCURRENTLY and VALIDATE CONSTRAINT outside of a transaction, which the server ends by itself; the "
    "rest in revisions of their own",
)
def outlasts(facts: Facts) -> Iterator[Hit]:
    """The statements of one transaction together take longer than 14 minutes at the live sizes. What resumes
    does not count: batches, and CONCURRENTLY and VALIDATE CONSTRAINT outside of a transaction. Severity:
    block where the lower end of the prediction is longer, review where the upper is."""
    bound: dict[int, list[int]] = defaultdict(list)
    for number, effects in numbered(facts):
        if number <= len(facts.estimates) and not _resumes(effects):
            bound[effects.transaction].append(number)
    for numbers in bound.values():
        low, high = total([facts.estimates[number - 1] for number in numbers])
        if high is not None and high > LONGEST_SECONDS:
            longest = max(numbers, key=lambda number: facts.estimates[number - 1].seconds_high or 0)
            yield _hit(facts, longest, low, high)


def _resumes(effects: Effects) -> bool:
    text = text_of(effects)
    return effects.batch or (effects.autocommit and (bool(OUTLIVES.search(text)) or is_slice(text)))


def _hit(facts: Facts, number: int, low: float, high: float) -> Hit:
    effects = facts.evidence.statements[number - 1]
    written = list(written_by(effects))
    table = largest(facts, written or (*effects.rewrites, *effects.scans))
    return Hit(
        "block" if low > LONGEST_SECONDS else "review",
        f"its transaction takes {span(low, high)}; after 15 minutes at most it is cancelled and rolled back.",
        number,
        table,
        instead=in_batches(facts, effects, table) if table in written and table else None,
    )
