"""Keeps the catalog as it is before a revision that may be cut half-way, so that the half can be named."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from dbmigrate.adapters import catalog, ledger
from dbmigrate.adapters.half_applied import unfinished
from dbmigrate.adapters.history import History
from dbmigrate.adapters.runner import current
from dbmigrate.domain.catalog import fingerprint
from dbmigrate.domain.standing import label

# Whatever commits inside says one of these; saying it for nothing costs one look at the catalog.
MAY_COMMIT = re.compile(
    r"autocommit_block|\bCOMMIT\b|\bop\.(?:\w+_concurrently|add_foreign_key|add_check|add_unique|set_not_null|"
    r"add_column_with_default|backfill|(?:expand|contract|swap)_column_\w+)\b"
)
KEPT_AT = "SELECT revision FROM dbmigrate.catalog"


def keep_before(connection: Connection, history: History, revision: str) -> None:
    """Remember the catalog, where the revision's text may commit inside and what we remember is of another
    one; never that of a half."""
    text = (history.folder / history.revisions[revision].file).read_text(encoding="utf-8")
    if MAY_COMMIT.search(text):
        at = label(current(connection))
        if connection.exec_driver_sql(KEPT_AT).scalar() != at and not unfinished(connection):
            found = catalog.snapshot(connection)
            ledger.keep_catalog(connection, at, fingerprint(found), found)
    connection.commit()
