"""Fill the currency of the orders of before, batch by batch; after an interruption it goes on where it was.

Rollback: nothing; the column goes with the revision before.
"""

from alembic import op


def upgrade() -> None:
    op.backfill("orders", {"currency": "'EUR'"}, "currency IS NULL")


def downgrade() -> None:
    pass
