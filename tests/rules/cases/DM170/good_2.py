"""Give the orders of before a token, too.

Rollback: nothing to do; the column goes with the revision before.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    rows = sa.text("""
        WITH batch AS (SELECT id FROM orders WHERE id > :after ORDER BY id LIMIT 5000),
             changed AS (UPDATE orders SET token = gen_random_uuid() FROM batch
                         WHERE orders.id = batch.id AND orders.token IS NULL)
        SELECT max(id) FROM batch
    """).bindparams(sa.bindparam("after", type_=sa.BigInteger))
    with op.get_context().autocommit_block():
        after = -1
        while after is not None:
            after = op.get_bind().scalar(rows, {"after": after})


def downgrade() -> None:
    pass
