"""Count the pieces of an order in a column that is wide enough.

Rollback: drop the column and its trigger; quantity holds the same.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("pieces", sa.BigInteger))
    op.execute("""
        CREATE FUNCTION orders_keep_pieces() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.pieces := NEW.quantity;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER orders_keep_pieces BEFORE INSERT OR UPDATE ON orders
        FOR EACH ROW EXECUTE FUNCTION orders_keep_pieces()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_keep_pieces ON orders")
    op.execute("DROP FUNCTION orders_keep_pieces()")
    op.drop_column("orders", "pieces")
