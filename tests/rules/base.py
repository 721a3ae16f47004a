"""The tables that are there before every case: a shop with a partitioned log, views, a trigger and a policy.

Rollback: drop them all.
"""

from alembic import op

UP = """
CREATE TYPE order_state AS ENUM ('open', 'paid', 'sent');
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_users PRIMARY KEY,
    email text NOT NULL CONSTRAINT uq_users_email UNIQUE,
    name varchar(100),
    nickname text,
    signed_up_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_orders PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT fk_orders_user_id REFERENCES users,
    code text,
    total numeric(10, 2) NOT NULL DEFAULT 0,
    quantity integer NOT NULL DEFAULT 1,
    state order_state NOT NULL DEFAULT 'open',
    placed_at timestamp,
    paid_at timestamptz
);
CREATE INDEX ix_orders_user_id ON orders (user_id);
CREATE INDEX ix_orders_placed_at ON orders (placed_at);
CREATE TABLE refunds (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_refunds PRIMARY KEY,
    order_id bigint NOT NULL,
    amount numeric(10, 2) NOT NULL
);
CREATE INDEX ix_refunds_order_id ON refunds (order_id);
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    name text NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01Z') TO ('2026-01-01Z');
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE TABLE events_2026 (LIKE events INCLUDING DEFAULTS, CONSTRAINT pk_events_2026 PRIMARY KEY (id, at));
CREATE VIEW open_orders AS SELECT id, user_id, placed_at FROM orders WHERE state = 'open';
CREATE MATERIALIZED VIEW order_totals AS SELECT user_id, sum(total) AS total FROM orders GROUP BY user_id;
CREATE UNIQUE INDEX uq_order_totals_user_id ON order_totals (user_id);
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE documents (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_documents PRIMARY KEY,
    owner text NOT NULL,
    body text,
    written_at timestamp
);
CREATE TRIGGER documents_note_change BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TABLE letters (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_letters PRIMARY KEY,
    owner text NOT NULL
);
ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
CREATE POLICY letters_of_the_owner ON letters USING (owner = current_user);
"""
DOWN = """
DROP TABLE letters;
DROP TABLE documents;
DROP FUNCTION note_change();
DROP MATERIALIZED VIEW order_totals;
DROP VIEW open_orders;
DROP TABLE events_2026;
DROP TABLE events;
DROP TABLE refunds;
DROP TABLE orders;
DROP TABLE users;
DROP TYPE order_state;
"""


def upgrade() -> None:
    for statement in UP.strip().removesuffix(";").split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.strip().removesuffix(";").split(";\n"):
        op.execute(statement)
