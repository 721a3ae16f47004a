"""Note each change of an order.

Rollback: drop the trigger.
"""

from alembic import op

SEVERITY = "note"


def upgrade() -> None:
    op.execute(
        "CREATE TRIGGER orders_note_change BEFORE UPDATE ON orders "
        "FOR EACH ROW EXECUTE FUNCTION note_change()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_note_change ON orders")
