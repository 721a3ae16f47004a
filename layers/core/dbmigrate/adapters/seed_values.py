"""Values for seeds: a few for every type, the same on every run, far from what revisions insert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.adapters.seed_tables import Column, literal

HIGH = 1_000_000_001  # a key that no revision inserts and that every integer but smallint holds
LONGEST = 1_000  # characters; more would not fit into an index
# What checks often want of a text; each is tried when the plain values are refused.
TEXTS = (
    *("a", "A", "1", "0", "AA", "aa", "USD", "en", "en_US", "UTC", "A1", "a1", "seed-1", "seed_1", "Seed"),
    *("seed1@example.com", "seed2@example.com", "https://example.com/1", "https://example.com/2", "/a", "{}"),
    *("#a1b2c3", "+15550000001", "12345", "1.0.0", "2001-01-01", "12:00", "192.0.2.1", "true", "*/5 * * * *"),
    *("00000000-0000-4000-8000-000000000001", "0" * 32, "a" * 40, "0" * 64, ""),
)
INTEGERS = (1, 2, 0, 3, 5, 7, 10, 12, 50, 100, 500, 1000, 2001, -1)
_FIXED: dict[str, tuple[str, ...]] = {
    "bool": ("true", "false"),
    "date": ("2001-02-03", "2001-02-04", "2001-02-05", "2024-06-15", "2040-01-01"),
    "time": ("01:02:03", "01:02:04", "01:02:05.678901"),
    "timetz": ("01:02:03+00", "01:02:04+00", "01:02:05.678901+00"),
    "interval": ("1 day", "2 days", "1 mon 3 days 04:05:06", "01:00:00", "0"),
    "json": ('{"seed": 1}', '{"seed": 2}', '{"seed": [3, null]}', "[]", "{}", "[1]", '"a"', "1"),
    "jsonb": ('{"seed": 1}', '{"seed": 2}', '{"seed": [3, null]}', "[]", "{}", "[1]", '"a"', "1"),
    "jsonpath": ("$.a", "$.b", "$.c"),
    "bytea": (r"\x01", r"\x02", r"\x0003ff", r"\x"),
    "inet": ("192.0.2.1", "192.0.2.2", "2001:db8::3", "192.0.2.0/24"),
    "cidr": ("192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"),
    "macaddr": ("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"),
    "macaddr8": ("02:00:00:00:00:00:00:01", "02:00:00:00:00:00:00:02", "02:00:00:00:00:00:00:03"),
    "money": ("11.00", "12.00", "1234.56", "0"),
    "tsvector": ("seed:1", "seed:2", "seed:3"),
    "tsquery": ("seed & a", "seed & b", "seed & c"),
    "xml": ("<seed>1</seed>", "<seed>2</seed>", "<seed>3</seed>"),
    "point": ("(1,1)", "(2,2)", "(3,3)"),
    "line": ("{1,1,1}", "{1,1,2}", "{1,1,3}"),
    "lseg": ("[(1,1),(2,2)]", "[(3,3),(4,4)]", "[(5,5),(6,6)]"),
    "box": ("(2,2),(1,1)", "(4,4),(3,3)", "(6,6),(5,5)"),
    "path": ("[(1,1),(2,2)]", "[(3,3),(4,4)]", "[(5,5),(6,6)]"),
    "polygon": ("((1,1),(2,2),(3,1))", "((4,4),(5,5),(6,4))", "((7,7),(8,8),(9,7))"),
    "circle": ("<(1,1),1>", "<(4,4),1>", "<(7,7),1>"),
    "pg_lsn": ("0/1", "0/2", "0/3"),
    "pg_snapshot": ("1:1:", "2:2:", "3:3:"),
    "txid_snapshot": ("1:1:", "2:2:", "3:3:"),
    "xid8": ("1", "2", "3"),
    "regclass": ("pg_catalog.pg_class", "pg_catalog.pg_type", "pg_catalog.pg_proc"),
    "regtype": ("int4", "text", "uuid"),
    "regproc": ("pg_catalog.now", "pg_catalog.pg_backend_pid", "pg_catalog.version"),
    "regrole": ("postgres",),
    "regnamespace": ("pg_catalog", "public"),
    "char": ("a", "b", "c"),
    "hstore": ('"seed"=>"1"', '"seed"=>"2"', '"seed"=>NULL'),
    "ltree": ("seed.a", "seed.b", "seed.a.c"),
    "geometry": ("POINT(1 1)", "POINT(2 2)", "POINT(3 3)"),
    "geography": ("POINT(1 1)", "POINT(2 2)", "POINT(3 3)"),
}


class Values:
    """Makes values for columns; ``types`` are the schema's."""

    def __init__(self, types: Mapping[int, Mapping[str, Any]]) -> None:
        self.types = types

    def of(self, column: Column, key: bool) -> list[str]:
        """SQL expressions without NULL, the first three for the three rows; ``key`` where they must differ
        from what revisions insert."""
        return self._of_type(column.type, column.mod, column.name, key)

    def not_null(self, type_: int) -> bool:
        """Whether the type, a domain, forbids NULL."""
        found = self.types[type_]
        return found["kind"] == "d" and (found["not_null"] or self.not_null(found["base"]))

    def checks(self, type_: int) -> list[str]:
        """The checks of a domain and of those that it is made of, on VALUE."""
        found = self.types[type_]
        return [*found["checks"], *self.checks(found["base"])] if found["kind"] == "d" else []

    def base(self, type_: int) -> str:
        """The name of the type, of a domain that of the one below."""
        return str(self.below(type_)["name"])

    def below(self, type_: int) -> Mapping[str, Any]:
        """The type itself, of a domain the one that it is made of."""
        found = self.types[type_]
        return self.below(found["base"]) if found["kind"] == "d" else found

    def _of_type(self, type_: int, mod: int, name: str, key: bool) -> list[str]:
        found = self.types[type_]
        if found["kind"] == "d":
            return self._of_type(found["base"], found["mod"], name, key)
        if found["labels"]:
            labels = found["labels"]
            return [f"{literal(label)}::{found['full']}" for label in [*labels[-3:], *labels[:-3]]]
        if found["kind"] == "c":
            return self._composite(found, name)
        if found["category"] == "A" and found["element"]:
            return self._array(found, mod, name)
        if found["subtype"]:
            return self._range(found)
        return [f"{literal(text)}::{found['full']}" for text in plain(found["name"], mod, name, key)]

    def _array(self, found: Mapping[str, Any], mod: int, name: str) -> list[str]:
        items = self._of_type(found["element"], mod, name, False)
        one, two, three = (items * 3)[:3]
        lists = (one, f"{two}, {one}", f"{three}, {two}, {one}", "")
        return [f"ARRAY[{inside}]::{found['full']}" for inside in lists]

    def _composite(self, found: Mapping[str, Any], name: str) -> list[str]:
        members = [self._of_type(type_, mod, name, False) for type_, mod in found["members"] or []]
        return [
            f"ROW({', '.join(member[row % len(member)] for member in members)})::{found['full']}"
            for row in range(3)
        ]

    def _range(self, found: Mapping[str, Any]) -> list[str]:
        """Ranges that do not touch each other, as an exclusion constraint wants them."""
        bounds = [text for text in _edges(self.base(found["subtype"]))]
        ranges = [f"[{low},{high})" for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
        several = [f"{{{text}}}" for text in ranges] if found["kind"] == "m" else ranges
        return [f"{literal(text)}::{found['full']}" for text in several]


def plain(type_name: str, mod: int, name: str, key: bool) -> list[str]:
    """The texts of values of one of PostgreSQL's own types; of a strange one, what might be understood."""
    if type_name in ("int2", "int4", "int8", "oid", "float4", "float8", "numeric"):
        return _numbers(type_name, mod, key)
    if type_name in ("text", "varchar", "bpchar", "name", "citext"):
        return texts(name, 60 if type_name == "name" else mod - 4 if mod > 4 else None)
    if type_name in ("timestamp", "timestamptz"):
        zone = "+00" if type_name == "timestamptz" else ""
        days = (*("2001-02-03 01:02:03", "2001-02-04 01:02:04", "2001-02-05 01:02:05.678901"),)
        return [f"{day}{zone}" for day in (*days, "2024-06-15 12:00:00", "2040-01-01 00:00:00")]
    if type_name == "uuid":
        return [f"00000000-0000-4000-8000-{HIGH + row:012d}" for row in range(3)]
    if type_name in ("bit", "varbit"):
        length = max(mod, 1) if type_name == "bit" or mod > 0 else 8
        return [format(row % 2**length, f"0{length}b") for row in range(1, 4)]
    if type_name in ("vector", "halfvec"):
        return [f"[{','.join([str(row)] * max(mod, 1))}]" for row in range(1, 4)]
    return list(_FIXED.get(type_name, ("1", "2", "3", "seed")))


def texts(name: str, limit: int | None) -> list[str]:
    """Three texts that differ, the third as long as the type allows, and those of TEXTS that fit."""
    if limit is None:
        return [f"{name} 1", f"{name} 2", f"{name} 3, a little longer than the others", *TEXTS]
    stem = [f"{name} {row}" if len(name) + 2 <= limit else f"{row}{name}"[:limit] for row in (1, 2, 3)]
    stem[2] = stem[2].ljust(min(limit, LONGEST), "x")
    return [*stem, *(text for text in TEXTS if len(text) <= limit)]


def _numbers(type_name: str, mod: int, key: bool) -> list[str]:
    if type_name == "numeric" and mod >= 4:
        return _numeric((mod - 4) >> 16, (mod - 4) & 0x7FF)
    first = 30_001 if type_name == "int2" else HIGH
    own = [first, first + 1, first + 2] if key else [11, 12, 113 if type_name == "int2" else 40_003]
    parts = ["0.5", "11.5"] if type_name in ("float4", "float8", "numeric") else []
    return [str(number) for number in (*own, *INTEGERS)] + parts


def _numeric(precision: int, scale: int) -> list[str]:
    """As many digits as the type has in the third; a scale over 1023 is a negative one."""
    scale -= 2048 if scale > 1023 else 0
    whole = min(max(precision - scale, 0), 30)
    part = f".{'9' * min(scale, 30)}" if scale > 0 else ""
    largest = f"{('987654321' * 4)[:whole] or '0'}{part}"
    small = ("1", "2") if whole else (f".{'0' * (scale - 1)}1", f".{'0' * (scale - 1)}2")
    fitting = [str(number) for number in INTEGERS if len(str(abs(number))) <= whole]
    return [*small, largest, *fitting, *(["0.5"] if scale > 0 else [])]


def _edges(subtype: str) -> list[str]:
    if subtype in ("date", "timestamp", "timestamptz"):
        zone = "+00" if subtype == "timestamptz" else ""
        times = "" if subtype == "date" else f" 00:00:00{zone}"
        return [f'"2001-02-{day:02d}{times}"' for day in (1, 3, 5, 7, 9, 11)]
    if subtype == "time":
        return [f"{hour:02d}:00:00" for hour in range(1, 7)]
    return [str(number) for number in (11, 13, 15, 17, 19, 21)]
