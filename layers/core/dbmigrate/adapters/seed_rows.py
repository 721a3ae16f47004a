"""The rows of tables as they are now, for a comparison with those of later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from dbmigrate.adapters.seed_tables import literal, quoted
from dbmigrate.domain.rows import Rows

LIMIT = 200
# A revision may have set any of them for its session, and the texts must be the same before and after.
_AS_EVER = """SAVEPOINT db_migrate_rows; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1;
SET LOCAL lc_monetary = 'C'; SET LOCAL search_path = ''; SET LOCAL jit = off; """
_AND_BACK = "; ROLLBACK TO db_migrate_rows; RELEASE db_migrate_rows"
_COLUMNS = """
SELECT n.nspname || '.' || c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       c.relkind = 'r',
       coalesce((SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod))
                    ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
       coalesce((SELECT jsonb_agg(a.attname ORDER BY k.i) FROM pg_index x
          CROSS JOIN LATERAL unnest(x.indkey::smallint[]) WITH ORDINALITY k(n, i)
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n
         WHERE x.indrelid = c.oid AND x.indisprimary), '[]')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname IN (%s)
   AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1"""


def rows_of(connection: Connection, tables: Iterable[str], limit: int = LIMIT) -> dict[str, Rows]:
    """The rows of those of these tables (full names) that are there; of a table with more than ``limit`` rows
    how many values each column has, and their digest.

    Asks twice, whatever the number of tables. The caller's transaction and settings stay as they are.
    """
    wanted = sorted(set(tables))
    if not wanted:
        return {}
    names = ", ".join(map(literal, wanted))
    there = connection.exec_driver_sql(f"{_AS_EVER}{_COLUMNS % names}{_AND_BACK}").all()
    if not there:
        return {}
    parts = [
        _query(place, ("ONLY " if plain else "") + sql, [name for name, _ in columns], limit)
        for place, (_, sql, plain, columns, _) in enumerate(there)
    ]
    found = connection.exec_driver_sql(f"{_AS_EVER}{' UNION ALL '.join(parts)}{_AND_BACK}")
    answers = {place: what for place, *what in found}
    return {
        table: _rows(columns, key, answers[place]) for place, (table, _, _, columns, key) in enumerate(there)
    }


def _query(place: int, source: str, columns: Sequence[str], limit: int) -> str:
    """The place, the number of rows, the rows as lists of texts, and each column's count and digest."""
    texts = ", ".join(f"t.{quoted(name)}::text" for name in columns)
    digests = ", ".join(
        f"jsonb_build_array(count(t.{quoted(name)}),"
        f" coalesce(sum(hashtextextended(t.{quoted(name)}::text, 0)), 0)::text)"
        for name in columns
    )
    many = f"(SELECT count(*) FROM (SELECT FROM {source} LIMIT {limit + 1}) x) > {limit}"
    return f"""SELECT {place}, (SELECT count(*) FROM {source}),
        CASE WHEN NOT ({many}) THEN (SELECT coalesce(jsonb_agg(to_jsonb(ARRAY[{texts}]::text[])), '[]')
             FROM {source} t) END,
        CASE WHEN {many} THEN (SELECT to_jsonb(ARRAY[{digests}]::jsonb[]) FROM {source} t) END"""


def _rows(columns: Sequence[Sequence[str]], key: Sequence[str], answer: Sequence[Any]) -> Rows:
    count, rows, digests = answer
    return Rows(
        columns=tuple((name, type_) for name, type_ in columns),
        key=tuple(key),
        count=count,
        rows=None if rows is None else tuple(tuple(row) for row in rows),
        digests={
            name: (values, digest)
            for (name, _), (values, digest) in zip(columns, digests or (), strict=False)
        },
    )
