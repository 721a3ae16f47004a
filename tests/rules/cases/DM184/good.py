"""No new percentage is below zero.

Rollback: drop the constraint.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER DOMAIN percentage ADD CONSTRAINT positive CHECK (VALUE >= 0) NOT VALID")


def downgrade() -> None:
    op.execute("ALTER DOMAIN percentage DROP CONSTRAINT positive")
