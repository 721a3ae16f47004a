"""The codes of the first year had a blank at their end.

Rollback: none.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("UPDATE orders SET code = btrim(code) WHERE code LIKE '% '")


def downgrade() -> None:
    pass
