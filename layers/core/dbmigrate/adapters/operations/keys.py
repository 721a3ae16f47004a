"""The key by which a table is walked: unique, never NULL, with an index in whose order it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dbmigrate.adapters.operations.look import quoted, value
from dbmigrate.adapters.operations.work import Work

# A type's name with -1 is that of no length: "bpchar" and not "character", which would be one character.
UNIQUE = """SELECT (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, -1),
                                         y.typcategory = 'D') ORDER BY o.place)::text
          FROM unnest(i.indkey::int2[]) WITH ORDINALITY o(number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = o.number
          JOIN pg_type y ON y.oid = a.atttypid
         WHERE o.place <= i.indnkeyatts)
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
 WHERE i.indrelid = to_regclass({table}) AND i.indisunique AND i.indisvalid AND m.amname = 'btree'
   AND i.indpred IS NULL AND i.indexprs IS NULL
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND NOT a.attnotnull
                      AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
 ORDER BY i.indisprimary DESC, i.indnkeyatts, x.relname"""


@dataclass(frozen=True)
class Part:
    """One column of a key. ``name`` and ``type`` are as SQL writes them; ``dated`` says that its text hangs
    on the session's DateStyle."""

    plain: str
    name: str
    type: str
    dated: bool

    def as_text(self) -> str:
        return f"to_json({self.name}) #>> '{{}}'" if self.dated else f"{self.name}::text"


@dataclass(frozen=True)
class Key:
    """Values of a key travel as text, and PostgreSQL compares them: in its own order and collation."""

    parts: tuple[Part, ...]

    @property
    def names(self) -> str:
        return ", ".join(part.name for part in self.parts)

    @property
    def backwards(self) -> str:
        return ", ".join(f"{part.name} DESC" for part in self.parts)

    @property
    def as_json(self) -> str:
        """The values as one JSON array of strings."""
        return f"json_build_array({', '.join(part.as_text() for part in self.parts)})"

    def compared(self, operator: str, values: Sequence[str]) -> str:
        """The key in comparison with these values, in a form that an index answers."""
        literals = ", ".join(
            f"{value(text)}::{part.type}" for part, text in zip(self.parts, values, strict=True)
        )
        if len(self.parts) == 1:
            return f"{self.names} {operator} {literals}"
        return f"({self.names}) {operator} ({literals})"


def key_of(work: Work, table: str, wanted: str | Sequence[str] | None) -> Key:
    """The table's key: the one that is wanted, else the primary key, else another unique one.

    ``table`` is as SQL writes it, ``wanted`` are plain names. Raises RevisionFailed where there is none.
    """
    names = [wanted] if isinstance(wanted, str) else list(wanted or ())
    for (found,) in work.ask(UNIQUE.format(table=value(table))):
        parts = tuple(Part(name, quoted(name), type_, dated) for name, type_, dated in json.loads(found))
        if not names or [part.plain for part in parts] == names:
            return Key(parts)
    if not work.is_true(f"to_regclass({value(table)}) IS NOT NULL"):
        raise work.failed(f"there is no table {table}.", "check its name and schema")
    if not work.is_true(
        f"(SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = to_regclass({value(table)}))"
    ):
        raise work.failed(f"{table} is no table.", "name the table that the rows are in")
    raise _no_key(work, table, names)


def _no_key(work: Work, table: str, names: Sequence[str]) -> Exception:
    which = f" on ({', '.join(names)}) in this order" if names else ""
    column = names[0] if names else "COLUMN"
    return work.failed(
        f"{table} cannot be walked in batches, as it has no valid unique index{which} whose columns are all "
        "NOT NULL. Nothing was changed.",
        f"in an earlier revision op.set_not_null({work.table!r}, {column!r}) and "
        f"op.add_unique(NAME, {work.table!r}, [{column!r}]), or name another key: key=[…]",
    )
