"""The trial of the predictions on a small table: what it traces and counts, never how long it takes."""

from __future__ import annotations

import json

import pytest
from benchmarks.measure import report
from benchmarks.prediction import OPERATIONS, Pair, figure, measured, traced

from dbmigrate.domain.costs import Model
from dbmigrate.domain.effects import Effects
from dbmigrate_local.embedded import EmbeddedPostgres

KINDS = {"scan", "rewrite", "index", "foreign key", "beside"}


@pytest.fixture(scope="module")
def effects(postgres: EmbeddedPostgres) -> dict[str, Effects]:
    return traced(postgres)


def test_each_operation_does_what_its_kind_says(effects: dict[str, Effects]) -> None:
    assert {operation.kind for operation in OPERATIONS} == KINDS
    for operation in OPERATIONS:
        done = effects[operation.name]
        assert bool(done.rewrites) is (operation.kind == "rewrite"), operation
        assert bool(done.builds) is (operation.kind in ("index", "rewrite")), operation
        assert bool(done.writes) is (operation.kind == "beside"), operation
        if operation.kind in ("scan", "foreign key"):
            assert "public.orders" in done.scans


def test_every_operation_is_predicted_and_measured(
    effects: dict[str, Effects], postgres: EmbeddedPostgres
) -> None:
    pairs = list(measured(postgres, 500, effects, Model(), 2))
    assert [pair.operation for pair in pairs] == [operation.name for operation in OPERATIONS]
    assert all(0 <= pair.low < pair.middle < pair.high and pair.measured > 0 for pair in pairs)
    assert postgres.execute("SELECT 1 FROM pg_database WHERE datname ~ 'prediction'") == []


def pair(measured: float, kind: str = "scan") -> Pair:
    return Pair(kind, "ADD CHECK", 100, low=1.0, high=6.0, measured=measured, middle=2.0)


def test_a_pair_outside_of_its_range_counts_and_one_beside_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = figure([pair(1.0), pair(6.0), pair(6.1), pair(99.0, "beside")], Model())
    assert not found.kept and found.judged.values == [1 / 3]
    assert report("prediction", [found], as_json=True) == 1
    notes = json.loads(capsys.readouterr().out)["figures"][0]
    assert (notes["pairs_counted"], notes["held"], notes["within_a_factor_of_two"]) == (3, 0.667, 1)
    assert [each["holds"] for each in notes["pairs"]] == [True, True, False, False]
    assert notes["ratio_to_the_middle"]["max"] == 3.05
    assert "OUTSIDE" in str(pair(6.1)) and "OUTSIDE" not in str(pair(6.0))
    assert figure([pair(2.0)] * 9 + [pair(7.0)], Model()).kept
