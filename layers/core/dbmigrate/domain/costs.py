"""What work on a table costs: seconds by rows and pages, and the bytes that it reads and writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from dbmigrate.domain.sizes import Size

PAGE = 8192
ENTRY_BYTES = 24
WIDE_ENTRY_BYTES = 64
"""An index, a row: 22.5 measured for a bigint, 50 to 63 for an address, an md5, a range or jsonb."""
ROW_BYTES = 100
"""Of a table that was never analyzed, so that nobody has counted its rows."""
LOW, HIGH = 0.5, 3.0
"""The range around the model. On a quiet server it is right within a factor of two from 1e5 to 5e6 rows; a
busy one is only ever slower."""
EASY_LOW = 0.3
"""Of scans and indexes: NOT NULL is checked in half the time of the model's CHECK, and keys that stand in
order already sort in half the time of its random ones."""
INDEX_HIGH = 5.0
"""Keys of text take 2 to 3 times as long to sort as the integers of the model, and more where a collation is
slow. The evidence does not tell a key's type."""
KEY_HIGH = 5.0
"""Both sides of a foreign key are joined within work_mem; what is larger goes over the disk in pieces, 1.5 to
3.7 times the model at 5e6 rows."""
EXPRESSION_ROW = 3e-6
"""Seconds that a new column's value may take a row: gen_random_uuid() takes 2.5e-6."""
WRITES_HIGH = 6.0
"""Rows written in place meet their indexes in random order: 2 to 3 times more a row at 1e6 than at 1e5."""
BACKFILL_ROWS = 100_000
"""Rows a second in batches of 5,000, each committed, with two indexes and 300 transactions a second beside
them: 149,000 measured for one worker, 103,000 in batches of 1,000."""
BATCH_SECONDS = 0.05
"""How long a batch keeps its rows: what its size is adapted to."""

SLOWER_METHODS = {"gin": 4.0, "gist": 20.0, "spgist": 20.0, "hnsw": 100.0, "ivfflat": 100.0}
"""How much longer than a btree an index may take to build. Measured over 1e6 rows: gin 2 (integers) to 10
(jsonb), gist 48 (ranges), within INDEX_HIGH of these; for the vector indexes it is a guess."""


@dataclass(frozen=True)
class Model:
    """Seconds for a row and for a page of 8 kB of each kind of work, on tables that are in memory.

    ``statement`` is what any statement takes. ``scan`` reads and checks rows, ``rewrite`` writes a table
    anew, ``index_row`` counts rows x log2(rows), ``key_row`` the rows on both sides of a foreign key,
    ``write`` rows updated, inserted or deleted, ``entry_row`` their entries in each index. Tables together
    larger than ``memory_bytes`` may have to be read at ``read_bytes_per_second``.

    The defaults are medians of this project's own trial (adapters/calibration.py does it again): PostgreSQL
    15.18, two cores, 1e5 rows of 60 and of 480 bytes; the reading rate is that of a gp3 volume as AWS gives
    it without extra charge, 125 MB/s, less a fifth for what else the server reads.
    """

    statement: float = 0.01
    scan_row: float = 6e-8
    scan_page: float = 3.2e-6
    rewrite_row: float = 3.1e-7
    rewrite_page: float = 3.9e-5
    index_row: float = 2.7e-8
    key_row: float = 2.6e-7
    write_row: float = 1.2e-6
    write_page: float = 8e-5
    entry_row: float = 3e-6
    memory_bytes: int = 4 * 1024**3
    read_bytes_per_second: float = 100e6

    def to_json(self) -> dict[str, float]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Model:
        """The defaults with these coefficients. Raises ValueError, which names the one that is wrong."""
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"'{name}' is none of {', '.join(known)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ValueError(f"'{name}' must be a number of 0 or more, not {value!r}")
        if values.get("read_bytes_per_second", 1) == 0:
            raise ValueError("'read_bytes_per_second' must be more than 0")
        return replace(cls(), **values)


