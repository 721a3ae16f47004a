"""Know when an order arrived.

Rollback: drop the column.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE orders ADD COLUMN the_date_on_which_the_customer_told_us_that_the_order_has_arrived date"
    )


def downgrade() -> None:
    op.execute(
        "ALTER TABLE orders DROP COLUMN the_date_on_which_the_customer_told_us_that_the_order_has_arrived"
    )
