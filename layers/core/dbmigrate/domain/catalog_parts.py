"""What came, went and changed inside one object, in the order in which people read a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix

from dbmigrate.domain.catalog import Catalog, Change
from dbmigrate.domain.catalog_owners import FOR, Key, Owners
from dbmigrate.domain.catalog_words import (
    column_change,
    one_line,
    relation_parts,
    short_column,
    what,
    words,
)

FEW_WORDS = 6
"""Words in common from which a change shows only what differs."""
WIDTH = 96
"""Characters after which the columns of a new table go on in another line."""
ORDER = ("relation", "column", "constraint", "index", "trigger", "rule", "policy", "statistics", "view",
         "sequence", "owner", "grant", "comment")  # fmt: skip
LABELS = ("toast with", "with", "replica identity", "partition by", "partition of", "inherits", "of type",
          "tablespace", "using", "server")  # fmt: skip
INSIDE = ("column", "constraint", "trigger", "rule", "policy", "index", "statistics")
WITH_COLON = {"grant", "owner", "comment", "query", "values"}


@dataclass(frozen=True)
class Detail:
    """One thing that came (mark +), went (-) or changed (~) in an object: ``kind`` is what one calls it
    ("column", "foreign key"), ``was`` and ``now`` what it is in words; None where there is nothing before or
    after."""

    mark: str
    kind: str
    name: str
    was: str | None = None
    now: str | None = None

    @property
    def text(self) -> str:
        """The line without its mark: ``column total: numeric(10,2) -> numeric(12,2)``."""
        named = f"{self.kind} {self.name}".strip()
        if self.mark == "~":
            return f"{named}: {self.was or 'none'} -> {self.now or 'none'}"
        if self.mark == "-" or not self.now:
            return named
        return f"{named}{':' if self.kind in WITH_COLON else ''} {self.now}"


class Parts:
    """The changes that belong to one object."""

    def __init__(self, key: Key, old: Catalog, new: Catalog, changes: Sequence[Change]) -> None:
        self.kind, self.name = key
        self.old, self.new = old, new
        self.changes = sorted(changes, key=lambda each: (_rank(each[0]), each[1]))
        self.owners = Owners(old, new)

    def gone(self) -> str | None:
        """Of a dropped table its columns."""
        columns = [self._short(name) for kind, name, _ in self.changes if kind == "column"]
        return ", ".join(columns) or None

    def made(self) -> tuple[Detail, ...]:
        """What a new object came with: the columns folded, the rest a line each."""
        columns = [short_column(self._short(name), now) for kind, name, now in self.changes
                   if kind == "column" and now]  # fmt: skip
        folded = [] if self._is_view() else list(_folded(columns))
        rest = [each for each in self.changes if each[0] != "column"]
        return (*(Detail("+", "columns", "", now=line) for line in folded), *self._details(rest))

    def changed(self) -> tuple[Detail, ...]:
        """What changed in an object that was there and still is."""
        return (*self._of_enum(), *self._details(self.changes))

    def _details(self, changes: Sequence[Change]) -> Iterator[Detail]:
        for kind, name, now in changes:
            was = self.old.get(kind, {}).get(name)
            if kind == "relation" and name == self.name:
                yield from _of_relation(was, now)
            elif (kind, name) != (self.kind, self.name) and not self._implied(kind, name, was, now):
                yield self._detail(kind, name, was, now)

    def _detail(self, kind: str, name: str, was: str | None, now: str | None) -> Detail:
        called, short = self._called(kind, name, now or was or "")
        if was is not None and now is not None:
            two = column_change(was, now) if kind == "column" else (_said(kind, was), _said(kind, now))
            return Detail("~", called, short, *differing(two[0] or "", two[1] or ""))
        if now is not None:
            return Detail("+", called, short, now=_said(kind, now))
        return Detail("-", called, short, was=_said(kind, was or ""))

    def _called(self, kind: str, name: str, definition: str) -> tuple[str, str]:
        if kind == "view":
            return "query", ""
        if kind == "sequence" and name == self.name:
            return "numbers", ""
        if kind in ("comment", "grant", "owner"):
            return kind, self._subject(kind, name)
        if kind in ("column", "constraint", "trigger", "rule", "policy"):
            return what(kind, definition), self._short(name)
        return what(kind, definition), name

    def _subject(self, kind: str, name: str) -> str:
        """What a comment or a grant is on, within the object, and to whom a grant is."""
        subject, _, role = name.rpartition(" to ") if kind == "grant" else (name, "", "")
        found = FOR.fullmatch(subject)
        word = found["what"].removesuffix(" object").split()[-1] if found else ""
        inside = found is not None and word in INSIDE
        place = f"on {word} {self._short(found['name'].split(' on ')[0])}" if found and inside else ""
        return f"{place} to {role}".strip() if kind == "grant" else place

    def _short(self, name: str) -> str:
        return name.removeprefix(f"{self.name}.")

    def _is_view(self) -> bool:
        return self.new.get("relation", {}).get(self.name, "")[:1] in ("v", "m")

    def _implied(self, kind: str, name: str, was: str | None, now: str | None) -> bool:
        """Whether another line says it already: a key's index, an identity's sequence, the columns of a view
        whose query changed."""
        here = {(of, identity): text for of, identity, text in self.changes}
        if kind == "index" and (was is None or now is None):
            constraint = ("constraint", f"{self.name}.{name.partition('.')[2]}")
            return constraint in here and (here[constraint] is None) == (now is None)
        if kind in ("relation", "sequence") and (was is None or now is None):
            column = self.owners.owned_by(name)
            return kind == "relation" or ("column", column) in here
        return kind == "column" and self._is_view() and ("view", self.name) in here

    def _of_enum(self) -> Iterator[Detail]:
        if self.kind != "enum":
            return
        was, now = (catalog["enum"][self.name].split(",") for catalog in (self.old, self.new))
        yield from (Detail("-", "value", repr(value)) for value in was if value not in now)
        for before, value in zip(["", *now], now, strict=False):
            if value not in was:
                yield Detail(
                    "+", "value", repr(value), now=f"after {before!r}" if before else "at the beginning"
                )
        kept = [value for value in now if value in was]
        if kept != [value for value in was if value in now]:
            yield Detail("~", "values", "", ", ".join(was), ", ".join(now))


def differing(was: str, now: str) -> tuple[str, str]:
    """What two texts do not have in common, with a word before it. Where they read alike, because only what
    was cut off differs, that they differ."""
    if was == now:
        return "one definition", "another"
    if was.removesuffix(", not valid") == now:
        return "not valid", "valid"
    old, new = was.split(" "), now.split(" ")
    begin = len(commonprefix([old, new]))
    end = len(commonprefix([old[begin:][::-1], new[begin:][::-1]]))
    if begin + end < FEW_WORDS:
        return was, now
    first = max(begin - 1, 0)
    return _between(old, first, end), _between(new, first, end)


def _between(parts: Sequence[str], first: int, end: int) -> str:
    kept = [*(["…"] if first else []), *parts[first : len(parts) - end], *(["…"] if end else [])]
    return " ".join(kept)


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _said(kind: str, definition: str) -> str | None:
    return (repr(one_line(definition)) if kind == "comment" else words(kind, definition)) or None


def _folded(columns: Sequence[str]) -> Iterator[str]:
    line = ""
    for column in columns:
        if line and len(line) + len(column) > WIDTH:
            yield line
            line = ""
        line = f"{line}, {column}" if line else column
    if line:
        yield line


def _of_relation(was: str | None, now: str | None) -> Iterator[Detail]:
    """Out of the ordinary before and after, by what it is about."""
    if was is None or now is None:
        return
    if was[:1] != now[:1]:
        yield Detail("~", "kind", "", what("relation", was), what("relation", now))
    old, new = (dict(map(_labelled, relation_parts(text))) for text in (was, now))
    for label in sorted(k for k in {**old, **new} if old.get(k) != new.get(k)):
        if label in old and label in new:
            yield Detail("~", label, "", old[label], new[label])
        elif label in new:
            yield Detail("+", label, "", now=new[label] or None)
        else:
            yield Detail("-", label, old[label])


def _labelled(part: str) -> tuple[str, str]:
    label = next((label for label in LABELS if part.startswith(f"{label} ")), part)
    return (label, part.removeprefix(label).strip()) if not part.startswith("FOR VALUES") else ("bound", part)
