"""Which rows and values are lost between two readings."""

from __future__ import annotations

import pytest

from dbmigrate.domain.rows import Rows, lost, meaning


def table(columns: str, *rows: str, key: str = "", types: str = "") -> Rows:
    """Columns and values by spaces; ``-`` is NULL."""
    names = columns.split()
    kinds = types.split() or ["text"] * len(names)
    values = tuple(tuple(None if value == "-" else value for value in row.split()) for row in rows)
    return Rows(tuple(zip(names, kinds, strict=True)), tuple(key.split()), len(values), values)


def losses(before: Rows, after: Rows, **names: str) -> list[tuple[str | None, int]]:
    found = lost({"s.t": before}, {"s.t": after}, {k.replace("__", "."): v for k, v in names.items()})
    assert all(name == "s.t" for name, _, _ in found)
    return [(column, rows) for _, column, rows in found]


USERS = table("id name", "1 ann", "2 bob", "3 -", key="id")

CASES = {
    "nothing": (USERS, USERS, []),
    "another order of rows and columns": (USERS, table("name id", "bob 2", "- 3", "ann 1", key="id"), []),
    "more rows, more columns": (
        USERS,
        table("id name x", "1 ann 1", "2 bob 1", "3 - 1", "4 d 1", key="id"),
        [],
    ),
    "a row": (USERS, table("id name", "1 ann", "3 -", key="id"), [(None, 1)]),
    "all rows": (USERS, table("id name", key="id"), [(None, 3)]),
    "a column, where it had values": (USERS, table("id", "1", "2", "3", key="id"), [("name", 2)]),
    "a value": (USERS, table("id name", "1 ann", "2 BOB", "3 -", key="id"), [("name", 1)]),
    "values to NULL": (USERS, table("id name", "1 -", "2 -", "3 -", key="id"), [("name", 2)]),
    "a value where none was": (USERS, table("id name", "1 ann", "2 bob", "3 new", key="id"), []),
    "values changed over": (USERS, table("id name", "1 bob", "2 ann", "3 -", key="id"), [("name", 2)]),
    "a row and a value": (USERS, table("id name", "1 x", "2 bob", key="id"), [(None, 1), ("name", 1)]),
    "other keys": (USERS, table("id name", "11 ann", "12 bob", "13 -", key="id"), [("id", 3)]),
    "the key's column": (USERS, table("name", "ann", "bob", "-"), [("id", 3)]),
    "another key": (USERS, table("id name u", "1 ann a", "2 bob b", "3 - c", key="u"), []),
    "no key": (table("a b", "1 x", "1 x", "2 y"), table("a b", "2 y", "1 x", "1 x"), []),
    "no key, a row": (table("a b", "1 x", "1 x", "2 y"), table("a b", "1 x", "2 y"), [(None, 1)]),
    "no key, a value": (table("a b", "1 x", "1 x"), table("a b", "1 x", "1 z"), [("b", 1)]),
    "a key of two": (
        table("a b c", "1 1 x", "1 2 y", key="a b"),
        table("a b c", "1 2 x", "1 1 y", key="a b"),
        [("c", 2)],
    ),
    "a dropped key constraint": (USERS, table("id name", "1 ann", "2 bob", "3 -"), []),
    "a type that holds the same": (
        table("id n", "1 1.50", key="id", types="int numeric(10,2)"),
        table("id n", "1 1.5000", key="id", types="bigint numeric(10,4)"),
        [],
    ),
    "a type that holds less": (
        table("id n", "1 1.50", "2 2.00", key="id", types="int numeric(10,2)"),
        table("id n", "1 2", "2 2", key="id", types="int integer"),
        [("n", 1)],
    ),
    "the same type, another text": (
        table("id n", "1 1.50", key="id", types="int numeric"),
        table("id n", "1 1.5", key="id", types="int numeric"),
        [("n", 1)],
    ),
    "no rows to lose": (table("a"), table("b"), []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_lost(case: str) -> None:
    before, after, expected = CASES[case]
    assert losses(before, after) == expected


def test_a_table_that_is_gone() -> None:
    assert lost({"s.t": USERS, "s.u": table("a")}, {}) == (("s.t", None, 3),)


def test_a_table_and_a_column_of_another_name() -> None:
    after = table("id full", "1 ann", "2 -", "3 -", key="id")
    renamed = {"s.t": "r.v", "s.t.name": "s.t.full"}
    assert lost({"s.t": USERS}, {"r.v": after}, renamed) == (("s.t", "name", 1),)
    assert lost({"s.t": USERS}, {"r.v": after}, {"s.t": "r.v", "r.v.name": "r.v.full"}) == (
        ("s.t", "name", 1),
    )


def test_names_that_were_changed_over() -> None:
    before = table("id a b", "1 x y", key="id")
    after = table("id a b", "1 y x", key="id")
    assert losses(before, after, s__t__a="s.t.b", s__t__b="s.t.a") == []
    assert losses(before, after) == [("a", 1), ("b", 1)]


def test_a_new_column_that_took_the_name_of_a_renamed_one() -> None:
    before, after = table("id a", "1 x", key="id"), table("id b a", "1 x z", key="id")
    assert losses(before, after, s__t__a="s.t.b") == []
    dropped = table("id a b", "1 x y", key="id")
    assert losses(dropped, table("id b", "1 x", key="id"), s__t__a="s.t.b") == [("b", 1)]


def many(count: int, **digests: tuple[int, str]) -> Rows:
    return Rows(tuple((name, "text") for name in digests), (), count, None, digests)


DIGESTS = {
    "the same": (many(500, a=(500, "x")), many(500, a=(500, "x")), []),
    "another digest": (many(500, a=(500, "x")), many(500, a=(500, "y")), [("a", 1)]),
    "fewer values": (many(500, a=(500, "x")), many(500, a=(480, "y")), [("a", 20)]),
    "fewer rows": (many(500, a=(500, "x"), b=(3, "x")), many(490, a=(490, "y"), b=(3, "x")), [(None, 10)]),
    "more rows": (many(500, a=(500, "x")), many(600, a=(600, "y")), []),
    "a column": (many(500, a=(500, "x"), b=(7, "x")), many(500, a=(500, "x")), [("b", 7)]),
    "few rows left": (many(500, a=(500, "x")), table("a", "1", "-"), [(None, 498), ("a", 1)]),
}


@pytest.mark.parametrize("case", DIGESTS)
def test_many_rows(case: str) -> None:
    before, after, expected = DIGESTS[case]
    assert losses(before, after) == expected


SAME = (
    ("1.50", "1.5"),
    ("100", "1E+2"),
    ("2001-01-01 00:00:00", "2001-01-01 00:00:00+00"),
    ("2001-01-01", "2001-01-01 00:00:00"),
    ('{"b": 1, "a":2}', '{"a": 2, "b": 1}'),
    ("a  ", "a"),
    ("2001-01-01 09:00:00+09", "2001-01-01 00:00:00+00"),
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_that_mean_the_same(one: str, other: str) -> None:
    assert meaning(one) == meaning(other)


def test_texts_that_mean_something_else() -> None:
    assert meaning("1.5") != meaning("2")
    assert meaning("t") != meaning("true")
    assert meaning("t", truth=True) == meaning("true", truth=True) == meaning("1", truth=True)
    assert meaning("NaN") == "NaN"
