"""Orders are shipped, not sent.

Rollback: rename it back.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TYPE order_state RENAME VALUE 'sent' TO 'shipped'")


def downgrade() -> None:
    op.execute("ALTER TYPE order_state RENAME VALUE 'shipped' TO 'sent'")
