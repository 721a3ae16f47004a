"""A recovery that is cut behind the beginning of its swap only goes on, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.pipeline.emergency import Emergency, emergency

CUTS = {
    "old one moves": ("Swap", 1, {}),
    "between the names": ("Swap", 2, {}),
    "new one moves": ("Swap", 3, {}),
    "new one restarts": ("Swap", 4, {}),
    "swapped": ("Swap", 5, {}),
    "opened": ("Fence", 1, {"wish": "open"}),
    "started": ("CallHook", 1, {"when": "start"}),
}


KINDS: dict[str, dict[str, str]] = {
    "instance": {},
    "cluster": {"DatabaseCluster": "orders", "DatabaseInstance": ""},
}
Of = Callable[[str], Emergency]


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Of]:
    """The emergency of an instance or of a cluster, the one asked for last: a process has one account."""
    with ExitStack() as open_:
        found: dict[str, Emergency] = {}

        def one(kind: str) -> Emergency:
            if kind not in found:
                open_.close()
                found.clear()
                prepared = emergency(tmp_path_factory.mktemp("resumed"), **KINDS[kind])
                found[kind] = open_.enter_context(prepared).happen()
            return found[kind]

        yield one


@pytest.fixture
def there(request: pytest.FixtureRequest, of: Of) -> Emergency:
    """Recovered again and again: each test leaves behind a database that has lost its latest rows."""
    return of(request.param)


@pytest.mark.parametrize(
    ("there", "place"),
    [*(("instance", place) for place in CUTS), ("cluster", "between the names"), ("cluster", "swapped")],
    ids=[*CUTS, "a cluster between the names", "a cluster swapped"],
    indirect=["there"],
)
def test_what_was_cut_behind_the_swap_goes_on(there: Emergency, place: str) -> None:
    function, number, event = CUTS[place]
    snapshot, others = there.happen_again(), set(there.names()) - {there.database}
    with there.aborted_after(function, number, **event) as aborted:
        arn = there.start(snapshot=snapshot)
        there.pipeline.decide(arn, "approve")
        there.cloud.until(lambda: aborted, 60, lambda: there.cloud.story(arn))
    refused = there.put_back_by_event(arn)
    assert refused.outcome == "RecoveryRefused"
    recovery = arn.rpartition(":")[2]
    if there.record(arn)["phase"] == "opened":
        assert f"{recovery} is over" in refused.cause
    else:
        assert f"recover --resume {recovery}" in refused.cause
        assert there.ends(there.start(resume=recovery)).outcome == "Recovered"
    kept = there.kept(arn)
    assert there.rows() == there.before and there.rows_of(kept) == there.there
    assert set(there.names()) == others | {there.database, kept} and there.lets_the_application_in()


@pytest.mark.parametrize("there", ["cluster"], ids=["a cluster"], indirect=True)
def test_a_second_one_is_refused_while_the_first_is_under_way(there: Emergency) -> None:
    snapshot = there.happen_again()
    first = there.start(snapshot=snapshot)
    there.pipeline.link(first)
    recovery = first.rpartition(":")[2]
    for request, said in (
        ({"snapshot": snapshot}, f"{recovery} has not ended"),
        ({"resume": recovery}, "is at work in the execution"),
        ({"abandon": recovery}, "is at work in the execution"),
    ):
        ending = there.ends(there.start(**request))
        assert ending.outcome == "RecoveryRefused" and said in ending.cause
    there.pipeline.decide(first, "reject")
    assert there.ends(first).outcome == "RecoveryRejected" and there.rows() == there.there
