"""The stats file: from a database, from a stack's function; and the speed of a server."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cli.cases import query, run
from tests.cli.conftest import Run
from tests.service.fakes import FakeDatabase, FakeHistory

from dbmigrate.adapters import calibration
from dbmigrate.domain.costs import Model
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.stats import Stats
from dbmigrate_cli import stats
from dbmigrate_cli.live_sizes import with_speed
from dbmigrate_cli.options import Options
from dbmigrate_cli.stack import Stack
from dbmigrate_local.embedded import EmbeddedPostgres

TOLD = {"public.orders": {"rows": 7, "bytes": 8192, "index_bytes": 0}, "server": {"major": 15}}


class FakeFormation:
    def __init__(self, **parameters: str) -> None:
        self.parameters = parameters

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        outputs = [{"OutputKey": "InspectFunctionName", "OutputValue": "inspect"}]
        return {"Stacks": [{"Outputs": outputs, "Parameters": given}]}


class FakeLambda:
    def invoke(self, **asked: Any) -> dict[str, Any]:
        assert json.loads(asked["Payload"]) == {"question": "sizes"}
        return {"Payload": io.BytesIO(json.dumps(TOLD).encode())}


def cloudwatch(*minima: float) -> Any:
    points = [{"Minimum": minimum} for minimum in minima]
    return SimpleNamespace(get_metric_statistics=lambda **_: {"Datapoints": points})


def refusing(**_: Any) -> Any:
    error = {"Code": "AccessDenied", "Message": "not authorized."}
    raise ClientError({"Error": error}, "GetMetricStatistics")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    def asked(watch: Any, **parameters: str) -> Any:
        clients = {"cloudformation": FakeFormation(**parameters), "lambda": FakeLambda(), "cloudwatch": watch}
        stack = Stack("production", "db-migrate-production", clients.__getitem__)
        monkeypatch.setattr(stats, "open_stack", lambda options, name: stack)
        return run("--environment", "production", "sizes")

    return asked


def test_sizes_are_a_stats_file_in_any_format(db_migrate: Run, database: str, folder: Path) -> None:
    query(database, "CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 1000) g")
    query(database, "ALTER TABLE orders ADD PRIMARY KEY (id)")
    query(database, "ANALYZE orders")
    answer = db_migrate("sizes")
    assert answer.code == 0 and answer.err == ""
    (folder / "stats.json").write_text(answer.out)
    found = stats.read_stats(folder / "stats.json")
    assert found.sizes["public.orders"].rows == 1000
    assert 0 < found.sizes["public.orders"].index_bytes < found.sizes["public.orders"].bytes
    assert found.major == 15 and found.free_bytes is None
    assert found.model == Model()


def test_a_stack_tells_its_sizes_and_its_free_storage(ask: Any) -> None:
    answer = ask(cloudwatch(5e9, 4e9), DatabaseInstance="app")
    assert answer.code == 0 and answer.err == ""
    assert answer.json == {**TOLD, "server": {"major": 15, "free_bytes": 4_000_000_000}}


@pytest.mark.parametrize(
    ("watch", "parameters", "said"),
    [
        (SimpleNamespace(get_metric_statistics=refusing), {"DatabaseInstance": "app"}, "not authorized"),
        (cloudwatch(), {"DatabaseInstance": "app"}, "CloudWatch knows no free storage of app."),
        (None, {"DatabaseCluster": "app"}, "An Aurora volume grows by itself"),
    ],
)
def test_free_storage_that_nobody_tells_is_a_note(
    watch: Any, parameters: dict[str, str], said: str, ask: Any
) -> None:
    answer = ask(watch, **parameters)
    assert answer.code == 0 and answer.json == TOLD
    assert said in answer.err


def test_a_calibration_is_part_of_the_file_and_remembered(
    db_migrate: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "calibrate", lambda connection: calibration.calibrate(connection, 2_000))
    assert stats.known_model() is None
    answer = db_migrate("sizes", "--calibrate")
    model = Model.from_json(answer.json["server"]["model"])
    assert model == stats.known_model() != Model()
    assert query(database, "SELECT 1 FROM pg_namespace WHERE nspname = 'dbmigrate_probe'") == []


def test_validate_tries_the_server_that_it_rehearses_on(
    db_migrate: Run, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Model(scan_row=1.0, memory_bytes=1)
    monkeypatch.setattr(stats, "calibrate", lambda connection: slow)
    scratch = postgres.create_database("scratch_to_calibrate")
    assert db_migrate("deploy", "--scratch", scratch).code == 0
    answer = db_migrate("validate", "--calibrate", "--scratch", scratch)
    postgres.drop_database("scratch_to_calibrate")
    assert answer.code == 0 and "Trying how fast 127.0.0.1 is" in answer.err
    assert stats.known_model() == slow


def test_a_trial_counts_unless_the_sizes_bring_their_own_servers_speed(folder: Path) -> None:
    standing = FakeDatabase(FakeHistory(Evidence(15, ()))).look()
    assert with_speed(Options(), standing, False, None) == standing
    (folder / ".dbmigrate").mkdir()
    (folder / ".dbmigrate/model.json").write_text(json.dumps(Model(scan_row=1.0).to_json()))
    small = replace(standing, model=Model(memory_bytes=7))
    assert with_speed(Options(), small, False, None).model == Model(scan_row=1.0, memory_bytes=7)
    own = replace(standing, model=Model(scan_row=2.0))
    assert with_speed(Options(), own, False, None) == own


@pytest.mark.parametrize(
    "before",
    [["--environment", "production", "--database", "postgresql://h/x"], ["--environment", "staging"]],
)
def test_production_is_no_place_for_trials(before: list[str]) -> None:
    answer = run(*before, "sizes", "--calibrate")
    assert answer.code == 3
    assert "sizes --calibrate" in answer.json["error"]["next"]


@pytest.mark.parametrize("content", ["{", '{"fast": 1}', "[]", "5"])
def test_a_broken_memory_of_the_speed_is_none(content: str, folder: Path) -> None:
    (folder / ".dbmigrate").mkdir()
    (folder / ".dbmigrate/model.json").write_text(content)
    assert stats.known_model() is None


def test_a_file_that_is_none_is_named(folder: Path) -> None:
    with pytest.raises(BadRequest, match=r"The stats file .*missing\.json cannot be read"):
        stats.read_stats(folder / "missing.json")
    (folder / "broken.json").write_text("{")
    with pytest.raises(BadRequest, match=r"broken\.json cannot be read: Expecting property name"):
        stats.read_stats(folder / "broken.json")
    (folder / "stats.json").write_text('{"public.a": {"rows": 1, "bytes": "2"}}')
    with pytest.raises(BadRequest, match=r"stats\.json, public\.a: 'bytes' must be a whole number"):
        stats.read_stats(folder / "stats.json")
    (folder / "stats.json").write_text('{"public.a": {"rows": 1, "bytes": 2}}')
    assert stats.read_stats(folder / "stats.json") == Stats({"public.a": Size(1, 2)})
