"""Development: straight against the database, with the same checks."""

from __future__ import annotations

import pytest
from tests.service.conftest import World

from dbmigrate.domain.errors import (
    DatabaseUnreachable,
    EditedRevision,
    PlanOutdated,
    ResetRefused,
    RevisionFailed,
    RevisionHalfApplied,
    RunInProgress,
    RunStopped,
)
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import Unfinished
from dbmigrate.service.deploy_directly import deploy_directly, reset, roll_back_directly


@pytest.fixture
def dev(world: World) -> World:
    world.rule(environment="development", reset="allowed")
    world.database.environment = world.database.stamp = "development"
    return world


def deploy(world: World, run: str = "run-1") -> list[str]:
    return deploy_directly(run, world.history, world.database, "ann", "why")


def test_everything_pending_in_one_go(dev: World) -> None:
    heard: list[str] = []
    applied = deploy_directly(
        "run-1", dev.history, dev.database, "ann", committed=lambda revision, *_: heard.append(revision)
    )
    assert applied == heard == ["a1", "b2", "c3"]
    assert (dev.database.open[0]["outcome"], dev.database.open[0]["bundle"]) == ("Succeeded", "direct")


def test_nothing_pending_looks_no_further(dev: World) -> None:
    deploy(dev)
    dev.database.looks = 0
    assert deploy(dev, "run-2") == []
    assert (dev.database.looks, len(dev.database.open)) == (0, 1)


def test_what_came_before_a_failing_revision_stays(dev: World) -> None:
    dev.database.fails = {"b2": RevisionFailed("b2 broke")}
    with pytest.raises(RevisionFailed):
        deploy(dev)
    assert dev.database.current() == ("a1",)
    assert (dev.database.open[0]["outcome"], dev.database.open[0]["detail"]) == ("RevisionFailed", "b2 broke")
    dev.database.fails = {}
    assert deploy(dev, "run-2") == ["b2", "c3"]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(KeyboardInterrupt(), "Interrupted"), (BrokenPipeError("nobody reads"), "BrokenPipeError")],
)
def test_an_interrupted_run_is_no_success(dev: World, error: BaseException, outcome: str) -> None:
    dev.database.fails = {"b2": error}
    with pytest.raises(type(error)):
        deploy(dev)
    assert dev.database.open[0]["outcome"] == outcome


def test_ctrl_c_in_the_middle_of_a_revision_says_what_stands(dev: World) -> None:
    at = Progress("b2", "backfill", "users", "write", rows_done=5)
    dev.database.heads = {"a1"}
    dev.database.fails["b2"] = KeyboardInterrupt()
    dev.database.half = [Unfinished(at, "name", "then", finished=False)]
    with pytest.raises(RunStopped, match="(?s)revision b2.*backfill users name: step 1 of 1, write, 5 rows"):
        deploy(dev)
    assert dev.database.open[0]["outcome"] == "Interrupted"
    assert dev.database.kept is None, "a half is nothing to measure drift against"


def test_what_was_begun_comes_first(dev: World) -> None:
    at = Progress("b2", "backfill", "users", "write", rows_done=5)
    dev.database.half = [Unfinished(at, "name", "then", finished=False)]
    with pytest.raises(RevisionHalfApplied, match="(?s)b2 was cut .* 5 rows.*deploy goes on"):
        deploy(dev)  # a1 would come first
    dev.database.heads = {"a1"}
    with pytest.raises(RevisionHalfApplied, match="(?s)b2 was cut .*deploy goes on"):
        roll_back_directly("run-1", dev.history, dev.database, ["a1"], "ann")
    dev.database.heads = {"a1", "b2"}
    with pytest.raises(RevisionHalfApplied, match="rollback goes on where it stopped"):
        deploy(dev)
    assert roll_back_directly("run-2", dev.history, dev.database, ["b2"], "ann") == ["b2"]


def test_whoever_had_to_wait_for_the_lock_does_not_apply_the_same_again(dev: World) -> None:
    def faster() -> None:
        dev.database.meanwhile = lambda: None
        deploy(dev, "faster")

    dev.database.meanwhile = faster
    with pytest.raises(PlanOutdated, match="from base to c3"):
        deploy(dev)
    assert [line["run"] for line in dev.database.open] == ["faster"]
    dev.database.meanwhile = lambda: None
    dev.database.fails = {"c3": AssertionError("it was not asked for")}
    dev.database.meanwhile = lambda: dev.database.heads.symmetric_difference_update({"b2", "c3"})
    with pytest.raises(PlanOutdated, match="from c3 to b2"):
        roll_back_directly("run-2", dev.history, dev.database, ["c3"], "ann")


def test_a_half_applied_revision_is_not_remembered_as_clean(dev: World) -> None:
    dev.database.fails = {"a1": RevisionHalfApplied("half")}
    with pytest.raises(RevisionHalfApplied):
        deploy(dev)
    assert dev.database.kept is None


def test_the_first_trouble_is_the_news(dev: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise DatabaseUnreachable("also gone")

    dev.database.fails = {"a1": RevisionFailed("a1 broke")}
    monkeypatch.setattr(dev.database, "close_run", gone)
    with pytest.raises(RevisionFailed, match="a1 broke"):
        deploy(dev)


def test_an_edited_revision_is_refused(dev: World) -> None:
    dev.database.fails = {"b2": RevisionFailed("b2 broke")}
    with pytest.raises(RevisionFailed):
        deploy(dev)
    dev.history.edited = {"a1"}
    with pytest.raises(EditedRevision):
        deploy(dev, "run-2")


@pytest.mark.parametrize(("bundle", "refused"), [("sha256:0", True), ("direct", False)])
def test_a_lease_stops_it_unless_only_the_lock_knows(dev: World, bundle: str, refused: bool) -> None:
    dev.database.open.append({"run": "run-0", "ended_at": None, "started_at": "now", "bundle": bundle})
    if refused:
        with pytest.raises(RunInProgress):
            deploy(dev)
    else:
        assert deploy(dev) == ["a1", "b2", "c3"]


def test_undoing(dev: World) -> None:
    deploy(dev)
    assert roll_back_directly("run-2", dev.history, dev.database, ["c3", "b2"], "ann") == ["c3", "b2"]
    assert dev.database.current() == ("a1",)


def test_reset_begins_anew(dev: World) -> None:
    deploy(dev)
    assert reset("run-2", dev.history, dev.database, dev.policy, "ann") == ["a1", "b2", "c3"]
    assert [line["run"] for line in dev.database.open] == ["run-2"]


def test_reset_is_for_development(world: World) -> None:
    world.upgrade(world.validate())
    with pytest.raises(ResetRefused):
        reset("run-2", world.history, world.database, world.policy, "ann")
    assert world.database.current() == ("a1",)
