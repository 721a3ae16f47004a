"""Ask for a price in a currency.

Rollback: drop the new one.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE FUNCTION price_of(bigint, text) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0'")


def downgrade() -> None:
    op.execute("DROP FUNCTION price_of(bigint, text)")
