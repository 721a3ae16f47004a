"""Orders are shipped; the old value stays for the old application.

Rollback: none; leave the value unused.
"""

from alembic import op


def upgrade() -> None:
    # dbmigrate: allow DM102 because PostgreSQL cannot take a value away, and nothing reads an unused one
    op.execute("ALTER TYPE order_state ADD VALUE 'shipped'")


def downgrade() -> None:
    raise NotImplementedError("PostgreSQL cannot take a value away; leave it unused")
