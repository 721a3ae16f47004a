"""Codes are numbers.

Rollback: make them texts again; their values are lost.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.alter_column("orders", "code", type_=sa.BigInteger, postgresql_using="NULL::bigint")


def downgrade() -> None:
    op.alter_column("orders", "code", type_=sa.Text)
