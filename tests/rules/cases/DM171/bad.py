"""Let an order have more than two thousand million pieces.

Rollback: make it an integer again.
"""

import sqlalchemy as sa
from alembic import op

LEAVES = [
    "public.orders.quantity",
    "public.orders.quantity_new",
    "function public.zz_db_migrate_orders_quantity()",
    "public.zz_db_migrate_orders_quantity()",
    "public.orders.zz_db_migrate_orders_quantity",
]


def upgrade() -> None:
    op.alter_column("orders", "quantity", type_=sa.BigInteger)


def downgrade() -> None:
    op.alter_column("orders", "quantity", type_=sa.Integer)
