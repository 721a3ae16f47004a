"""Rules of the house that hold for every table, so that the next revision keeps them too."""

from __future__ import annotations

import re

import pytest
from tests.migrations.history import History

TABLES = "SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
UNINDEXED_FOREIGN_KEYS = """
SELECT k.conname FROM pg_constraint k
 WHERE k.contype = 'f' AND NOT EXISTS (
     SELECT FROM pg_index i
      WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
        AND (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)] = k.conkey)
"""
COLUMNS = f"""
SELECT attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod), attidentity FROM pg_attribute
 WHERE attrelid IN ({TABLES}) AND attnum > 0 AND NOT attisdropped AND attrelid <> 'alembic_version'::regclass
"""


@pytest.fixture(scope="module")
def head(shared_history: History) -> History:
    shared_history.upgrade("head")
    return shared_history


def test_every_foreign_key_has_an_index(head: History) -> None:
    assert head.rows(UNINDEXED_FOREIGN_KEYS) == []


def test_names_say_what_they_name(head: History) -> None:
    prefix = {"PRIMARY KEY": "pk", "UNIQUE": "uq", "FOREIGN KEY": "fk", "CHECK": "ck"}
    for name, definition in head.catalog()["constraint"].items():
        _schema, table, constraint = name.split(".")
        kind = next(kind for kind in prefix if definition.startswith(kind))
        assert constraint.startswith(f"{prefix[kind]}_{table}")
    assert all(re.match(r"public\.(pk|uq|ix)_", name) for name in head.catalog()["index"])


def test_keys_are_64_bits_wide_and_given_by_the_database(head: History) -> None:
    keys = [
        row for row in head.rows(COLUMNS) if row[0].endswith(".id") and not re.search(r"_\d\d\.id$", row[0])
    ]
    assert len(keys) == 8
    assert {row[1:] for row in keys} == {("bigint", "a")}


def test_moments_have_a_zone_and_words_have_no_limit(head: History) -> None:
    types = {kind for _name, kind, _identity in head.rows(COLUMNS)}
    assert not {
        kind for kind in types if kind.startswith(("character", "timestamp without", "json[", "numeric"))
    }
    assert all(
        kind == "timestamp with time zone" for name, kind, _ in head.rows(COLUMNS) if name.endswith("_at")
    )


def test_nothing_is_left_half_done(head: History) -> None:
    assert head.rows("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
    assert head.rows("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid") == []
