"""The right to connect to the databases of an instance: taken from everybody else, and given back as it was.

Rights are the database's owner's to give, so each statement acts as whichever of our two roles (the one that
logged in, and the one that its settings make of it) has the owner's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.said import sqlstate

UNDEFINED = "42704"  # the role that had the right is gone
# Everybody's, but for templates and what RDS keeps for itself.
DATABASES = """
SELECT d.datname AS name, quote_ident(d.datname) AS quoted, d.datacl::text[] AS acl,
       d.datconnlimit AS connection_limit, quote_ident(pg_get_userbyid(d.datdba)) AS owner,
       CASE WHEN pg_has_role(current_user, d.datdba, 'USAGE') THEN quote_ident(current_user)
            WHEN pg_has_role(session_user, d.datdba, 'USAGE') THEN quote_ident(session_user) END AS acting
  FROM pg_database d
 WHERE d.datallowconn AND NOT d.datistemplate AND d.datname <> 'rdsadmin' ORDER BY d.datname"""
HOLDERS = """
SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
  FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
 WHERE d.datname = :name AND (:every OR a.privilege_type = 'CONNECT'
                              AND a.grantee <> (SELECT oid FROM pg_roles WHERE rolname = session_user))"""
WE_ENTER = "SELECT has_database_privilege(session_user, CAST(:name AS text), 'CONNECT')"
ITEM = """
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
       quote_ident(pg_get_userbyid(a.grantor)) AS grantor, a.is_grantable,
       string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS rights,
       pg_has_role(session_user, a.grantor, 'MEMBER') AS ours
  FROM aclexplode(ARRAY[CAST(:item AS aclitem)]) a GROUP BY 1, 2, 3, 5"""
DEFAULT = "SELECT acldefault('d', datdba)::text[] FROM pg_database WHERE datname = :name"
NOW = "SELECT datacl::text[], datconnlimit FROM pg_database WHERE datname = :name"
# Who gets in though the right was taken from everybody else: the members of the role that keeps it.
STILL_IN = """
SELECT r.rolname, array_agg(d.datname::text ORDER BY d.datname)
  FROM pg_roles r, pg_database d
 WHERE d.datname = ANY (:names) AND r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> session_user
   AND r.rolname !~ '^rds.*admin$' AND has_database_privilege(r.oid, d.oid, 'CONNECT')
 GROUP BY 1 ORDER BY 1"""


@dataclass(frozen=True)
class Place:
    """A database of the instance. ``quoted``, ``owner`` and ``acting`` are as SQL has them; ``acting`` is the
    role of ours that has the owner's rights, None where neither has."""

    name: str
    quoted: str
    acl: tuple[str, ...] | None
    connection_limit: int
    owner: str
    acting: str | None


def places(connection: Connection) -> list[Place]:
    """Every database that a client can connect to."""
    rows = connection.exec_driver_sql(DATABASES)
    return [
        Place(
            r.name, r.quoted, None if r.acl is None else tuple(r.acl), r.connection_limit, r.owner, r.acting
        )
        for r in rows
    ]


def take_connect(connection: Connection, place: Place) -> bool:
    """Leave the right to connect to the role that logged in, and to nobody else; whether that changed
    anything. Rights that others passed on go with theirs."""
    before = _now(connection, place)
    with _acting(connection, place.acting):
        for holder in _holders(connection, place, every=False):
            connection.exec_driver_sql(f"REVOKE CONNECT ON DATABASE {place.quoted} FROM {holder} CASCADE")
        if not connection.execute(text(WE_ENTER), {"name": place.name}).scalar_one():
            connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {place.quoted} TO SESSION_USER")
    return _now(connection, place) != before


def give_back(
    connection: Connection, place: Place, acl: Sequence[str] | None, connection_limit: int
) -> tuple[bool, list[str]]:
    """Write the rights and the limit as they were; whether that changed anything, and what could not be.

    Everything is granted anew in the order on record, so that the list comes back as it was. Where there was
    none PostgreSQL's default is written out: it means the same, and nobody but a superuser can write a NULL.
    """
    before = _now(connection, place)
    wanted = list(
        acl if acl is not None else connection.execute(text(DEFAULT), {"name": place.name}).scalar_one()
    )
    if (place.acl is None and acl is None or before[0] == wanted) and before[1] == connection_limit:
        return False, []
    notes = []
    with _acting(connection, place.acting):
        for holder in _holders(connection, place, every=True):
            connection.exec_driver_sql(f"REVOKE ALL ON DATABASE {place.quoted} FROM {holder} CASCADE")
    for item in wanted:
        notes += _grant(connection, place, item)
    if before[1] != connection_limit:
        with _acting(connection, place.acting):
            connection.exec_driver_sql(f"ALTER DATABASE {place.quoted} CONNECTION LIMIT {connection_limit}")
    now = _now(connection, place)
    if now[0] != wanted and not notes:
        notes = [f"The grants on {place.name} are now {now[0]}; before the fence they were {wanted}."]
    return now != before, notes


def still_in(connection: Connection, names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The roles that can connect yet, and to which of these databases."""
    return [(role, list(found)) for role, found in connection.execute(text(STILL_IN), {"names": list(names)})]


def _grant(connection: Connection, place: Place, item: str) -> list[str]:
    """Grant one entry of a list of rights; says what could not be."""
    try:
        with connection.begin_nested():
            parts = connection.execute(text(ITEM), {"item": item}).all()
    except DBAPIError as error:
        if sqlstate(error) != UNDEFINED:
            raise
        return [f"{item} on {place.name} is not granted again: the role is gone."]
    notes = []
    for part in parts:
        acting = part.grantor if part.ours else place.acting
        option = " WITH GRANT OPTION" if part.is_grantable else ""
        with _acting(connection, acting):
            statement = f"GRANT {part.rights} ON DATABASE {place.quoted} TO {part.grantee}{option}"
            connection.exec_driver_sql(statement)
        if not part.ours:
            notes.append(f"{item} on {place.name} was granted by {part.grantor}, and is now by {acting}.")
    return notes


def _holders(connection: Connection, place: Place, every: bool) -> list[str]:
    asked = text(HOLDERS)
    return list(connection.execute(asked, {"name": place.name, "every": every}).scalars())


def _now(connection: Connection, place: Place) -> tuple[list[str] | None, int]:
    acl, limit = connection.execute(text(NOW), {"name": place.name}).one()
    return acl, limit


@contextlib.contextmanager
def _acting(connection: Connection, role: str | None) -> Iterator[None]:
    """Be this role for a few statements of a transaction; a failure ends the transaction, and the role."""
    was = connection.exec_driver_sql("SELECT quote_ident(current_user)").scalar_one()
    connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
    yield
    connection.exec_driver_sql(f"SET LOCAL ROLE {was}")
