"""What is unfinished, in words, and which differences of a catalog it explains."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbmigrate.adapters.operations.pair import Pair
from dbmigrate.domain.catalog_parts import Detail
from dbmigrate.domain.changelog import ObjectChange
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import COMMITS_INSIDE, Unfinished, explained

KEY = Unfinished(
    Progress("b2", "add_foreign_key", "orders", "validate", 2, 2), "orders_user_fk", "then", False
)
INSIDE = Unfinished(
    Progress("c3", COMMITS_INSIDE, "", "…"), "c3", "then", False, statements=("CREATE TABLE two (id int)",)
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (KEY, "add_foreign_key orders orders_user_fk: step 2 of 2, validate"),
        (
            Unfinished(Progress("b2", "backfill", "users", "write", 1, 1, 1500, 2000), "name", "then", False),
            "backfill users name: step 1 of 1, write, 1,500 rows",
        ),
        (Unfinished(KEY.progress, KEY.name, "then", True), "add_foreign_key orders orders_user_fk: done"),
        (INSIDE, "committed: CREATE TABLE two (id int)"),
    ],
)
def test_one_sentence(line: Unfinished, said: str) -> None:
    assert line.told() == said


@pytest.mark.parametrize(
    ("change", "own"),
    [
        (ObjectChange("-", "function", "public.zz_db_migrate_orders_old_new()"), True),
        (ObjectChange("-", "function", "public.zz_db_migrate_users_old_new()"), False),
        (ObjectChange("-", "function", "public.orders_old_new()"), False),
        (ObjectChange("~", "table", "public.orders"), True),
        (ObjectChange("+", "table", "public.two"), True),
        (ObjectChange("~", "table", "public.users"), False),
        (ObjectChange("~", "table", "public.old", details=(Detail("+", "index", "orders_user_fk"),)), True),
        (ObjectChange("~", "table", "public.old", details=(Detail("+", "index", "other"),)), False),
    ],
)
def test_a_difference_is_its_own_or_a_drift(change: ObjectChange, own: bool) -> None:
    assert explained(change, [KEY, INSIDE]) is own
    assert not explained(change, [])


@pytest.mark.parametrize("table", ["a" * 60, "é" * 30])
def test_a_function_whose_name_was_too_long_is_its_own(table: str) -> None:
    line = replace(KEY, progress=replace(KEY.progress, table=f"public.{table}"))
    name = Pair(table, "public", "old", "new", ("old", "new")).trigger
    assert line.explains(ObjectChange("-", "function", f"public.{name}()"))


def test_json_has_the_progress_and_the_line() -> None:
    line = KEY.seen(Progress("b2", "add_foreign_key", "orders", "validate", 2, 2, percent=40.0), 17)
    told = line.to_json()
    assert (told["step"], told["percent"], told["pid"], told["name"]) == (
        "validate",
        40.0,
        17,
        "orders_user_fk",
    )
    assert (told["began_at"], told["finished"], told["statements"]) == ("then", False, [])
