"""Write bills.

Rollback: drop the table.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("SET LOCAL search_path = billing, public")
    op.execute("CREATE TABLE bills (id bigint PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE billing.bills")
