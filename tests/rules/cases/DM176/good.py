"""There is a mood between them; no value goes away again.

Rollback: none; leave the value unused.
"""

from alembic import op


def upgrade() -> None:
    # dbmigrate: allow DM102 because PostgreSQL cannot take a value away, and nothing reads an unused one
    op.execute("ALTER TYPE mood ADD VALUE 'content' BEFORE 'happy'")


def downgrade() -> None:
    raise NotImplementedError("PostgreSQL cannot take a value away; leave it unused")
