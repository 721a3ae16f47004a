"""A column and its type as the catalog writes them, and what a change of the type does to its values."""

from __future__ import annotations

import re
from dataclasses import dataclass

AFTER_THE_TYPE = re.compile(r" (?:NOT NULL|IDENTITY|GENERATED|DEFAULT|COLLATE|STORAGE|STATISTICS)\b")
QUOTED = re.compile(r"'(?:[^']|'')*'")
TYPE = re.compile(r"^(?P<name>[^(\[]+?)(?:\((?P<sizes>[\d,-]+)\))?(?P<zone> with(?:out)? time zone)?$")
DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
FRACTION = 6
"""Digits after the second of a time, timestamp or interval that names none."""
FAMILIES = {
    **dict.fromkeys(("text", "character varying", "character", "citext"), "string"),
    **dict.fromkeys(("smallint", "integer", "bigint"), "integer"),
    **dict.fromkeys(("real", "double precision"), "float"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    **dict.fromkeys(("bit", "bit varying"), "bits"),
    **dict.fromkeys(("inet", "cidr"), "address"),
}
WIDER_KINDS = {
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("smallint", "double precision"),
    ("integer", "double precision"),
    ("smallint", "real"),
    ("real", "double precision"),
    ("json", "jsonb"),
    ("cidr", "inet"),
    ("date", "timestamp without time zone"),
}
TIMES = ("timestamp without time zone", "timestamp with time zone")

Parts = tuple[str, tuple[int, ...]]  # name, sizes


@dataclass(frozen=True)
class Column:
    """``type`` is PostgreSQL's format_type; ``fills_itself`` says that an INSERT may leave it out."""

    type: str
    not_null: bool = False
    default: bool = False
    identity: bool = False
    always: bool = False
    generated: bool = False

    @property
    def fills_itself(self) -> bool:
        return self.default or self.identity or self.generated

    @property
    def must_be_given(self) -> bool:
        """Whether an INSERT that leaves it out fails."""
        return self.not_null and not self.fills_itself

    @property
    def refuses_values(self) -> bool:
        """Whether an INSERT that names it fails."""
        return self.always or self.generated


def column(definition: str) -> Column:
    """The column that a catalog's text describes: "bigint NOT NULL DEFAULT 5"."""
    bare = QUOTED.sub("''", definition)
    type_ = AFTER_THE_TYPE.split(definition, maxsplit=1)[0]
    words = bare[len(AFTER_THE_TYPE.split(bare, maxsplit=1)[0]) :]
    generated = " GENERATED" in words
    return Column(
        type=type_,
        not_null=" NOT NULL" in words,
        default=" DEFAULT" in words and " IDENTITY BY DEFAULT" not in words and not generated,
        identity=" IDENTITY" in words,
        always=" IDENTITY ALWAYS" in words,
        generated=generated,
    )


def widens(was: str, now: str) -> bool:
    """Whether every value of the old type is the same value in the new one."""
    if was == now or now in ("text", "character varying"):
        return True
    if was.endswith("[]") and now.endswith("[]"):
        return widens(was[:-2], now[:-2])
    old, new = _parts(was), _parts(now)
    if old is None or new is None:
        return False
    return _same_kind(old, new) or _to_number(old, new)


def only_the_zone(was: str, now: str) -> bool:
    """Whether a timestamp gains or loses its time zone, whose values then depend on the session's."""
    bare = {re.sub(r"\(\d\)", "", was), re.sub(r"\(\d\)", "", now)}
    return bare == {*TIMES}


def same_for_clients(was: str, now: str) -> bool:
    """Whether a program that knows the old type can go on reading and writing the column: its statements plan
    all the same, and what comes back has the same form."""
    if was.endswith("[]") and now.endswith("[]"):
        return same_for_clients(was[:-2], now[:-2])
    return _family(was) == _family(now)


def _family(type_: str) -> str:
    parts = _parts(type_)
    name = parts[0] if parts else type_
    return FAMILIES.get(name, name)


def _parts(type_: str) -> Parts | None:
    match = TYPE.match(type_)
    if match is None:
        return None
    sizes = tuple(map(int, match["sizes"].split(","))) if match["sizes"] else ()
    return match["name"] + (match["zone"] or ""), sizes


def _same_kind(old: Parts, new: Parts) -> bool:
    (was, short), (now, long) = old, new
    if (was, now) in WIDER_KINDS:
        return True
    if now in ("character varying", "character", "bit varying") and was in (now, "character", "bit"):
        return not long or bool(short) and long[0] >= short[0]
    if was == now and (" time" in f" {was}" or was == "interval"):
        return (long or (FRACTION,))[0] >= (short or (FRACTION,))[0]
    if was == now == "numeric":
        return not long or bool(short) and _room(long)[0] >= _room(short)[0] and long[-1] >= short[-1]
    return False


def _to_number(old: Parts, new: Parts) -> bool:
    (was, _), (now, sizes) = old, new
    return now == "numeric" and was in DIGITS and (not sizes or _room(sizes)[0] >= DIGITS[was])


def _room(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Digits before and after the point; numeric(5) has none after it."""
    scale = sizes[1] if len(sizes) > 1 else 0
    return sizes[0] - scale, scale
