"""Every order has a code.

Rollback: let it be absent again.
"""

from alembic import op


def upgrade() -> None:
    op.set_not_null("orders", "code")


def downgrade() -> None:
    op.alter_column("orders", "code", nullable=True)
