"""An alias takes the place of the nickname.

Rollback: make the column again, empty.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.add_column("users", sa.Column("alias", sa.Text))
    op.drop_column("users", "nickname")


def downgrade() -> None:
    op.add_column("users", sa.Column("nickname", sa.Text))
    op.drop_column("users", "alias")
