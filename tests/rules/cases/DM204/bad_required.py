"""Every order has a code.

Rollback: let it be absent again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.alter_column("orders", "code", nullable=False)


def downgrade() -> None:
    op.alter_column("orders", "code", nullable=True)
