"""Give every user of today a name: the old full name, else the first part of the e-mail address.

In batches by key, each committed at once, so that no row stays locked for longer than its batch. A batch
skips what is filled already: after an interruption the revision simply runs again.

Rollback: copy name back to full_name where that is empty, as undoing 0014 leaves it; nothing is lost.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

SIZE = 1000
FILL_NAME = """
UPDATE users SET name = coalesce(users.full_name, split_part(users.email, '@', 1))
FROM batch WHERE users.id = batch.id AND users.name IS NULL
"""
FILL_FULL_NAME = """
UPDATE users SET full_name = users.name
FROM batch WHERE users.id = batch.id AND users.full_name IS NULL
"""


def upgrade() -> None:
    run_in_batches(FILL_NAME)


def downgrade() -> None:
    run_in_batches(FILL_FULL_NAME)


def run_in_batches(update: str) -> None:
    """Run the update over the whole table by ascending id; as one statement under --sql."""
    if op.get_context().as_sql:
        op.execute(f"WITH batch AS (SELECT id FROM users) {update}")
        return
    step = sa.text(
        "WITH batch AS (SELECT id FROM users WHERE id > :after ORDER BY id LIMIT :size), "
        f"changed AS ({update}) SELECT max(id) FROM batch"
    ).bindparams(sa.bindparam("after", type_=sa.BigInteger), size=SIZE)
    with op.get_context().autocommit_block():
        after = 0
        while after is not None:
            after = op.get_bind().scalar(step, {"after": after})
