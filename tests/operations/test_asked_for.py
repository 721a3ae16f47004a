"""What can be asked of the operations: any name that PostgreSQL takes, and no column that is two things."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from tests.adapters.project import rows
from tests.operations.running import forget, operate, shape, sql


def test_awkward_names_and_another_schema(database: str) -> None:
    sql(
        database,
        'CREATE SCHEMA "My S"',
        'CREATE TABLE "My S"."P p" ("I i" int PRIMARY KEY)',
        'CREATE TABLE "My S"."T t" ("I i" int PRIMARY KEY, "N n" int, position int)',
        'INSERT INTO "My S"."P p" VALUES (1)',
        'INSERT INTO "My S"."T t" VALUES (1, 1, 1)',
    )

    def body(op: Any) -> None:
        more = {"schema": "My S"}
        op.add_foreign_key("F k", "T t", "P p", ["N n"], ["I i"], referent_schema="My S", **more)
        op.add_foreign_key("f", "T t", "P p", ["position"], ["I i"], referent_schema="My S", **more)
        op.add_check("C c", "T t", sa.text('"N n" > 0'), **more)
        op.add_unique("U u", "T t", ["position", "N n"], **more)
        op.set_not_null("T t", "N n", **more)
        op.add_column_with_default(
            "T t", sa.Column("V v" * 20, sa.Text, nullable=False), sa.text("'a:b'::text"), **more
        )

    operate(database, body)
    before = shape(database)
    forget(database)
    operate(database, body)
    assert shape(database) == before
    told = [name for kind, _, name, _ in before if kind == "constraint"]
    assert told == ["P p_pkey", "C c", "F k", "T t_pkey", "U u", "f"]
    assert rows(database, f'SELECT "{"V v" * 20}" FROM "My S"."T t"') == [("a:b",)]


def test_what_is_no_column_with_a_default_is_said_before_anything_runs(database: str) -> None:
    for wrong, told in (
        (sa.Column("c", sa.Integer, unique=True), "op.add_unique"),
        (sa.Column("c", sa.Integer, index=True), "op.create_index_concurrently"),
        (sa.Column("c", sa.Integer, sa.ForeignKey("p.id")), "op.add_foreign_key"),
        (sa.Column("c", sa.Integer, server_default="1"), "server_default"),
    ):
        with pytest.raises(ValueError, match=told):
            operate(database, lambda op, wrong=wrong: op.add_column_with_default("t", wrong, "1"))
    with pytest.raises(ValueError, match="'explode' is no action"):
        operate(database, lambda op: op.add_foreign_key("f", "t", "p", ["c"], ["id"], on_delete="explode"))
