"""The changes: as people write them with Alembic and in SQL, and with safe operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """One revision. ``ops`` is its upgrade() for Alembic, ``sql`` the same for who runs SQL."""

    name: str
    ops: str
    sql: str = ""


@dataclass(frozen=True)
class Delivery:
    """What is deployed at once, and what the application's release right after it calls otherwise."""

    changes: Sequence[Change]
    release: Mapping[str, Any] = field(default_factory=dict)


PLAIN = (
    Delivery(
        (
            Change(
                "add_column",
                'op.add_column("orders", sa.Column("channel", sa.Text()))',
                "ALTER TABLE orders ADD channel text",
            ),
            Change(
                "constant_default",
                'op.add_column("orders", '
                'sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))',
                "ALTER TABLE orders ADD priority int NOT NULL DEFAULT 0",
            ),
            Change(
                "volatile_default",
                'op.add_column("items", sa.Column("token", sa.Uuid(), nullable=False, '
                'server_default=sa.text("gen_random_uuid()")))',
                "ALTER TABLE items ADD token uuid NOT NULL DEFAULT gen_random_uuid()",
            ),
            Change(
                "index",
                'op.create_index("orders_placed_at", "orders", ["placed_at"])',
                "CREATE INDEX orders_placed_at ON orders (placed_at)",
            ),
            Change(
                "unique",
                'op.create_unique_constraint("orders_reference", "orders", ["reference"])',
                "ALTER TABLE orders ADD CONSTRAINT orders_reference UNIQUE (reference)",
            ),
            Change(
                "foreign_key",
                'op.create_foreign_key("items_order", "items", "orders", ["order_id"], ["id"])',
                "ALTER TABLE items ADD CONSTRAINT items_order FOREIGN KEY (order_id) REFERENCES orders (id)",
            ),
            Change(
                "check",
                'op.create_check_constraint("orders_amount", "orders", "amount >= 0")',
                "ALTER TABLE orders ADD CONSTRAINT orders_amount CHECK (amount >= 0)",
            ),
            Change(
                "not_null",
                'op.alter_column("orders", "status", existing_type=sa.Text(), nullable=False)',
                "ALTER TABLE orders ALTER status SET NOT NULL",
            ),
            Change(
                "type_change",
                'op.alter_column("items", "quantity", type_=sa.BigInteger())',
                "ALTER TABLE items ALTER quantity TYPE bigint",
            ),
            Change(
                "partition_attach",
                'op.execute("ALTER TABLE events ATTACH PARTITION events_february '
                "FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')\")",
                "ALTER TABLE events ATTACH PARTITION events_february "
                "FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
            ),
            Change(
                "backfill",
                "op.execute(\"UPDATE orders SET channel = 'web'\")",
                "UPDATE orders SET channel = 'web'",
            ),
        ),
        {"legacy": False},
    ),
    Delivery(
        (
            Change("drop_column", 'op.drop_column("orders", "legacy")', "ALTER TABLE orders DROP legacy"),
            Change(
                "rename",
                'op.alter_column("customers", "name", new_column_name="full_name")',
                "ALTER TABLE customers RENAME name TO full_name",
            ),
        ),
        {"name": "full_name"},
    ),
)

SAFE = (
    Delivery(
        (
            *PLAIN[0].changes[:2],
            Change(
                "volatile_default",
                'op.add_column_with_default("items", sa.Column("token", sa.Uuid(), nullable=False), '
                '"gen_random_uuid()")',
            ),
            Change("index", 'op.create_index_concurrently("orders_placed_at", "orders", ["placed_at"])'),
            Change("unique", 'op.add_unique("orders_reference", "orders", ["reference"])'),
            Change(
                "foreign_key", 'op.add_foreign_key("items_order", "items", "orders", ["order_id"], ["id"])'
            ),
            Change("check", 'op.add_check("orders_amount", "orders", "amount >= 0")'),
            Change("not_null", 'op.set_not_null("orders", "status")'),
            Change("type_change", 'op.expand_column_type("items", "quantity", sa.BigInteger())'),
            Change("type_swap", 'op.swap_column_type("items", "quantity")'),
            Change(
                "partition_check",
                'op.add_check("events_february_at", "events_february", '
                "\"at IS NOT NULL AND at >= '2026-02-01' AND at < '2026-03-01'\")",
            ),
            PLAIN[0].changes[9],
            Change("backfill", 'op.backfill("orders", {"channel": "\'web\'"})'),
            Change("rename", 'op.expand_column_rename("customers", "name", "full_name")'),
        ),
        {"legacy": False, "name": "full_name"},
    ),
    Delivery(
        (
            PLAIN[1].changes[0],
            Change("type_contract", 'op.contract_column_type("items", "quantity")'),
            Change("rename_contract", 'op.contract_column_rename("customers", "name", "full_name")'),
        )
    ),
)
