"""Begin with the happy ones.

Rollback: make the type again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("DROP TYPE mood")
    op.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")


def downgrade() -> None:
    op.execute("DROP TYPE mood")
    op.execute("CREATE TYPE mood AS ENUM ('sad', 'happy')")
