"""The arithmetic of the benchmarks; none of these tests measures time."""

from __future__ import annotations

import json

import pytest
from benchmarks.measure import Figure, in_turns, report, seconds_of

PAIRS = Figure("a against b", [2.0, 3.0, 10.0], [1.0, 2.0, 10.0], 1.5)


def test_a_ratio_is_taken_pair_by_pair() -> None:
    assert PAIRS.judged.values == [2.0, 1.5, 1.0]
    assert PAIRS.to_json()["ratio"] == {"median": 1.5, "min": 1.0, "max": 2.0}
    assert PAIRS.kept


@pytest.mark.parametrize(
    ("figure", "kept"),
    [
        (Figure("size", [99.0], (), 100.0, "MB"), True),
        (Figure("size", [101.0], (), 100.0, "MB"), False),
        (Figure("only told", [101.0]), True),
        (Figure("ratio", [4.0, 4.0, 1.0], [2.0, 2.0, 2.0], 1.5), False),
    ],
)
def test_a_missed_bound_is_the_exit_code(
    figure: Figure, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert figure.kept is kept
    assert report("trial", [PAIRS, figure], as_json=False) == (0 if kept else 1)
    assert ("MISSED" in capsys.readouterr().out) is not kept


def test_the_sides_take_turns_and_the_first_pair_only_warms() -> None:
    order: list[str] = []

    def side(name: str, value: float) -> float:
        order.append(name)
        return value

    found = in_turns(2, lambda pair: side("ours", pair), lambda pair: side("theirs", 10.0 + pair))
    assert order == ["ours", "theirs"] * 3
    assert found == ([1, 2], [11, 12])


def test_figures_are_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    report("trial", [PAIRS], as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["benchmark"] == "trial"
    assert found["figures"][0]["ours"]["median"] == 3.0
    assert found["figures"][0]["repetitions"] == 3
    assert found["machine"]["cores"] >= 1


def test_a_program_that_fails_ends_the_benchmark_with_its_words() -> None:
    with pytest.raises(SystemExit, match=r"(?s)failed with 3:.*no such thing"):
        seconds_of(["sh", "-c", "echo no such thing >&2; exit 3"])
