"""Columns as the catalog writes them, and which changes of a type lose nothing."""

from __future__ import annotations

import pytest

from dbmigrate.domain.columns import Column, column, only_the_zone, same_for_clients, widens


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("text", Column("text")),
        ("bigint NOT NULL", Column("bigint", not_null=True)),
        ("bigint NOT NULL DEFAULT 5", Column("bigint", not_null=True, default=True)),
        ("text DEFAULT 'NOT NULL'::text", Column("text", default=True)),
        ("bigint NOT NULL IDENTITY ALWAYS", Column("bigint", True, identity=True, always=True)),
        ("bigint NOT NULL IDENTITY BY DEFAULT", Column("bigint", True, identity=True)),
        ("integer GENERATED (a + 1)", Column("integer", generated=True)),
        ("timestamp(3) without time zone NOT NULL", Column("timestamp(3) without time zone", True)),
        ("character varying(20) COLLATE public.german", Column("character varying(20)")),
    ],
)
def test_a_column_is_read_off_its_text(definition: str, expected: Column) -> None:
    assert column(definition) == expected


def test_what_an_insert_may_leave_out() -> None:
    assert column("bigint NOT NULL").must_be_given
    assert not column("bigint").must_be_given
    assert not any(column(f"bigint NOT NULL {by}").must_be_given for by in ("DEFAULT 5", "IDENTITY ALWAYS"))
    assert column("bigint NOT NULL IDENTITY ALWAYS").refuses_values
    assert column("bigint GENERATED (a + 1)").refuses_values
    assert not column("bigint NOT NULL IDENTITY BY DEFAULT").refuses_values


WIDER = [
    ("character varying(20)", "character varying(21)"),
    ("character varying(20)", "character varying"),
    ("character varying", "text"),
    ("character(5)", "character varying(5)"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("bigint", "numeric"),
    ("integer", "numeric(12,2)"),
    ("numeric(10,2)", "numeric(12,2)"),
    ("numeric(10,2)", "numeric(12,4)"),
    ("numeric(10,2)", "numeric"),
    ("real", "double precision"),
    ("timestamp(3) without time zone", "timestamp without time zone"),
    ("date", "timestamp without time zone"),
    ("integer[]", "bigint[]"),
    ("uuid", "text"),
    ("public.mood", "text"),
]
NARROWER = [
    ("character varying(20)", "character varying(19)"),
    ("text", "character varying(20)"),
    ("bigint", "integer"),
    ("bigint", "numeric(12,2)"),
    ("numeric(10,2)", "numeric(10,3)"),
    ("numeric(10,2)", "numeric(10,1)"),
    ("numeric", "numeric(10,2)"),
    ("timestamp without time zone", "timestamp(3) without time zone"),
    ("timestamp without time zone", "date"),
    ("text", "integer"),
    ("text[]", "integer[]"),
    ("text", "public.mood"),
]


@pytest.mark.parametrize(("was", "now"), WIDER)
def test_a_wider_type_holds_every_value(was: str, now: str) -> None:
    assert widens(was, now)


@pytest.mark.parametrize(("was", "now"), NARROWER)
def test_another_type_may_not(was: str, now: str) -> None:
    assert not widens(was, now)


def test_a_time_zone_comes_or_goes() -> None:
    assert only_the_zone("timestamp without time zone", "timestamp(3) with time zone")
    assert only_the_zone("timestamp with time zone", "timestamp without time zone")
    assert not only_the_zone("timestamp without time zone", "timestamp(3) without time zone")
    assert not only_the_zone("date", "timestamp with time zone")


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        ("character varying(20)", "text", True),
        ("integer", "bigint", True),
        ("json", "jsonb", True),
        ("integer[]", "bigint[]", True),
        ("integer", "text", False),
        ("integer", "numeric", False),
        ("timestamp without time zone", "timestamp with time zone", False),
        ("public.mood", "text", False),
        ("text", "text[]", False),
    ],
)
def test_what_a_client_would_not_notice(was: str, now: str, same: bool) -> None:
    assert same_for_clients(was, now) is same
