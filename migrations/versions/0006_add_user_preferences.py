"""Keep a user's preferences and finished onboarding steps, so that both follow them to another device.

The defaults are constants: PostgreSQL keeps them in the catalog and rewrites nothing.

Rollback: drop both columns; preferences and finished steps are lost.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    preferences = sa.Column(
        "preferences", postgresql.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")
    )
    steps = sa.Column(
        "completed_steps", postgresql.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")
    )
    op.add_column("users", preferences)
    op.add_column("users", steps)


def downgrade() -> None:
    op.drop_column("users", "completed_steps")
    op.drop_column("users", "preferences")
