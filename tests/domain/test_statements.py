"""What executed SQL destroys, read cautiously."""

from __future__ import annotations

import pytest

from dbmigrate.domain.statements import deletes, overwrites, qualified, retyped

BATCH = """WITH batch AS (SELECT id FROM users WHERE id > 1 ORDER BY id LIMIT 10), changed AS (
UPDATE users SET name = coalesce(users.full_name, split_part(users.email, '@', 1))
FROM batch WHERE users.id = batch.id) SELECT max(id) FROM batch"""


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("users", "public.users"),
        ("Shop.Items", "shop.items"),
        ('"Shop"."It ems"', "Shop.It ems"),
        ('"a"', "public.a"),
    ],
)
def test_names_are_those_of_the_catalog(name: str, whole: str) -> None:
    assert qualified(name) == whole


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("UPDATE users SET a = 1, b = f(x, y = 2) WHERE c = 3", ["users.a", "users.b"]),
        ("update only users u set A = 1", ["users.a"]),
        ('UPDATE users AS "u" SET "A" = 1 FROM other o WHERE o.id = 2', ["users.A"]),
        ("UPDATE users * SET a = (SELECT b FROM c WHERE d = 1)", ["users.a"]),
        ("UPDATE users SET (a, \"B\") = (1, 2), c = 3", ["users.a", "users.B", "users.c"]),
        ("UPDATE users SET a = 'where (', b = 2", ["users.a", "users.b"]),
        ("UPDATE users /* SET x = 1 */ SET a = 1 -- , b = 2", ["users.a"]),
        ("UPDATE a SET x = 1; UPDATE b SET y = 2", ["a.x", "b.y"]),
        ("INSERT INTO users VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = excluded.a", ["users.a"]),
        ("INSERT INTO users (id) VALUES (1) ON CONFLICT DO NOTHING", []),
        ("DO $$ BEGIN UPDATE users SET a = 1; EXECUTE 'UPDATE o SET b = 2'; END $$", ["users.a", "o.b"]),
        (BATCH, ["users.name"]),
        ("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c ON UPDATE SET NULL ON DELETE SET NULL", []),
        ("SELECT * FROM users FOR UPDATE", []),
        ("CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()", []),
    ],
)  # fmt: skip
def test_columns_that_are_overwritten(sql: str, columns: list[str]) -> None:
    assert overwrites([sql]) == [f"public.{column}" for column in columns]


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("DELETE FROM users WHERE true", ["public.users"]),
        ("delete from only shop.items", ["shop.items"]),
        ('TRUNCATE a, ONLY s.b, "C" RESTART IDENTITY CASCADE', ["public.C", "public.a", "s.b"]),
        ("TRUNCATE TABLE a *", ["public.a"]),
        ("WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone", ["public.a"]),
        ("MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE", ["public.a"]),
        ("DO 'BEGIN DELETE FROM a; END'", ["public.a"]),
        ("SELECT 1 -- DELETE FROM a", []),
        ("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c ON DELETE CASCADE", []),
    ],
)
def test_tables_that_lose_rows(sql: str, tables: list[str]) -> None:
    assert deletes([sql]) == tables


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("integer", "bigint NOT NULL", False),
        ("smallint", "integer", False),
        ("character varying(20)", "text", False),
        ("character varying(20) DEFAULT 'x'", "character varying(30)", False),
        ("character varying", 'text COLLATE "C"', False),
        ("text", "text NOT NULL", False),
        ("bigint", "integer", True),
        ("character varying(30)", "character varying(20)", True),
        ("character varying", "character varying(20)", True),
        ("text", "character varying(30)", True),
        ("text", "jsonb", True),
        ("numeric(12,2)", "numeric(10,2)", True),
        ("timestamp with time zone", "timestamp without time zone", True),
    ],
)
def test_a_type_that_may_not_hold_every_value(before: str, after: str, lost: bool) -> None:
    assert bool(retyped({"column": {"public.a.b": before}}, {"column": {"public.a.b": after}})) is lost


def test_a_column_that_went_is_not_retyped() -> None:
    assert retyped({"column": {"public.a.b": "text"}}, {"column": {}}) == []
