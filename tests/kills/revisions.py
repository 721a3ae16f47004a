"""A history of every kind of change that can be killed: in one transaction, CONCURRENTLY by hand, and each of
the safe operations, over tables with enough rows for a kill to fall into the middle."""

from __future__ import annotations

from pathlib import Path

from tests.adapters.project import Project

ROWS = 20_000
SEED = f"""
    CREATE TABLE owners (id integer PRIMARY KEY, name text NOT NULL);
    INSERT INTO owners SELECT i, 'owner ' || i FROM generate_series(1, 500) i;
    CREATE TABLE accounts (id bigint PRIMARY KEY, owner_id integer, balance integer NOT NULL, email text,
                           small integer NOT NULL DEFAULT 7, title text);
    INSERT INTO accounts SELECT i, 1 + i % 500, i, 'a' || i || '@example.com', i % 1000, 'title ' || i
      FROM generate_series(1, {ROWS}) i;
"""
INSIDE = "with op.get_context().autocommit_block():\n    "
CHANGES: tuple[tuple[str, str, str], ...] = (
    (
        "transaction",
        'op.execute("ALTER TABLE accounts ADD COLUMN note text")\n'
        'op.execute("UPDATE accounts SET balance = balance * 2")\n'
        'op.execute("CREATE TABLE audit (id bigint PRIMARY KEY, said text)")',
        'op.execute("DROP TABLE audit")\n'
        'op.execute("UPDATE accounts SET balance = balance / 2")\n'
        'op.execute("ALTER TABLE accounts DROP COLUMN note")',
    ),
    (
        "concurrently",
        INSIDE + 'op.create_index("ix_owner", "accounts", ["owner_id"], postgresql_concurrently=True)',
        INSIDE + 'op.drop_index("ix_owner", "accounts", postgresql_concurrently=True)',
    ),
    (
        "backfill",
        'op.backfill("accounts", {"balance": "balance + 1"})',
        'op.backfill("accounts", {"balance": "balance - 1"})',
    ),
    (
        "constraints",
        'op.add_foreign_key("fk_owner", "accounts", "owners", ["owner_id"], ["id"])\n'
        'op.add_check("ck_balance", "accounts", "balance > 0")\n'
        'op.add_unique("uq_email", "accounts", ["email"])\n'
        'op.set_not_null("accounts", "email")',
        'op.alter_column("accounts", "email", nullable=True)\n'
        'op.drop_constraint("uq_email", "accounts")\n'
        'op.drop_constraint("ck_balance", "accounts")\n'
        'op.drop_constraint("fk_owner", "accounts")',
    ),
    (
        "default",
        'op.add_column_with_default("accounts", sa.Column("token", sa.Uuid, nullable=False),'
        ' "gen_random_uuid()")',
        'op.drop_column("accounts", "token")',
    ),
    (
        "indexes",
        'op.create_index_concurrently("ix_title", "accounts", ["title"])\n'
        'op.drop_index_concurrently("ix_owner", "accounts")',
        'op.create_index_concurrently("ix_owner", "accounts", ["owner_id"])\n'
        'op.drop_index_concurrently("ix_title", "accounts")',
    ),
    (
        "rename",
        'op.expand_column_rename("accounts", "title", "headline")',
        'op.revert_column_rename("accounts", "title", "headline")',
    ),
    (
        "contract",
        'op.contract_column_rename("accounts", "title", "headline")',
        'op.expand_column_rename("accounts", "headline", "title")',
    ),
    (
        "retype",
        'op.expand_column_type("accounts", "small", sa.BigInteger())\n'
        'op.swap_column_type("accounts", "small")',
        'op.revert_column_type("accounts", "small")',
    ),
)


def write_history(folder: Path) -> Path:
    """The script location of all the changes, in their order."""
    project, down = Project(folder), None
    for number, (name, up, back) in enumerate(CHANGES, 1):
        project.add(
            f"{number:04}", down, up, back, more="import sqlalchemy as sa\n", doc=f"Change by {name}."
        )
        down = f"{number:04}"
    return project.folder
