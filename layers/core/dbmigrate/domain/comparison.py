"""What two instances of one database have that the other lacks, table by table.

Rows are told apart by hashes that the servers make of them. A table is read in pieces of some thousand
blocks each; a piece whose rows hash to the same sum on both sides holds the same rows and is put aside, and
the rows of all others are matched by the hash of their key. So nothing depends on where a row lies, but what
has stayed where it was, as in a restored copy, costs one pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from dbmigrate.domain.recovery import FOUND

PIECE_BLOCKS = 2048
MOST_PIECES = 512
MOST_SAMPLES = 5
ONLY_OLD, RECOVERED, CHANGED = FOUND
# Equal values of these have equal bytes; of others (1.0 and 1.00, two spellings under one collation) the text
# is compared.
PLAIN = {
    "bigint", "boolean", "bytea", "date", "integer", "oid", "smallint", "time without time zone",
    "timestamp with time zone", "timestamp without time zone", "uuid",
}  # fmt: skip
TEXTS = ("text", "character varying")
# What these are written as depends on nothing but their bytes; a label of an enum can be renamed.
STEADY = PLAIN | set(TEXTS) | {
    "bit", "bit varying", "character", "cidr", "double precision", "inet", "interval", "json", "jsonb",
    "macaddr", "numeric", "real", "time with time zone", "tsvector", "xml",
}  # fmt: skip
LENGTH = re.compile(r"\([^)]*\)")
Key = tuple[str | None, ...]
Piece = tuple[int, int]
"""How many rows, and the sum of their hashes."""
EMPTY: Piece = (0, 0)


@dataclass(frozen=True)
class Table:
    """A table as one side has it. ``columns`` are (name, type); ``quoted`` is its name in SQL; ``key`` are
    the columns of its primary key, () where there is none; an unlogged one is empty after every restore."""

    name: str
    quoted: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    blocks: int
    rows: int = 0
    readable: bool = True
    unlogged: bool = False

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Table:
        """The opposite of dataclasses.asdict after a way through JSON."""
        columns = tuple((name, kind) for name, kind in values["columns"])
        return cls(**{**values, "columns": columns, "key": tuple(values["key"])})


@dataclass(frozen=True)
class Pair:
    """A table that both sides have, and what of it is compared. ``columns`` are (name, how): "plain", "text"
    or "collated". ``exact`` says that both sides have the same columns, and that none of them is
    read otherwise without having been written."""

    old: Table
    new: Table
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    notes: tuple[str, ...] = ()
    exact: bool = False

    @property
    def name(self) -> str:
        return self.new.name


def pair(old: Table, new: Table) -> Pair:
    """What the two have in common, and notes about the rest."""
    theirs, ours = dict(old.columns), dict(new.columns)
    common = [name for name in ours if name in theirs]
    alone = [f"column {name} is only on the old instance" for name in theirs if name not in ours]
    alone += [f"column {name} is only on the copy" for name in ours if name not in theirs]
    retyped = [
        f"column {name} is {theirs[name]} on the old instance and {ours[name]} on the copy"
        for name in common
        if theirs[name] != ours[name]
    ]
    key = new.key if new.key and set(new.key) <= set(common) else ()
    same = not alone and not retyped
    odd = [] if key else ["no primary key: rows are compared as a whole"]
    odd += ["unlogged: empty after every restore"] if new.unlogged else []
    return Pair(
        old,
        new,
        tuple((name, how(ours[name], theirs[name])) for name in common),
        key,
        (*alone, *retyped, *odd),
        same and not new.unlogged and all(_bare(kind) in STEADY for kind in ours.values()),
    )


def alone(table: Table) -> Pair:
    """A table that is read on one side, and compared with nothing."""
    return Pair(table, table, tuple((name, how(kind, kind)) for name, kind in table.columns), table.key)


def how(one: str, other: str) -> str:
    """How a column is hashed: by its value, by its bytes as text, or by what it is written as."""
    if one != other:
        return "text"
    if one.endswith("[]"):
        return "text"
    return "collated" if _bare(one) in TEXTS else "plain" if _bare(one) in PLAIN else "text"


def _bare(kind: str) -> str:
    """A type without its length or precision, and an array's elements."""
    return LENGTH.sub("", kind).replace("[]", "")


