"""How far the examination of a copy is: kept between the slices, one document a recovery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from dbmigrate.domain.comparison import EMPTY, Pair, Piece, Table, piece_blocks, pieces
from dbmigrate.domain.integrity import ROWS, Unit
from dbmigrate.domain.mark import Counters, Mark

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Trouble:
    """Why something was not read: we may not ("denied"), it took too long ("slow"), the server had not the
    means ("failed"), or the data cannot be read ("damaged")."""

    kind: str
    words: str


@dataclass(frozen=True)
class Answer(Generic[Item, Result]):
    """What came of one item; ``result`` is None where there is trouble."""

    item: Item
    result: Result | None
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Known:
    """What an instance says of itself. ``others`` are its other databases, ``mark`` is the newest one in its
    ledger, ``counted`` what its counters say now."""

    identity: str
    marked: bool
    tables: Mapping[str, Table]
    sequences: Mapping[str, int | None]
    others: Sequence[str]
    mark: Mark | None
    counted: Counters


@dataclass
class Reading:
    """The pieces of one table as one side has them. ``columns`` is what was hashed of each row."""

    size: int
    columns: list[list[str]]
    found: dict[str, list[int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.found.values())

    def in_order(self, count: int) -> list[Piece]:
        """Every piece; those that are not read yet are empty."""
        known = {int(number): (rows, hashed) for number, (rows, hashed) in self.found.items()}
        return [known.get(number, EMPTY) for number in range(count)]


@dataclass
class Examination:
    """``copy`` and ``old`` are what was read of either side, ``done`` the other units that were looked at,
    ``matched`` what is known of tables that differ, ``out`` why a table is not compared; ``seconds`` have
    gone into the verification, then into the comparison."""

    copy: dict[str, Reading] = field(default_factory=dict)
    old: dict[str, Reading] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    entries: dict[str, int] = field(default_factory=dict)
    matched: dict[str, dict[str, Any]] = field(default_factory=dict)
    out: dict[str, str] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The examination as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Examination:
        """The opposite of to_json."""
        sides = {
            side: {name: Reading(**reading) for name, reading in values[side].items()}
            for side in ("copy", "old")
        }
        return cls(**{**values, **sides})

    def for_comparison(self) -> Examination:
        """What a comparison begins with: what was read of the copy."""
        return Examination(copy=self.copy, checks=self.checks, notes=self.notes)

    def reading(self, side: str, both: Pair) -> Reading:
        """The reading of a table on one side; a new one where other columns were hashed before. Both sides
        are cut into the same pieces, whose size the copy says."""
        columns = [list(column) for column in both.columns]
        readings: dict[str, Reading] = getattr(self, side)
        known = readings.get(both.name)
        if known is None or known.columns != columns:
            readings[both.name] = known = Reading(piece_blocks(both.new.blocks), columns)
        return known

    def unread(self, side: str, pairs: Sequence[Pair]) -> list[Unit]:
        """The pieces that are to be read yet, those of large tables first."""
        todo = []
        for both in sorted(pairs, key=lambda each: -each.new.blocks):
            reading = self.reading(side, both)
            blocks = (both.new if side == "copy" else both.old).blocks
            for number in range(pieces(blocks, reading.size)):
                if str(number) not in reading.found:
                    todo.append(Unit(ROWS, both.name, number, reading.size))
        return todo
