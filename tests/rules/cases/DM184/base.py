"""Percentages, and who uses them.

Rollback: drop both.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE DOMAIN percentage AS numeric")
    op.execute("CREATE TABLE discounts (id bigint PRIMARY KEY, share percentage)")


def downgrade() -> None:
    op.drop_table("discounts")
    op.execute("DROP DOMAIN percentage")
