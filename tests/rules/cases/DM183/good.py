"""Know the country of a user.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("users", sa.Column("country", sa.Text))
    op.create_check_constraint("ck_country", "users", "length(country) = 2", postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_column("users", "country")
