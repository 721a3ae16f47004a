"""Roles that a revision grants to and that a scratch server does not have."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.login import facts_of
from dbmigrate.adapters.said import said
from dbmigrate.domain.errors import RehearsalFailed

MISSING = re.compile(r'role "(.+)" does not exist')
CODES = ("42704", "22023")  # undefined object; SET ROLE says invalid parameter
MARK = "made by db-migrate for a rehearsal"
OURS = "SELECT r.rolname FROM pg_roles r WHERE shobj_description(r.oid, 'pg_authid') = %s ORDER BY 1"


def missing_role(error: BaseException | None) -> str | None:
    """The role that a statement asked for in vain."""
    facts = facts_of(getattr(error, "orig", error))
    found = MISSING.search(facts.get("M", "")) if facts.get("C") in CODES else None
    return found[1] if found else None


def make_role(connection: Connection, role: str) -> None:
    """Make it, without a login. Raises RehearsalFailed where we may not."""
    name = '"' + role.replace('"', '""') + '"'
    try:
        connection.exec_driver_sql(f"CREATE ROLE {name} NOLOGIN; COMMENT ON ROLE {name} IS '{MARK}'")
        connection.commit()
    except DBAPIError as error:
        connection.rollback()
        raise RehearsalFailed(
            f'The revisions name the role "{role}", which the scratch server does not have ({said(error)}).',
            f"on the scratch server: CREATE ROLE {name} NOLOGIN;",
        ) from error


def roles_made(connection: Connection) -> list[str]:
    """The roles of the server that rehearsals made, now or before."""
    found = [str(name) for name in connection.exec_driver_sql(OURS, (MARK,)).scalars()]
    connection.commit()
    return found


def named_in(roles: Collection[str], statements: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the roles that the statements name, in an order that does not tell when each was made."""
    text = "\n".join(statements)
    return tuple(role for role in sorted(roles) if re.search(rf"(?<!\w){re.escape(role)}(?!\w)", text))
