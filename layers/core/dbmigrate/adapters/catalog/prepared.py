"""The catalog's queries as prepared statements: planning them costs more than running them on a small
database, and a rehearsal asks them hundreds of times in one session."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Connection

from dbmigrate.adapters.catalog import administration, objects, relations
from dbmigrate.adapters.catalog.parts import with_relations

Found = dict[str, dict[int, dict[str, str]]]
"""{query: {OID of the relation that the object belongs to, or 0: {identity: definition}}}"""

# Definitions are PostgreSQL's text of expressions, and these settings are part of how it writes them. A plan
# that is compiled or made anew costs more than the query.
SETTINGS = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "quote_all_identifiers": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}

EVERYTHING = "catalog_everything"

# PostgreSQL writes the cast of a list in one way when it first reads `varchar IN ('a', 'b')` and in another
# when it reads its own text again, so a dump that was restored would look changed.
CAST_ITEM = re.compile(r"'(?:[^']|'')*'::character varying(?:\(\d+\))?")
CAST_LIST = re.compile(rf"\(ARRAY\[({CAST_ITEM.pattern}(?:, {CAST_ITEM.pattern})*)\]\)::text\[\]")


def groups(major: int) -> dict[str, dict[str, str]]:
    """The queries by the group in which a change makes them stale together."""
    return {
        "relations": relations.kinds(major),
        "types": objects.types(major),
        "routines": objects.routines(),
        "ownership": administration.ownership(major),
        "comments": {"comment": administration.COMMENT},
        "others": objects.others(major) | administration.others(major),
    }


@contextmanager
def session(
    connection: Connection, ending: bool = False, only: Collection[str] | None = None
) -> Iterator[None]:
    """Set what PostgreSQL's text of expressions depends on, and set it back; prepare what is not yet, or
    ``only`` what will be asked. In a transaction that is ``ending`` the settings go with it, and setting them
    back would be a trip for nothing."""
    major, known, before = connection.exec_driver_sql(_set_and_tell()).one()[:3]
    for name, statement in _statements(major).items():
        if name not in (known or ()) and (only is None or name in only):
            connection.exec_driver_sql(statement)
    yield
    if ending:
        return
    back = ", ".join("set_config(%s, %s, true)" for _ in SETTINGS)
    pairs = tuple(word for pair in zip(SETTINGS, before, strict=True) for word in pair)
    connection.exec_driver_sql(f"SELECT {back}", pairs)


def everything(connection: Connection) -> Found:
    """The objects of every query."""
    return _found(connection, f"EXECUTE {EVERYTHING}")


def of_group(connection: Connection, group: str) -> Found:
    """The objects of a group's queries; not for relations."""
    return _found(connection, f"EXECUTE catalog_{group}")


def of_relations(connection: Connection, oids: Iterable[int]) -> Found:
    """What belongs to these relations. An OID that is none of ours brings nothing."""
    return _found(connection, f"EXECUTE catalog_relations('{{{','.join(map(str, sorted(oids)))}}}')")


def owned(connection: Connection) -> bool:
    """Whether any relation, column or type has an access list or an owner of its own."""
    return bool(connection.exec_driver_sql("EXECUTE catalog_owned").scalar())


def _found(connection: Connection, statement: str) -> Found:
    return {
        query: {int(oid): _one_way(named) for oid, named in json.loads(owners or "{}").items()}
        for query, owners in connection.exec_driver_sql(statement)
    }


def _one_way(named: dict[str, str]) -> dict[str, str]:
    for name, what in named.items():
        if "::text[]" in what:
            named[name] = CAST_LIST.sub(_cast_each, what)
    return named


def _cast_each(found: re.Match[str]) -> str:
    return f"ARRAY[{CAST_ITEM.sub(lambda item: f'({item[0]})::text', found[1])}]"


@cache
def _set_and_tell() -> str:
    current = ", ".join(f"current_setting('{name}')" for name in SETTINGS)
    changed = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in SETTINGS.items())
    return (
        "SELECT current_setting('server_version_num')::int / 10000,"
        " (SELECT array_agg(name) FROM pg_prepared_statements WHERE starts_with(name, 'catalog_')),"
        f" ARRAY[{current}], {changed}"
    )


@cache
def _statements(major: int) -> dict[str, str]:
    made = {}
    every: dict[str, str] = {}
    for group, queries in groups(major).items():
        every |= {query: with_relations(text, "") for query, text in queries.items()}
        if group == "relations":
            chosen = {query: with_relations(text, "AND c.oid = ANY ($1)") for query, text in queries.items()}
            made["catalog_relations"] = f"PREPARE catalog_relations(oid[]) AS {_as_json(chosen)}"
        else:
            made[f"catalog_{group}"] = f"PREPARE catalog_{group} AS {_as_json(queries)}"
    made["catalog_owned"] = f"PREPARE catalog_owned AS {administration.OWNED}"
    return {**made, EVERYTHING: f"PREPARE {EVERYTHING} AS {_as_json(every)}"}


def _as_json(queries: dict[str, str]) -> str:
    """One row a query, its objects as one JSON text: the driver's work for each of 20,000 rows would take
    longer than the server's."""
    rows = ", ".join(
        f"('{query}', (SELECT json_object_agg(y.owner, y.named)::text FROM"
        f" (SELECT x.owner, json_object_agg(x.name, x.what) FROM ({text}) x(owner, name, what)"
        " GROUP BY x.owner) y(owner, named)))"
        for query, text in queries.items()
    )
    return f"VALUES {rows}"
