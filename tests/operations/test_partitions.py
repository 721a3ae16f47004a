"""Operations on partitioned tables: what PostgreSQL allows there, and what is said where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.adapters.project import rows
from tests.operations.running import operate, sql

from dbmigrate.domain.errors import RevisionFailed


def partitioned(url: str) -> None:
    sql(
        url,
        "CREATE TABLE p (id int PRIMARY KEY)",
        "CREATE TABLE t (n int, c int) PARTITION BY RANGE (n)",
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20)",
        "INSERT INTO p VALUES (1)",
        "INSERT INTO t SELECT i, 1 FROM generate_series(0, 19) i",
    )


def test_partitions_lose_their_nulls_too(database: str) -> None:
    partitioned(database)
    operate(database, lambda op: (op.add_check("k", "t", "c > 0"), op.set_not_null("t", "c")))
    told = "SELECT attrelid::regclass::text, attnotnull FROM pg_attribute WHERE attname='c' ORDER BY 1"
    assert rows(database, told) == [("t", True), ("t1", True), ("t2", True)]
    found = "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'c' AND conrelid > 0"
    checks = rows(database, f"{found} AND connamespace = 'public'::regnamespace")
    assert checks == [("k", True)] * 3


def test_a_foreign_key_of_partitions_is_made_on_each_first(database: str) -> None:
    partitioned(database)
    with pytest.raises(RevisionFailed, match=r"(?s)NOT VALID to a partitioned table.*on each partition"):
        operate(database, lambda op: op.add_foreign_key("f", "t", "p", ["c"], ["id"]))

    def as_told(op: Any) -> None:
        op.add_foreign_key("f", "t1", "p", ["c"], ["id"])
        op.add_foreign_key("f", "t2", "p", ["c"], ["id"])
        op.create_foreign_key("f", "t", "p", ["c"], ["id"])

    operate(database, as_told)
    found = "SELECT conrelid::regclass::text, conname, conparentid > 0 FROM pg_constraint WHERE contype = 'f'"
    assert rows(database, f"{found} ORDER BY 1") == [("t", "f", False), ("t1", "f", True), ("t2", "f", True)]


def test_a_foreign_key_to_a_partitioned_table(database: str) -> None:
    sql(
        database,
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE t (c int)",
        "INSERT INTO p VALUES (1)",
        "INSERT INTO t VALUES (1)",
    )
    for _ in range(2):
        operate(database, lambda op: op.add_foreign_key("f", "t", "p", ["c"], ["id"]))
    # PostgreSQL 15 keeps lines for the partitions too, which stay NOT VALID whatever is proved.
    found = "SELECT convalidated FROM pg_constraint WHERE conrelid = 't'::regclass AND conparentid = 0"
    assert rows(database, f"{found} AND contype = 'f'") == [(True,)]
