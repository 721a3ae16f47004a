"""How large a live database's tables are, and how much of them its server keeps in memory."""

from __future__ import annotations

from sqlalchemy import Connection

from dbmigrate.adapters import catalog
from dbmigrate.domain.costs import Model
from dbmigrate.domain.stats import Stats


def stats(connection: Connection) -> Stats:
    """The stats file of this database. Free storage is unknown here: SQL does not tell it."""
    major, _ = catalog.server_version(connection)
    return Stats(catalog.table_sizes(connection), major, model=model(connection))


def model(connection: Connection) -> Model:
    """The usual coefficients with this server's memory."""
    return Model(memory_bytes=memory_bytes(connection))


def memory_bytes(connection: Connection) -> int:
    """What the server's administrator, or RDS, says that it keeps in memory: effective_cache_size."""
    asked = "SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'effective_cache_size'"
    return int(connection.exec_driver_sql(asked).scalar_one())
