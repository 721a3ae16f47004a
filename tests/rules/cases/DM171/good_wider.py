"""Let names and amounts grow, which costs nothing.

Rollback: narrow them again, while nothing long was written.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.alter_column("users", "name", type_=sa.String(200))
    op.alter_column("users", "name", type_=sa.Text)
    op.alter_column("refunds", "amount", type_=sa.Numeric(12, 2))


def downgrade() -> None:
    op.alter_column("refunds", "amount", type_=sa.Numeric(10, 2))
    op.alter_column("users", "name", type_=sa.String(100))
