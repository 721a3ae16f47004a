"""Tables and their rows as two instances are compared by: hashes that the server makes, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from pg8000.native import identifier
from sqlalchemy import Connection

from dbmigrate.adapters.catalog.parts import OF_CLASS, OURS
from dbmigrate.domain.comparison import Pair, Piece, Row, Table, pieces

INVENTORY = f"""
SELECT n.nspname || '.' || c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(a.attname, concat_ws(' COLLATE ',
                   format_type(a.atttypid, a.atttypmod), l.collname)) ORDER BY a.attnum), '[]')
          FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation AND NOT l.collisdeterministic
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       (SELECT coalesce(jsonb_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)), '[]')
          FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = c.oid AND i.indisprimary),
       (pg_relation_size(c.oid) / current_setting('block_size')::int)::int, greatest(c.reltuples, 0)::bigint,
       has_table_privilege(c.oid, 'SELECT'), c.relpersistence = 'u'
  FROM pg_class c {OF_CLASS} AND c.relkind = 'r' ORDER BY 1"""
SEQUENCES = f"""
SELECT n.schemaname || '.' || n.sequencename, n.last_value FROM pg_sequences n
 WHERE {OURS.replace("n.nspname", "n.schemaname")}"""
MOST_RANGES = 64  # more pieces than that are read as the whole table
FETCHED = 5000
FORMS = {"plain": "{}", "collated": '{} COLLATE "C"', "text": '{}::text COLLATE "C"'}


def inventory(connection: Connection) -> dict[str, Table]:
    """Every table with rows of its own in the schemas of users, partitions among them."""
    found = {}
    for name, quoted, columns, key, blocks, rows, readable, unlogged in connection.exec_driver_sql(INVENTORY):
        named = tuple((column, kind) for column, kind in columns)
        found[name] = Table(name, quoted, named, tuple(key), blocks, rows, readable, unlogged)
    return found


def sequences(connection: Connection) -> dict[str, int | None]:
    """The last value that each sequence gave; None where it gave none."""
    return {name: value for name, value in connection.exec_driver_sql(SEQUENCES)}


def read_piece(connection: Connection, table: Table, both: Pair, number: int, size: int) -> Piece:
    """How many rows a piece has and what they hash to; reads every value of it."""
    query = f"""SELECT count(*), coalesce(sum({_hash(both)}), 0)
                  FROM ONLY {table.quoted} WHERE {_blocks(number * size, (number + 1) * size)}"""
    rows, hashed = connection.exec_driver_sql(query).one()
    connection.rollback()
    return int(rows), int(hashed)


def count_rows(connection: Connection, table: Table) -> int:
    """The rows of a table that has no counterpart."""
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM ONLY {table.quoted}").scalar_one())


def buckets(
    connection: Connection, table: Table, both: Pair, numbers: Sequence[int], size: int, mask: int
) -> dict[int, Piece]:
    """The rows of some pieces, sorted into buckets by the hash of their key."""
    chosen = _rows(table, both, numbers, size)
    found = connection.exec_driver_sql(
        f"SELECT place & {mask}, count(*), sum(hash) FROM ({chosen}) r GROUP BY 1"
    )
    return {int(bucket): (int(rows), int(hashed)) for bucket, rows, hashed in found}


def stream(
    connection: Connection,
    table: Table,
    both: Pair,
    numbers: Sequence[int],
    size: int,
    chosen: tuple[int, Sequence[int]] | None,
    after: int | None,
) -> Iterator[Row]:
    """The rows of some pieces by the hash of their key, behind ``after``; ``chosen`` are a mask and the
    buckets that count."""
    conditions = ["true"]
    if chosen:
        mask, wanted = chosen
        conditions.append(f"place & {mask} = ANY ('{{{','.join(map(str, wanted))}}}'::bigint[])")
    if after is not None:
        conditions.append(f"place > {after}")
    connection.exec_driver_sql(
        f"""DECLARE differing NO SCROLL CURSOR FOR SELECT place, hash, key
              FROM ({_rows(table, both, numbers, size)}) r WHERE {" AND ".join(conditions)} ORDER BY place"""
    )
    while rows := connection.exec_driver_sql(f"FETCH {FETCHED} FROM differing").all():
        for place, hashed, key in rows:
            yield Row(place, hashed, tuple(key))


def _rows(table: Table, both: Pair, numbers: Sequence[int], size: int) -> str:
    """SQL for the rows of these pieces; of its own ones, as the other side may have more."""
    own = [number for number in numbers if number < pieces(table.blocks, size)]
    place = _hash(both, both.key) if both.key else _hash(both)
    key = [f"{identifier(name)}::text" for name in both.key] or [f"left({_row(both)}::text, 200)"]
    columns = f"SELECT {place} AS place, {_hash(both)} AS hash, ARRAY[{', '.join(key)}] AS key"
    ranges = list(_ranges(own))
    if not ranges:
        return f"{columns} FROM ONLY {table.quoted} WHERE false"
    if len(ranges) > MOST_RANGES:
        return f"{columns} FROM ONLY {table.quoted}"
    return " UNION ALL ".join(
        f"{columns} FROM ONLY {table.quoted} WHERE {_blocks(first * size, (last + 1) * size)}"
        for first, last in ranges
    )


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours together: the server reads a range of blocks at a time."""
    for _, group in groupby(enumerate(sorted(numbers)), key=lambda each: each[1] - each[0]):
        run = [number for _, number in group]
        yield run[0], run[-1]


def _blocks(first: int, behind: int) -> str:
    return f"ctid >= '({first},0)' AND ctid < '({behind},0)'"


def _hash(both: Pair, names: Sequence[str] = ()) -> str:
    return f"hash_record_extended({_row(both, names)}, 0)" if both.columns else "0::bigint"


def _row(both: Pair, names: Sequence[str] = ()) -> str:
    """The row, or the named columns of it, in the form that is compared."""
    forms: Mapping[str, str] = dict(both.columns)
    chosen = names or list(forms)
    return f"ROW({', '.join(FORMS[forms[name]].format(identifier(name)) for name in chosen)})"
