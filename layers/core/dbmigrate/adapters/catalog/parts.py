"""What the catalog's queries share: which objects are ours, and how a query is told its relations.

Every query gives three columns: the OID of the relation that the object belongs to (0 for none), the object's
identity and its definition. The definitions come from PostgreSQL's own pg_get_*def functions under an empty
search_path, which makes them fully qualified and the same on every server of one major version.
"""

from __future__ import annotations

from dbmigrate.domain.catalog import LEDGER_SCHEMA

FIRST_OF_USERS = 16384
"""OIDs below it are initdb's own objects (access/transam.h, FirstNormalObjectId)."""

OURS = f"n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{LEDGER_SCHEMA}')"

RELATIONS = "/* of these relations */"
"""Where a query of relation-bound objects takes its choice of relations, as ``with_relations`` puts it in."""


def no_member(catalog: str, oid: str) -> str:
    """The condition that neither initdb nor an extension made the object."""
    members = (
        "SELECT e.objid FROM pg_depend e WHERE e.refclassid = 'pg_extension'::regclass"
        f" AND e.classid = '{catalog}'::regclass AND e.deptype = 'e'"
    )
    return f"{oid} >= {FIRST_OF_USERS} AND {oid} NOT IN ({members})"


def no_part(catalog: str, oid: str) -> str:
    """The condition that the object was not made along with another, as a range type's functions are."""
    parts = f"SELECT e.objid FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.deptype = 'i'"
    return f"{oid} NOT IN ({parts})"


OF_CLASS = f"""
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {OURS} AND c.relname <> 'alembic_version' AND {no_member("pg_class", "c.oid")}"""

OF_CHOSEN = f"{OF_CLASS} {RELATIONS}"

OF_TYPE = f"""
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE {OURS} AND {no_member("pg_type", "t.oid")}"""

# Hashed once, where NOT EXISTS would read all types for each type.
NO_ARRAY = "t.oid NOT IN (SELECT b.typarray FROM pg_type b)"


def role(oid: str) -> str:
    """A role's name; 0 is everybody."""
    return f"CASE {oid} WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid({oid})::text END"


def with_relations(query: str, choice: str) -> str:
    """The query for the relations that ``choice``, a condition on c.oid, admits; "" admits all."""
    return query.replace(RELATIONS, choice)
