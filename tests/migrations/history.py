"""A history of migrations and one database, as the tests of this folder drive them."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.pool import NullPool

from dbmigrate.adapters.catalog import snapshot
from dbmigrate.domain.catalog import Catalog

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "migrations"
DEMO_REVISIONS = ROOT / "local" / "dbmigrate_local" / "demo_revisions"


@dataclass
class History:
    """A folder of migrations and the database that they change, driven by Alembic's own commands."""

    url: str
    folder: Path = MIGRATIONS

    def __post_init__(self) -> None:
        self.config = Config(str(self.folder / "alembic.ini"), cmd_opts=Namespace(x=[f"url={self.url}"]))
        self.script = ScriptDirectory.from_config(self.config)
        address = make_url(self.url).set(drivername="postgresql+pg8000")
        self.engine: Engine = create_engine(address, poolclass=NullPool, connect_args={"ssl_context": False})

    def upgrade(self, revision: str) -> None:
        command.upgrade(self.config, revision)

    def downgrade(self, revision: str) -> None:
        command.downgrade(self.config, revision)

    def catalog(self) -> Catalog:
        with self.engine.connect() as connection:
            return snapshot(connection)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def run(self, statements: str) -> None:
        """Run a script without parameters in one transaction."""
        with self.engine.begin() as connection:
            raw: Any = connection.connection.driver_connection
            raw.cursor().execute(statements)

    def current(self) -> str:
        return str(self.rows("SELECT version_num FROM alembic_version")[0][0])

    def seed(self) -> None:
        self.run((MIGRATIONS / "seed.sql").read_text())
