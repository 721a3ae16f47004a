"""Leave room in new pages of the orders, so that their updates stay on the page.

Rollback: no room again.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE orders SET (fillfactor = 90)")


def downgrade() -> None:
    op.execute("ALTER TABLE orders RESET (fillfactor)")
