"""How long each statement takes and which lock stays for how long, predicted from the live sizes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dbmigrate.domain import words
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.costs import LOW, Model, in_memory
from dbmigrate.domain.effects import BLOCKS, Effects
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.statements import overwrites
from dbmigrate.domain.work import Known, Work, known_of, work_of

CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)


@dataclass(frozen=True)
class Wait:
    """A lock that one statement takes and that its transaction keeps to its end; seconds as in Estimate."""

    relation: str
    mode: str
    seconds_low: float
    seconds_high: float | None

    @property
    def blocks(self) -> str | None:
        """Which of the application's statements wait meanwhile; None where none does."""
        return BLOCKS.get(self.mode)

    @property
    def bucket(self) -> str:
        return words.bucket(self.seconds_high)


@dataclass(frozen=True)
class Estimate:
    """One statement at the live sizes.

    Seconds are a range; ``seconds_high`` is None where the size of a table that it must read is unknown, and
    ``unsized`` names those tables. ``waits`` are the locks that it takes, each until the end of the
    transaction. ``rewritten_bytes`` are written anew, ``wal_bytes`` go to the log and the replicas,
    ``disk_bytes`` must be free meanwhile, apart from the log, most of which is recycled. ``open_ended`` says
    that it also waits for every older transaction of the database, which no size foretells.
    """

    seconds_low: float = 0.0
    seconds_high: float | None = 0.0
    waits: tuple[Wait, ...] = ()
    rewritten_bytes: int = 0
    wal_bytes: int = 0
    disk_bytes: int = 0
    unsized: tuple[str, ...] = ()
    open_ended: bool = False

    @property
    def bucket(self) -> str:
        """The upper end as one of words.BUCKETS."""
        return words.bucket(self.seconds_high)


def predict(
    statements: Sequence[Effects],
    sizes: Mapping[str, Size],
    existing: Collection[str],
    model: Model | None = None,
    catalog: Catalog | None = None,
) -> Iterator[Estimate]:
    """An estimate for each statement of a revision. A table that is not in ``existing`` is new and empty.
    ``catalog`` is that before the revision; it tells what finds a single row, and which tables only stand for
    their partitions. The first batch of a safe operation stands for all that the live table will take: how
    many there were on scratch means nothing."""
    model = model or Model()
    cold = not in_memory(sizes, model)
    known = known_of(catalog or {}) if statements else Known()
    again = _further_batches(statements)
    alone = [
        Estimate()
        if number in again
        else _estimate(work_of(statement, sizes, existing, model, known), statement, model, cold)
        for number, statement in enumerate(statements)
    ]
    for number, estimate in enumerate(alone):
        later = [
            alone[at]
            for at in range(number, len(alone))
            if at == number or _together(statements[number], statements[at])
        ]
        yield replace(estimate, waits=_waits(statements[number], later, existing))


def _further_batches(statements: Sequence[Effects]) -> set[int]:
    """Batches of columns of which an earlier statement was the first batch."""
    first: dict[tuple[str, ...], int] = {}
    batches = [number for number, statement in enumerate(statements) if statement.batch]
    for number in batches:
        first.setdefault((statements[number].operation, *overwrites([statements[number].sql])), number)
    return {*batches} - {*first.values()}


def _estimate(work: Work, effects: Effects, model: Model, cold: bool) -> Estimate:
    high = model.statement / LOW + sum(cost.at_most(model, cold) for cost in work.costs)
    return Estimate(
        seconds_low=round(sum(cost.low for cost in work.costs), 4),
        seconds_high=None if work.unsized else round(high, 4),
        rewritten_bytes=sum(cost.rewritten for cost in work.costs),
        wal_bytes=sum(cost.wal for cost in work.costs),
        disk_bytes=sum(cost.disk for cost in work.costs),
        unsized=work.unsized,
        open_ended=effects.autocommit and bool(CONCURRENTLY.search(effects.sql)),
    )


def _together(one: Effects, other: Effects) -> bool:
    kept = other.undone or not one.undone  # going back to a savepoint frees what was locked since
    return kept and one.transaction == other.transaction and not one.autocommit and not other.autocommit


def _waits(effects: Effects, until: Sequence[Estimate], existing: Collection[str]) -> tuple[Wait, ...]:
    low, high = total(until)
    return tuple(Wait(lock.relation, lock.mode, low, high) for lock in effects.locks)


def total(estimates: Sequence[Estimate]) -> tuple[float, float | None]:
    """The range of several statements in a row; the upper end is None when one of them has none."""
    highs = [estimate.seconds_high for estimate in estimates]
    known = [high for high in highs if high is not None]
    low = round(sum(estimate.seconds_low for estimate in estimates), 4)
    return low, round(sum(known), 4) if len(known) == len(highs) else None
