"""An instance as the pages set it up: an owner, a migrator that is no superuser, and an application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.adapters.project import connected, rows

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate_local.embedded import EmbeddedPostgres

PAGE = (Path(__file__).parents[2] / "docs" / "first-deploy.md").read_text()
SETUP = re.findall(r"```sql\n((?:CREATE ROLE|ALTER DATABASE).*?)```", PAGE, re.DOTALL)
RIGHTS = """
SELECT d.datname, r.rolname, p.name, has_database_privilege(r.oid, d.oid, p.name)
  FROM pg_database d, pg_roles r, (VALUES ('CONNECT'), ('CREATE'), ('TEMPORARY')) p(name) ORDER BY 1, 2, 3"""
GRANTS = "SELECT datname, datacl::text, datconnlimit FROM pg_database ORDER BY 1"
FENCED = "SELECT recovery, database FROM dbmigrate.fence WHERE lifted_at IS NULL ORDER BY 2"


@contextmanager
def set_up(server: EmbeddedPostgres) -> Iterator[Database]:
    """A database "app" as the migrator sees it; the server is as before afterwards."""
    url = server.create_database("app")
    with connected(url) as admin:
        admin.run("CREATE ROLE rds_iam; CREATE ROLE app LOGIN; CREATE ROLE guest LOGIN")
        for block in SETUP:
            admin.run(block)
        admin.run("CREATE TABLE orders (id int); GRANT ALL ON orders TO app, guest")
    try:
        yield Database(replace(target_from_url(url), user="migrator"), "staging")
    finally:
        server.drop_database("app")
        server.execute("ALTER DATABASE postgres OWNER TO postgres")
        roles = "migrator, app, guest, owner"
        server.execute(f"DROP OWNED BY {roles} CASCADE")
        server.execute(f"DROP ROLE {roles}, rds_iam")


def rights(url: str) -> list[tuple[Any, ...]]:
    """Who may do what on which database, in effect."""
    return rows(url, RIGHTS)


def grants(url: str) -> dict[str, tuple[Any, ...]]:
    """The list of grants of each database, as it is stored, and its limit."""
    return {name: tuple(rest) for name, *rest in rows(url, GRANTS)}
