"""Ask for a price in a currency.

Rollback: make the old one again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("DROP FUNCTION price_of(bigint)")
    op.execute("CREATE FUNCTION price_of(bigint, text) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0'")


def downgrade() -> None:
    op.execute("DROP FUNCTION price_of(bigint, text)")
    op.execute("CREATE FUNCTION price_of(bigint) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0'")
