"""Create conversations with their messages, and generations, which record what each answer of a model cost.

Rollback: drop the three tables and the role type; every conversation is lost.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

TO_CONVERSATION = {"columns": ["conversation_id"], "refcolumns": ["conversations.id"], "ondelete": "CASCADE"}


def upgrade() -> None:
    op.execute("CREATE TYPE message_role AS ENUM ('user', 'assistant')")
    create_conversations()
    create_messages()
    create_generations()


def create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_conversations_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_conversations_user_id_created_at", "conversations", ["user_id", "created_at"])


def create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("role", postgresql.ENUM(name="message_role", create_type=False), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(name="fk_messages_conversation_id_conversations", **TO_CONVERSATION),
    )
    op.create_index("ix_messages_conversation_id_id", "messages", ["conversation_id", "id"])


def create_generations() -> None:
    op.create_table(
        "generations",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("output_tokens", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_generations"),
        sa.ForeignKeyConstraint(name="fk_generations_conversation_id_conversations", **TO_CONVERSATION),
    )
    op.create_index("ix_generations_conversation_id", "generations", ["conversation_id"])


def downgrade() -> None:
    op.drop_table("generations")
    op.drop_table("messages")
    op.drop_table("conversations")
    op.execute("DROP TYPE message_role")
