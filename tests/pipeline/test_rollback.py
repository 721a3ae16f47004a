"""Rollbacks on the stand-in: rows that are missed afterwards, who is woken, and who never may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from tests.cli.cases import run
from tests.pipeline.histories import NOTES, ORDERS, UNIQUE, Change
from tests.pipeline.pipeline import Ending, Pipeline
from tests.pipeline.test_production import deploy, failed_run  # noqa: F401  a fixture

from dbmigrate_cli.stack import Stack
from dbmigrate_local.account import ACCOUNT
from dbmigrate_local.iam_policies import allowed, policies_of

TWO_ROWS = "INSERT INTO orders (id, email) VALUES (4711, 'ada@example.com'), (2, 'ada@example.com')"
# On the rehearsal's rows its way back takes nothing from anybody.
GREEDY = Change(
    "0002",
    ("ALTER TABLE orders ADD note text",),
    ("ALTER TABLE orders DROP note", "DELETE FROM orders WHERE id = 4711"),
)
WRITES = Change(
    "0002",
    ("CREATE TABLE plans (code text)", "INSERT INTO orders (id, email) VALUES (1, 'shop@example.com')"),
    ("DELETE FROM orders WHERE id = 1", "DROP TABLE plans"),
)
ALARM = "orders-5xx"


def test_a_rollback_that_took_rows_stops_and_wakes_somebody(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    staging.query(TWO_ROWS)
    ending = staging.deploy([ORDERS, GREEDY, UNIQUE])
    assert ending.outcome == "RollbackFailed", ending
    assert "public.orders lost 1 row that were there before: revision 0002" in ending.cause
    assert "Run: db-migrate --environment staging recover --before-run " in ending.cause
    assert ending.states.count("Roll back") == 1, "it does not go on by itself"
    mails = staging.mails("team@example.com")
    assert any("ALARM" in mail.subject and "RollbackFailedAlarm" in mail.subject for mail in mails)
    (notice,) = (mail for mail in mails if "ROLLBACK FAILED" in mail.subject)
    assert "Severity:     critical" in notice.body and "recover --before-run" in notice.body


def test_rows_of_the_run_are_gone_and_those_of_others_stay(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    staging.query(TWO_ROWS)
    ending = staging.deploy([ORDERS, WRITES, UNIQUE])
    assert ending.outcome == "RolledBack", ending
    assert staging.query("SELECT id FROM orders ORDER BY id") == [(2,), (4711,)]
    notice = staging.notice()
    assert "Verified:     revision, no invalid index, catalog, rows" in notice
    assert not [mail for mail in staging.mails("team@example.com") if "RollbackFailed" in mail.subject]


def test_what_a_run_dropped_with_rows_in_it_needs_a_word(staging: Pipeline) -> None:
    staging.deploy([ORDERS, NOTES])
    staging.query("INSERT INTO orders (id, note) VALUES (1, 'by hand'), (2, NULL)")
    digest = staging.query("SELECT bundle FROM dbmigrate.run")[0][0]
    refused = staging.finish(staging.start(digest, rollback_to="0001"))
    assert refused.outcome == "ValidationFailed" and staging.revision == "0002"
    assert "undoing 0002 drops public.orders.note and its 1 value" in refused.cause
    assert "recover --before-run" in refused.cause and "rollback --to 0001 --accept-loss" in refused.cause
    done = staging.finish(staging.start(digest, rollback_to="0001", accept_loss=True))
    assert done.outcome == "Succeeded" and staging.columns("orders") == {"id", "email"}
    assert staging.query("SELECT id FROM orders ORDER BY id") == [(1,), (2,)]


def test_several_runs_are_undone_by_one(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    staging.deploy([ORDERS, NOTES])
    staging.deploy([ORDERS, NOTES, UNIQUE])
    digest = staging.query("SELECT bundle FROM dbmigrate.run ORDER BY started_at DESC")[0][0]
    ending = staging.finish(staging.start(digest, rollback_to="0001"))
    assert ending.outcome == "Succeeded", ending
    assert staging.revision == "0001" and staging.columns("orders") == {"id", "email"}


@pytest.fixture
def watched(open_pipeline: Callable[..., Pipeline], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """Staging whose application has an alarm; `db-migrate --environment staging` means it."""
    pipeline = open_pipeline("staging", ApplicationAlarms=ALARM)
    put = {"Namespace": "App", "MetricName": "Errors", "Period": 60, "EvaluationPeriods": 1}
    cloudwatch = pipeline.cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM, Threshold=1, ComparisonOperator="GreaterThanThreshold", Statistic="Sum", **put
    )
    stack = Stack("staging", "db-migrate-staging", pipeline.cloud.client)
    monkeypatch.setattr("dbmigrate_cli.suspicion.open_stack", lambda options, name: stack)
    yield pipeline
    cloudwatch.delete_alarms(AlarmNames=[ALARM])


def test_an_alarm_names_the_run_and_what_undoes_it(watched: Pipeline) -> None:
    watched.deploy([ORDERS])
    watched.deploy([ORDERS, NOTES])
    quiet = run("--environment", "staging", "--migrations", str(watched.folder / "none"), "rollback")
    assert quiet.code == 2 and "nothing names the change" in quiet.err
    cloudwatch = watched.cloud.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="42 errors")
    newest, oldest = (
        name for (name,) in watched.query("SELECT name FROM dbmigrate.run ORDER BY started_at DESC")
    )
    folder = max(watched.folder.glob("history-*"), key=lambda path: int(path.name.partition("-")[2]))
    told = run("--environment", "staging", "--migrations", str(folder), "rollback")
    assert told.code == 4 and f"After run {newest} (0002) began, and before any other, {ALARM}" in told.err
    assert f"next: db-migrate --environment staging rollback --run {newest}" in told.err
    for said in ("0002  Add notes", "note", "42 errors", f"{datetime.now(UTC):%Y-%m-%d}"):
        assert said in told.out
    for command in ("rollback --write --to 0001", f"recover --before-run {newest}", "rollback --to base"):
        assert command in told.out
    assert told.out.index(newest) < told.out.index(oldest)
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="they ceased")
    over = run("--environment", "staging", "--migrations", str(folder), "rollback")
    assert (over.code, over.err) == (told.code, told.err), "what came and went is told, too"
    assert f"{ALARM} from " in over.out and "42 errors" in over.out


def test_production_has_nothing_to_roll_back_with(
    production: Pipeline,
    failed_run: tuple[str, Ending],  # noqa: F811
) -> None:
    """Not by a changed definition, not by a call, not with the rights of its role."""
    _, ending = failed_run
    assert "Roll back" not in ending.states
    cloud = production.cloud
    plan = next(i.event["plan"] for i in reversed(cloud.invocations) if "phase" in i.event)
    asked = {"run": plan["bundle"], "plan": plan, "phase": "rollback", "before": {}}
    with pytest.raises(KeyError):
        cloud.invoke("RollBackFunction", asked)
    (role,) = (name for key, name in cloud.resources.items() if key == "MigrationStateMachineRole")
    policies = policies_of(f"arn:aws:iam::{ACCOUNT}:role/{role}")
    functions = cloud.client("lambda").list_functions()["Functions"]
    everything = [function["FunctionArn"] for function in functions]
    somewhere = everything[0].rpartition(":")[0] + ":db-migrate-production-RollBackFunction"
    assert len(everything) > 10 and not allowed(policies, "lambda:InvokeFunction", somewhere, {})
    assert allowed(policies, "lambda:InvokeFunction", cloud_arn(everything, "UpgradeFunction"), {})


def test_not_even_a_definition_that_wants_to(
    production: Pipeline,
    failed_run: tuple[str, Ending],  # noqa: F811
) -> None:
    states, arn = production.cloud.client("stepfunctions"), production.cloud.outputs["StateMachineArn"]
    definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
    changed = definition.replace('"rollback": "manual"', '"rollback": "automatic"')
    assert changed != definition
    states.update_state_machine(stateMachineArn=arn, definition=changed)
    try:
        production.query("DELETE FROM orders")
        production.query(TWO_ROWS)
        more = Change("0003", ("ALTER TABLE orders ADD more text",), ("ALTER TABLE orders DROP more",))
        unique = Change("0004", UNIQUE.up, UNIQUE.back)
        _, ending = deploy(production, [ORDERS, NOTES, more, unique])
    finally:
        states.update_state_machine(stateMachineArn=arn, definition=definition)
    assert "Roll back" in ending.states and ending.outcome == "RollbackFailed", ending
    assert production.revision == "0003", "the role may call no function that could"
    assert not [d for d in production.cloud.decisions if "RollBack" in d.resource and d.allowed]


def cloud_arn(functions: list[str], name: str) -> str:
    """The function whose name has this in it."""
    return next(arn for arn in functions if name in arn)
