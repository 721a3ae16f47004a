"""The stats file: what it holds, and what is said of one that holds something else."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.fakes import FakeDatabase, FakeHistory

from dbmigrate.domain.costs import Model
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.stats import Stats

ORDERS = {"rows": 120_000_000, "bytes": 40_000_000_000}
WHOLE = Stats(
    {"public.orders": Size(120_000_000, 40_000_000_000, 7), "a.b": Size(0, 8192)}, 16, 5, Model(scan_row=1.0)
)


def test_a_file_is_read_as_it_was_written() -> None:
    assert Stats.from_json(WHOLE.to_json(), "stats.json") == WHOLE
    assert Stats.from_json({}, "stats.json").to_json() == {}
    assert Stats().to_json() == {}


def test_the_least_that_a_file_says() -> None:
    found = Stats.from_json({"public.orders": ORDERS, "app.users": {"rows": 5.0, "bytes": 1e6}}, "x")
    assert found.sizes == {
        "public.orders": Size(120_000_000, 40_000_000_000),
        "app.users": Size(5, 1_000_000),
    }
    assert (found.major, found.free_bytes, found.model) == (None, None, None)


WRONG = [
    ([], "stats.json must hold an object of tables."),
    ({"orders": ORDERS}, "stats.json: 'orders' has no schema; write it as in public.orders."),
    ({"public.orders": 5}, "stats.json, public.orders must be an object, not 5."),
    ({"public.orders": {"rows": 5}}, "stats.json, public.orders: 'bytes' is missing."),
    ({"public.orders": {"bytes": 5}}, "stats.json, public.orders: 'rows' is missing."),
    (
        {"public.orders": {**ORDERS, "row": 5}},
        "stats.json, public.orders: 'row' is none of rows, bytes, index_bytes.",
    ),
    (
        {"public.orders": {**ORDERS, "rows": "many"}},
        "stats.json, public.orders: 'rows' must be a whole number of 0 or more, not 'many'.",
    ),
    ({"public.orders": {**ORDERS, "rows": -1}}, "not -1."),
    ({"public.orders": {**ORDERS, "rows": 1.5}}, "not 1.5."),
    ({"public.orders": {**ORDERS, "rows": True}}, "not True."),
    ({"public.orders": {**ORDERS, "rows": float("nan")}}, "not nan."),
    ({"public.orders": {**ORDERS, "rows": float("inf")}}, "not inf."),
    ({"public.orders": {**ORDERS, "bytes": None}}, "'bytes' is missing."),
    ({"public.orders": {"rows": 1, "bytes": 5, "index_bytes": 6}}, "'index_bytes' is more than 'bytes'"),
    ({"server": {"version": 5}}, "stats.json, server: 'version' is none of major, free_bytes, model."),
    ({"server": 15}, "stats.json, server must be an object, not 15."),
    ({"server": {"major": "15"}}, "stats.json, server: 'major' must be a whole number"),
    ({"server": {"model": 5}}, "stats.json, server: 'model' must be an object, not 5."),
    ({"server": {"model": {"fast": 1}}}, "stats.json, server, model: 'fast' is none of statement"),
]


@pytest.mark.parametrize(("values", "said"), WRONG)
def test_what_is_wrong_is_named_by_file_table_and_key(values: Any, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Stats.from_json(values, "stats.json")
    assert said in refused.value.message
    assert refused.value.hint == "write it anew: db-migrate sizes > stats.json"


def test_stats_stand_in_for_a_database() -> None:
    standing = FakeDatabase(FakeHistory(Evidence(15, ())), bytes={"public.a": 1}).look()
    told = WHOLE.in_place_of(standing)
    assert (told.sizes, told.server_major, told.free_bytes, told.model) == (
        WHOLE.sizes,
        16,
        5,
        Model(scan_row=1.0),
    )
    silent = Stats().in_place_of(standing)
    assert (silent.sizes, silent.server_major, silent.model) == ({}, 15, Model())
