"""What is compared of a table, and how rows are matched whatever order and number they come in."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from dbmigrate.domain.comparison import (
    Found,
    Row,
    Table,
    how,
    match,
    pair,
    piece_blocks,
    pieces,
    report_of,
    told,
    unequal,
    whole,
)

COLUMNS = (("id", "bigint"), ("name", "character varying(40)"), ("total", "numeric(10,2)"))
TABLE = Table("public.a", "public.a", COLUMNS, ("id",), 10)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("bigint", "plain"), ("timestamp(3) with time zone", "plain"), ("uuid", "plain"),
        ("character varying(40)", "collated"), ("text", "collated"), ("text[]", "text"), ("bigint[]", "text"),
        ("numeric(10,2)", "text"), ("character(4)", "text"), ("public.mood", "text"), ("jsonb", "text"),
    ],
)  # fmt: skip
def test_how_a_column_is_hashed(kind: str, form: str) -> None:
    assert how(kind, kind) == form
    assert how(kind, "another") == "text"


def test_only_what_both_have_is_compared() -> None:
    old = replace(TABLE, columns=(("id", "integer"), ("name", "text"), ("extra", "text")))
    both = pair(old, TABLE)
    assert [name for name, _ in both.columns] == ["id", "name"] and both.key == ("id",)
    assert both.notes == (
        "column extra is only on the old instance",
        "column total is only on the copy",
        "column id is integer on the old instance and bigint on the copy",
        "column name is text on the old instance and character varying(40) on the copy",
    )
    assert not both.exact


def test_without_the_key_on_both_sides_rows_are_compared_as_a_whole() -> None:
    keyless = pair(replace(TABLE, columns=COLUMNS[1:]), TABLE)
    assert keyless.key == () and "no primary key: rows are compared as a whole" in keyless.notes


@pytest.mark.parametrize(
    ("kind", "exact"), [("numeric(3,1)[]", True), ("public.mood", False), ("regclass", False)]
)
def test_what_can_change_without_being_written_proves_nothing(kind: str, exact: bool) -> None:
    table = replace(TABLE, columns=(*COLUMNS, ("more", kind)))
    assert pair(table, table).exact is exact
    assert not pair(table, replace(table, unlogged=True)).exact


def test_two_spellings_of_one_word_are_two() -> None:
    """Under a collation that takes them for one they would hash alike."""
    assert how("text COLLATE ignoring_case", "text COLLATE ignoring_case") == "text"


def test_pieces() -> None:
    assert (pieces(0, 2048), pieces(2048, 2048), pieces(2049, 2048)) == (1, 1, 2)
    assert piece_blocks(10) == 2048 and pieces(10_000_000, piece_blocks(10_000_000)) <= 512
    assert unequal([(1, 5), (2, 6)], [(1, 5), (2, 6), (0, 0)]) == []
    assert unequal([(1, 5), (2, 6)], [(1, 5)]) == [1]


def rows_of(values: dict[int, str], hashes: int) -> list[Row]:
    """Rows by number, whose keys share ``hashes`` places."""
    found = [Row(number % hashes, hash((number, value)), (str(number),)) for number, value in values.items()]
    return sorted(found, key=lambda row: row.place)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("hashes", [3, 1000])
def test_any_two_sets_of_rows(seed: int, hashes: int) -> None:
    """Even where several keys have one hash, and wherever one stops and goes on."""
    chance = random.Random(seed)
    old, new = ({n: chance.choice("xy") for n in range(60) if chance.random() < 0.8} for _ in range(2))
    found = Found()
    left, right = rows_of(old, hashes), rows_of(new, hashes)
    for _ in match(left, right, found):
        if chance.random() < 0.2:
            break
    behind = [
        [row for row in side if found.after is None or row.place > found.after] for side in (left, right)
    ]
    for _ in match(behind[0], behind[1], found):
        pass
    assert found.counts == {
        "only_on_old": len(old.keys() - new.keys()),
        "recovered": len(new.keys() - old.keys()),
        "changed": sum(old[n] != new[n] for n in old.keys() & new.keys()),
    }
    assert all(len(sample) == min(5, found.counts[word]) for word, sample in found.samples.items())


def test_rows_without_a_key_count_as_often_as_they_are_there() -> None:
    old, new = ([Row(ord(c), ord(c), (c,)) for c in sorted(text)] for text in ("aaab", "abbcc"))
    found = Found()
    for _ in match(old, new, found):
        pass
    assert found.counts == {"only_on_old": 2, "recovered": 3, "changed": 0}
    assert Counter(found.samples["recovered"]) == {("b",): 1, ("c",): 2}


def test_the_report_begins_with_what_differs_most() -> None:
    some = Found({"only_on_old": 1, "recovered": 0, "changed": 0}, {"only_on_old": [("7",)]})
    tables = [
        told("public.same", ("id",), Found()),
        told("public.some", ("id",), some),
        whole("public.gone", "recovered", 9),
    ]
    report = report_of(tables, 1, ["public.huge: too slow"])
    assert [table["table"] for table in report["tables"]] == ["public.gone", "public.some"]
    assert report["totals"] == {"only_on_old": 1, "recovered": 9, "changed": 0}
    assert report["tables"][1]["samples"] == {"only_on_old": [{"id": "7"}]}
