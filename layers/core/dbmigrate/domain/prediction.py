"""How long each statement takes and which lock stays for how long, predicted from the live sizes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbmigrate.domain.effects import Effects
from dbmigrate.domain.sizes import Size


@dataclass(frozen=True)
class Wait:
    """A lock that one statement takes and that its transaction keeps to its end; seconds as in Estimate."""

    relation: str
    mode: str
    seconds_low: float
    seconds_high: float | None


@dataclass(frozen=True)
class Estimate:
    """One statement at the live sizes.

    Seconds are a range; ``seconds_high`` is None where the size of a table that it must read is unknown.
    ``waits`` are the locks that it takes, each until the end of the transaction. ``rewritten_bytes`` are
    written anew, ``wal_bytes`` go to the log and the replicas, ``disk_bytes`` must be free meanwhile.
    """

    seconds_low: float = 0.0
    seconds_high: float | None = 0.0
    waits: tuple[Wait, ...] = ()
    rewritten_bytes: int = 0
    wal_bytes: int = 0
    disk_bytes: int = 0


def predict(
    statements: Sequence[Effects], sizes: Mapping[str, Size], existing: Collection[str]
) -> Iterator[Estimate]:
    """An estimate for each statement of a revision. A table that is not in ``existing`` is new and empty."""
    for _ in statements:
        yield Estimate()