@dataclass(frozen=True)
class Cost:
    """One piece of work. ``seconds`` are the model's, with the table in memory, ``low`` and ``high`` the
    range around them; ``read`` are the table's bytes that it must see; ``rewritten``, ``wal`` and ``disk``
    as in prediction.Estimate."""

    seconds: float
    low: float
    high: float
    read: int = 0
    rewritten: int = 0
    wal: int = 0
    disk: int = 0

    def perhaps(self) -> Cost:
        """The same for a query that chooses its rows: it may be none."""
        return replace(self, low=0.0)

    def at_most(self, model: Model, cold: bool) -> float:
        """The upper end; what may lie on disk is not read faster than the disk gives it."""
        return max(self.high, HIGH * self.read / model.read_bytes_per_second) if cold else self.high


def in_memory(sizes: Mapping[str, Size], model: Model) -> bool:
    """Whether all tables fit. Nobody tells which of them are hot: else each may be the one that is not.
    Partitions count twice, as themselves and with their parent, which errs to the safe side."""
    return sum(size.bytes for size in sizes.values()) <= model.memory_bytes


def scanned(model: Model, size: Size) -> Cost:
    """Read once in full: CHECK, NOT NULL, VALIDATE, the bound of a partition, a query without an index."""
    seconds = model.scan_row * rows(size) + model.scan_page * _pages(size)
    return Cost(seconds, EASY_LOW * seconds, HIGH * seconds, read=heap(size))


def rewritten(model: Model, size: Size, new_column: bool = False) -> Cost:
    """Copied into new storage, without its indexes; the old stays until the commit. A new
    column has values to be computed."""
    seconds = model.rewrite_row * rows(size) + model.rewrite_page * _pages(size)
    high = HIGH * (seconds + new_column * EXPRESSION_ROW * rows(size))
    whole = heap(size)
    return Cost(seconds, LOW * seconds, high, read=whole, rewritten=whole, wal=whole, disk=whole)


def indexed(model: Model, size: Size, method: str = "btree", partial: bool = False) -> Cost:
    """One index built: read, sorted (in files beside it), written, logged. A partial one may sort little."""
    count = rows(size)
    seconds = model.index_row * count * math.log2(max(count, 2)) + model.scan_page * _pages(size)
    low = scanned(model, size).low if partial else EASY_LOW * seconds
    high = INDEX_HIGH * seconds * SLOWER_METHODS.get(method, 1.0)
    made = ENTRY_BYTES * count
    wal = WIDE_ENTRY_BYTES * count
    return Cost(seconds, low, high, read=heap(size), rewritten=made, wal=wal, disk=2 * made)


def looked_up(model: Model, size: Size) -> Cost:
    """One side of a foreign key, of which all rows are compared with the other side's."""
    seconds = model.key_row * rows(size) + model.scan_page * _pages(size)
    return Cost(seconds, LOW * seconds, KEY_HIGH * seconds, read=heap(size))


def written(model: Model, size: Size, entries: bool = True) -> Cost:
    """As many rows written as the table has, in place; ``entries`` says whether its indexes get new ones."""
    indexes = size.index_bytes if entries else 0
    seconds = model.write_row * rows(size) + model.write_page * _pages(size)
    seconds += model.entry_row * indexes / ENTRY_BYTES
    new = heap(size) + indexes
    return Cost(seconds, LOW * seconds, WRITES_HIGH * seconds, read=new, wal=2 * new, disk=new)


def backfilled(model: Model, size: Size) -> Cost:
    """As many rows written in batches; where the indexes or the rows' width are the harder part, no faster
    than in one statement."""
    whole = written(model, size)
    seconds = max(whole.seconds, rows(size) / BACKFILL_ROWS)
    return replace(whole, seconds=seconds, low=LOW * seconds, high=max(whole.high, HIGH * seconds))


def inserted(model: Model, size: Size, count: int) -> Cost:
    """This many new rows; a number is known only where the statement brings its rows along."""
    entries = size.index_bytes / ENTRY_BYTES / max(rows(size), 1)
    seconds = count * (model.write_row + model.entry_row * entries)
    new = round(count * (size.bytes / max(rows(size), 1) or ROW_BYTES))
    return Cost(seconds, LOW * seconds, WRITES_HIGH * seconds, wal=2 * new, disk=new)


def rows(size: Size) -> int:
    """The planner's number of rows, or a guess by bytes where it has none."""
    return size.rows or heap(size) // ROW_BYTES


def heap(size: Size) -> int:
    """Bytes without the indexes."""
    return max(size.bytes - size.index_bytes, 0)


def _pages(size: Size) -> float:
    return heap(size) / PAGE
