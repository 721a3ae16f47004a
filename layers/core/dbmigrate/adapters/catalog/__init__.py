"""The catalog of a PostgreSQL database: read it, read it again after a change, and what else its tables tell.

    from dbmigrate.adapters.catalog import snapshot
    from dbmigrate.domain.catalog import changes_between, fingerprint

    before = snapshot(connection)          # any SQLAlchemy connection over a PostgreSQL driver
    ...
    changes = changes_between(before, snapshot(connection))

A catalog is {kind: {identity: definition}} in names only: two databases made by the same statements are
equal, whoever owns them and wherever they run, as long as the servers' major version is the same. Not part
of it are the schema of our ledger, Alembic's version table and what belongs to an extension.
dbmigrate.domain.changelog tells differences to people.
"""

from dbmigrate.adapters.catalog.facts import (
    columns_by_identity,
    drop_everything,
    invalid_indexes,
    owners,
    server_version,
    stamp,
    table_sizes,
)
from dbmigrate.adapters.catalog.reading import Snapshot, reread, snapshot

__all__ = [
    "Snapshot",
    "columns_by_identity",
    "drop_everything",
    "invalid_indexes",
    "owners",
    "reread",
    "server_version",
    "snapshot",
    "stamp",
    "table_sizes",
]