def piece_blocks(blocks: int) -> int:
    """How many blocks a piece of a table has: as few as keep the number of pieces small."""
    return max(PIECE_BLOCKS, -(-blocks // MOST_PIECES))


def pieces(blocks: int, size: int) -> int:
    """How many pieces a table has; one that is empty has one, which is looked at all the same."""
    return max(1, -(-blocks // size))


def unequal(old: Sequence[Piece], new: Sequence[Piece]) -> list[int]:
    """The pieces whose rows are not the same on both sides."""
    longest = max(len(old), len(new))
    pad = [EMPTY] * longest
    both = zip([*old, *pad][:longest], [*new, *pad][:longest], strict=True)
    return [number for number, (one, other) in enumerate(both) if one != other]


@dataclass(frozen=True)
class Row:
    """A row by the hash of its key, its own hash, and its key as text (without a key its own text)."""

    place: int
    hash: int
    key: Key


@dataclass
class Found:
    """How many rows of a table differ and how, with a few of each by their key. ``after`` is the place up to
    which both sides have been matched."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FOUND, 0))
    samples: dict[str, list[Key]] = field(default_factory=lambda: {word: [] for word in FOUND})
    after: int | None = None

    def add(self, word: str, key: Key) -> None:
        self.counts[word] += 1
        if len(self.samples[word]) < MOST_SAMPLES:
            self.samples[word].append(key)


def match(old: Iterable[Row], new: Iterable[Row], found: Found) -> Iterator[None]:
    """Match two streams of rows in the order of their places into ``found``. Yields after each place, so that
    whoever drives it may stop there and go on behind ``found.after`` later."""
    sides = [groupby(side, key=lambda row: row.place) for side in (old, new)]
    heads = [next(side, None) for side in sides]
    while any(heads):
        place = min(head[0] for head in heads if head)
        groups: list[list[Row]] = [[], []]
        for number, head in enumerate(heads):
            if head and head[0] == place:
                groups[number] = list(head[1])
                heads[number] = next(sides[number], None)
        _settle(groups[0], groups[1], found)
        found.after = place
        yield


def _settle(old: list[Row], new: list[Row], found: Found) -> None:
    """The rows of one place: mostly one on each side, several where two keys have one hash or none exists."""
    same = Counter(row.hash for row in old) & Counter(row.hash for row in new)
    rest = [_without(rows, Counter(same)) for rows in (old, new)]
    there = Counter(row.key for row in rest[1])
    for row in rest[0]:
        if there[row.key]:
            there[row.key] -= 1
            found.add(CHANGED, row.key)
        else:
            found.add(ONLY_OLD, row.key)
    for key in there.elements():
        found.add(RECOVERED, key)


def _without(rows: list[Row], same: Counter[int]) -> list[Row]:
    left = []
    for row in rows:
        if same[row.hash]:
            same[row.hash] -= 1
        else:
            left.append(row)
    return left


def told(name: str, key: Sequence[str], found: Found, notes: Sequence[str] = ()) -> dict[str, Any]:
    """What the report says of one table."""
    samples = {
        word: [dict(zip(key, row, strict=True)) if key else {"row": row[0]} for row in rows]
        for word, rows in found.samples.items()
        if rows
    }
    return {"table": name, **found.counts, "samples": samples, "notes": list(notes)}


def whole(name: str, word: str, rows: int) -> dict[str, Any]:
    """What the report says of a table that one side alone has."""
    where = "only on the old instance" if word == ONLY_OLD else "only on the copy"
    counts = dict.fromkeys(FOUND, 0) | {word: rows}
    return {"table": name, **counts, "samples": {}, "notes": [f"the table is {where}"]}


def report_of(
    tables: Sequence[Mapping[str, Any]], equal: int, not_compared: Sequence[str], **more: Any
) -> dict[str, Any]:
    """The report: what differs, in which tables, and the totals. ``equal`` tables do not differ."""
    differing = [table for table in tables if any(table[word] for word in FOUND) or table["notes"]]
    totals = {word: sum(int(table[word]) for table in tables) for word in FOUND}
    ordered = sorted(differing, key=lambda table: (-sum(table[word] for word in FOUND), table["table"]))
    return {
        "totals": totals,
        "tables": ordered,
        "equal": equal,
        "not_compared": list(not_compared),
        **more,
    }
