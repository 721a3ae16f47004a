"""Small histories, written for one test each, and the bundles that are made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate_local.embedded import EmbeddedPostgres

TEMPLATE = '''"""{doc}

Rollback: {rollback}.
"""
from alembic import op

revision = "{id}"
down_revision = {down}


def upgrade() -> None:
    for statement in {up!r}:
        op.execute(statement)


def downgrade() -> None:
    for statement in {back!r}:
        op.execute(statement)
'''


@dataclass(frozen=True)
class Change:
    """One revision as SQL, both ways."""

    id: str
    up: tuple[str, ...]
    back: tuple[str, ...]
    doc: str = "Because the test wants it"


ORDERS = Change(
    "0001",
    ("CREATE TABLE orders (id bigint PRIMARY KEY, email text)",),
    ("DROP TABLE orders",),
    "Keep orders",
)
NOTES = Change("0002", ("ALTER TABLE orders ADD note text",), ("ALTER TABLE orders DROP note",), "Add notes")
UNIQUE = Change(
    "0003",
    ("ALTER TABLE orders ADD paid boolean", "ALTER TABLE orders ADD CONSTRAINT one_email UNIQUE (email)"),
    ("ALTER TABLE orders DROP CONSTRAINT one_email", "ALTER TABLE orders DROP paid"),
    "One order an address",
)
DROPS = Change(
    "0002", ("ALTER TABLE orders DROP email",), ("ALTER TABLE orders ADD email text",), "Forget addresses"
)
FAILS_ON_ONE_ROW = Change("0003", ("SELECT 1 / (1 - count(*)) FROM orders",), (), "Break on real rows")


def write_history(folder: Path, changes: Iterable[Change]) -> Path:
    """Write the revisions as one line of history; returns the script location."""
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    (folder / "env.py").write_text("")
    down = None
    for change in changes:
        text = TEMPLATE.format(
            doc=change.doc, rollback="undo it", id=change.id, down=repr(down), up=change.up, back=change.back
        )
        (folder / "versions" / f"{change.id}_change.py").write_text(text)
        down = change.id
    return folder


def bundle_of(folder: Path, postgres: EmbeddedPostgres, scratch: str) -> tuple[str, bytes]:
    """Digest and bytes of the bundle; ``scratch`` is the name of a database that exists only meanwhile."""
    history = load_history(folder)
    url = postgres.create_database(scratch)
    try:
        content = pack(history.files(), rehearse(history, target_from_url(url)))
    finally:
        postgres.drop_database(scratch)
    return digest_of(content), content
