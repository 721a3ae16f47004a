"""Ask for a price.

Rollback: drop it.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE FUNCTION price_of(bigint) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0'")


def downgrade() -> None:
    op.execute("DROP FUNCTION price_of(bigint)")
