"""A column for codes without regard to case.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("code_folded", sa.Text))


def downgrade() -> None:
    op.drop_column("orders", "code_folded")
