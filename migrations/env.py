"""How Alembic reaches the database: a connection handed over, else `-x url=`, DATABASE_URL or alembic.ini."""

from __future__ import annotations

import os
import re
from pathlib import Path
from runpy import run_path
from typing import Any

from alembic import context
from sqlalchemy import URL, Connection, create_engine, event, make_url
from sqlalchemy.pool import NullPool

# By path, so that neither sys.path nor another project's `models` decides which file is read.
metadata = run_path(str(Path(__file__).with_name("models.py")))["metadata"]

# Without db-migrate nobody retries, so waiting may last a little longer than its 100 ms.
LIMITS = {"lock_timeout": "2s", "idle_in_transaction_session_timeout": "60s"}
MONTH = re.compile(r"_\d{4}_\d{2}$")


def url() -> URL:
    """The database's address, for pg8000 whatever driver it names."""
    given = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("DATABASE_URL")
    address = given or context.config.get_main_option("sqlalchemy.url") or ""
    return make_url(re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql+pg8000:", address))


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """A month's partition follows its parent and is no table of the models."""
    return not (kind == "table" and name and MONTH.search(name))


def close_open_transaction(connection: Connection, options: dict[str, Any]) -> None:
    """Asking for the isolation level, as autocommit_block does, opens a transaction on pg8000: end it."""
    raw: Any = connection.connection.driver_connection
    if options.get("isolation_level") == "AUTOCOMMIT" and raw._in_transaction:
        raw.rollback()


def migrate(connection: Connection) -> None:
    """Run the revisions, each in a transaction of its own."""
    event.listen(connection, "set_connection_execution_options", close_open_transaction)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_server_default=True,
        include_name=is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_online() -> None:
    """Use the connection in config.attributes when a caller hands one over, else open one with its limits."""
    handed = context.config.attributes.get("connection")
    if handed is not None:
        return migrate(handed)
    engine = create_engine(url(), poolclass=NullPool, connect_args={"startup_params": LIMITS})
    with engine.connect() as connection:
        migrate(connection)


def render_sql() -> None:
    """`--sql`: write the statements instead of running them."""
    context.configure(
        url=url(),
        target_metadata=metadata,
        transaction_per_migration=True,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    render_sql()
else:
    migrate_online()
