"""Fill the currency of the orders of before, 5,000 at a time; after an interruption it simply runs again.

Rollback: nothing; the column goes with the revision before.
"""

import sqlalchemy as sa
from alembic import op

BATCH = sa.text(
    """
    UPDATE orders SET currency = 'EUR'
    WHERE id IN (SELECT id FROM orders WHERE currency IS NULL ORDER BY id LIMIT 5000)
    """
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        while op.get_bind().execute(BATCH).rowcount:
            pass


def downgrade() -> None:
    pass
