"""Note each change of a parcel. The table is new: nobody writes it yet.

Rollback: drop the table.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table("parcels", sa.Column("id", sa.BigInteger, primary_key=True))
    op.execute(
        "CREATE TRIGGER parcels_note_change BEFORE UPDATE ON parcels "
        "FOR EACH ROW EXECUTE FUNCTION note_change()"
    )


def downgrade() -> None:
    op.drop_table("parcels")
