"""Totals are in whole euros.

Rollback: put the totals back that total_before holds.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    rows = sa.text("""
        WITH batch AS (SELECT id FROM orders WHERE id > :after ORDER BY id LIMIT 5000),
             changed AS (UPDATE orders SET total_before = total, total = round(total) FROM batch
                         WHERE orders.id = batch.id AND orders.total_before IS NULL)
        SELECT max(id) FROM batch
    """).bindparams(sa.bindparam("after", type_=sa.BigInteger))
    with op.get_context().autocommit_block():
        after = -1
        while after is not None:
            after = op.get_bind().scalar(rows, {"after": after})


def downgrade() -> None:
    rows = sa.text("""
        WITH batch AS (SELECT id FROM orders WHERE id > :after ORDER BY id LIMIT 5000),
             changed AS (UPDATE orders SET total = total_before, total_before = NULL FROM batch
                         WHERE orders.id = batch.id AND orders.total_before IS NOT NULL)
        SELECT max(id) FROM batch
    """).bindparams(sa.bindparam("after", type_=sa.BigInteger))
    with op.get_context().autocommit_block():
        after = -1
        while after is not None:
            after = op.get_bind().scalar(rows, {"after": after})
