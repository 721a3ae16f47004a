"""Luro AI's tables as they are after the last revision; `alembic check` compares the database with them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, ENUM, JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
message_role = ENUM("user", "assistant", name="message_role", metadata=metadata)
post_status = ENUM("draft", "scheduled", "published", name="post_status", metadata=metadata)


def key() -> Column[Any]:
    """The primary key that every table has: 64 bits, given by the database alone."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def moment(name: str, **options: Any) -> Column[Any]:
    """A point in time, stored with its zone."""
    return Column(name, DateTime(timezone=True), **options)


def made_at() -> Column[Any]:
    """When the row came to be."""
    return moment("created_at", nullable=False, server_default=func.now())


def owned_by(column: str, table: str) -> Column[Any]:
    """A reference to the row without which this one has no meaning: they are deleted together."""
    return Column(column, BigInteger, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False)


def texts(name: str) -> Column[Any]:
    """A list of words, empty unless given."""
    return Column(name, ARRAY(Text), nullable=False, server_default=text("'{}'::text[]"))


def document(name: str) -> Column[Any]:
    """A JSON object, empty unless given."""
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"))


users = Table(
    "users",
    metadata,
    key(),
    Column("clerk_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("avatar_url", Text),
    Column("onboarding_step", Text, nullable=False, server_default="welcome"),
    moment("onboarded_at"),
    document("preferences"),
    texts("completed_steps"),
    made_at(),
    moment("updated_at", nullable=False, server_default=func.now()),
    UniqueConstraint("clerk_id"),
    UniqueConstraint("email"),
)

api_keys = Table(
    "api_keys",
    metadata,
    key(),
    owned_by("user_id", "users"),
    Column("name", Text, nullable=False),
    Column("key_hash", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    texts("permissions"),
    moment("last_used_at"),
    moment("expires_at"),
    made_at(),
    UniqueConstraint("key_hash"),
    Index(None, "user_id"),
)

conversations = Table(
    "conversations",
    metadata,
    key(),
    owned_by("user_id", "users"),
    Column("title", Text),
    made_at(),
    Index(None, "user_id", "created_at"),
)

messages = Table(
    "messages",
    metadata,
    key(),
    owned_by("conversation_id", "conversations"),
    Column("role", message_role, nullable=False),
    Column("content", Text, nullable=False),
    made_at(),
    Index(None, "conversation_id", "id"),
)

generations = Table(
    "generations",
    metadata,
    key(),
    owned_by("conversation_id", "conversations"),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False, server_default=text("0")),
    Column("output_tokens", Integer, nullable=False, server_default=text("0")),
    Column("duration_ms", Integer),
    made_at(),
    Index(None, "conversation_id"),
)

campaigns = Table(
    "campaigns",
    metadata,
    key(),
    owned_by("user_id", "users"),
    Column("name", Text, nullable=False),
    moment("starts_at"),
    moment("ends_at"),
    made_at(),
    Index(None, "user_id"),
)

posts = Table(
    "posts",
    metadata,
    key(),
    owned_by("user_id", "users"),
    Column("campaign_id", BigInteger, ForeignKey("campaigns.id", ondelete="SET NULL")),
    Column("status", post_status, nullable=False, server_default="draft"),
    Column("body", Text, nullable=False),
    moment("published_at"),
    made_at(),
    Index(None, "user_id"),
    Index(None, "campaign_id"),
)

analytics_events = Table(
    "analytics_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    moment("occurred_at", nullable=False, server_default=func.now()),
    Column("user_id", BigInteger),
    Column("name", Text, nullable=False),
    document("properties"),
    PrimaryKeyConstraint("id", "occurred_at"),
    Index(None, "user_id", "occurred_at"),
    postgresql_partition_by="RANGE (occurred_at)",
)
