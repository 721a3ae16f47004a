"""Moods.

Rollback: drop the type.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE TYPE mood AS ENUM ('sad', 'happy')")


def downgrade() -> None:
    op.execute("DROP TYPE mood")
