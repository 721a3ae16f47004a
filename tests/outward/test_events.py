"""Malformed events: each function says which key is wrong, and no KeyError leaks."""

from __future__ import annotations

import pytest
from tests.outward.fakes import make_plan

from dbmigrate.domain.errors import BadRequest, Misconfigured, MissingPolicy
from dbmigrate.domain.shape import check_shape
from dbmigrate.runtime import telemetry, wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings

PLAN = make_plan().slim()
CASES = [
    ("start_backup", {"plan": PLAN}, "start_backup: the event has no 'run'"),
    ("start_backup", {"run": "r"}, "start_backup: the event has no 'plan'"),
    ("start_backup", {"run": "r", "plan": {}}, "start_backup: the event has no 'plan.digest'"),
    ("start_backup", {"run": 7, "plan": PLAN}, "start_backup: 'run' must be text, not int"),
    (
        "start_backup",
        {"run": "r", "plan": PLAN | {"pending": "rev1"}},
        "'plan.pending' must be a list, not str",
    ),
    ("start_backup", {"run": "r", "plan": PLAN, "previous": 1}, "'previous' must be an object, not int"),
    ("check_backup", {"run": "r"}, "check_backup: the event has no 'backup'"),
    (
        "check_backup",
        {"run": "r", "backup": {"status": "none"}},
        "check_backup: the event has no 'backup.id'",
    ),
    ("check_backup", {"run": "r", "backup": None}, "check_backup: backup must be an object, not NoneType"),
    ("request_approval", {"run": "r", "plan": PLAN, "expires_in": 60}, "the event has no 'token'"),
    ("request_approval", {"run": "r", "plan": PLAN, "token": "t"}, "the event has no 'expires_in'"),
    (
        "request_approval",
        {"run": "r", "plan": PLAN, "token": "t", "expires_in": True},
        "'expires_in' must be a whole number or a number, not bool",
    ),
    ("request_approval", {"question": 1}, "request_approval: 'question' must be text, not int"),
    ("watch", {"run": "r"}, "watch: the event has no 'since'"),
    ("watch", {"run": "r", "since": None}, "watch: 'since' must be text, not NoneType"),
    ("watch", {"run": "r", "since": "yesterday"}, "'since' must be an ISO 8601 time, not 'yesterday'"),
    ("notify", {"run": "r"}, "notify: the event has no 'outcome'"),
    (
        "notify",
        {"detail": {"name": "r", "status": "ABORTED"}},
        "notify: the event has no 'detail.executionArn'",
    ),
    (
        "notify",
        {"run": "r", "outcome": "Succeeded", "plan": []},
        "notify: 'plan' must be an object, not list",
    ),
    (
        "notify",
        {"run": "r", "outcome": "Succeeded", "started": "soon"},
        "notify: 'started' must be an ISO 8601 time",
    ),
    ("decide", {"body": ""}, "decide: the event has no 'requestContext'"),
    ("decide", {"requestContext": {"http": {}}}, "decide: the event has no 'requestContext.http.method'"),
    (
        "decide",
        {"requestContext": {"http": {"method": "GET"}}, "pathParameters": 3},
        "'pathParameters' must be an object",
    ),
]


@pytest.mark.parametrize(("verb", "event", "message"), CASES)
def test_a_malformed_event_names_function_and_key(aws, function, verb, event, message) -> None:
    with pytest.raises(BadRequest) as refused:
        function(verb).handler(event, None)
    assert message in refused.value.message


@pytest.mark.parametrize("event", [None, [], "text", 7])
@pytest.mark.parametrize(
    "verb", ["start_backup", "check_backup", "request_approval", "watch", "notify", "decide"]
)
def test_what_is_no_object_is_no_event(function, verb, event) -> None:
    with pytest.raises(BadRequest, match=f"{verb}: the event must be an object"):
        function(verb).handler(event, None)


def test_an_optional_key_may_be_absent_or_null() -> None:
    shape = {"previous": (dict, type(None))}
    check_shape("any", {}, shape)
    check_shape("any", {"previous": None}, shape)


def test_a_missing_variable_is_named(monkeypatch) -> None:
    monkeypatch.delenv("BUNDLE_BUCKET")
    with pytest.raises(Misconfigured, match="BUNDLE_BUCKET is not set"):
        wiring.bundle_store()


def test_an_unreadable_variable_is_named(monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_PORT", "five")
    with pytest.raises(Misconfigured, match="DATABASE_PORT is unreadable"):
        _ = settings().database_port


def test_a_missing_policy_cell_is_named(monkeypatch) -> None:
    monkeypatch.delenv("ROLLBACK")
    with pytest.raises(MissingPolicy, match="ROLLBACK"):
        wiring.policy()


@pytest.mark.parametrize(("instance", "cluster"), [("", ""), ("app", "app-cluster")])
def test_one_database_is_backed_up_neither_none_nor_two(monkeypatch, instance, cluster) -> None:
    monkeypatch.setenv("DATABASE_INSTANCE", instance)
    monkeypatch.setenv("DATABASE_CLUSTER", cluster)
    with pytest.raises(Misconfigured, match="DATABASE_INSTANCE and DATABASE_CLUSTER"):
        wiring.backups()


@pytest.mark.parametrize(("error", "logged"), [(BadRequest("no"), "error"), (KeyError("x"), "exception")])
def test_errors_leave_under_their_own_names_and_are_logged_once(monkeypatch, error, logged) -> None:
    lines = []
    for level in ("error", "exception"):
        monkeypatch.setattr(
            telemetry.logger, level, lambda message, level=level: lines.append((level, message))
        )

    @lambda_entry("upgrade")
    def handler(event, context):
        raise error

    with pytest.raises(type(error)):
        handler({}, None)
    assert [level for level, _ in lines] == [logged]


@pytest.mark.parametrize("kind", [BadRequest, ValueError])
def test_an_error_of_any_length_fits_into_the_state_of_an_execution(kind: type[Exception]) -> None:
    told = f"DM104 b2: {'x' * 300_000}\nNext: mend it"

    @lambda_entry("validate")
    def handler(event, context):
        raise kind(told)

    with pytest.raises(kind) as failed:
        handler({}, None)
    assert len(str(failed.value)) < 20_000
    assert str(failed.value).startswith("DM104 b2: x") and str(failed.value).endswith("Next: mend it")


def test_what_to_type_next_is_for_the_environment_that_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")

    @lambda_entry("swap")
    def handler(event, context):
        raise BadRequest("db-migrate status was not asked.", "look, then: db-migrate recover --resume r-1")

    with pytest.raises(BadRequest) as failed:
        handler({}, None)
    assert str(failed.value) == (
        "db-migrate status was not asked.\n"
        "Next: look, then: db-migrate --environment production recover --resume r-1"
    )


def test_log_keys_are_those_of_the_run_and_end_with_it() -> None:
    seen = {}

    @lambda_entry("upgrade", traced=True)
    def handler(event, context):
        seen.update(telemetry.logger.get_current_keys())

    handler({"run": "staging-1", "plan": PLAN}, None)
    expected = {"run": "staging-1", "environment": "staging", "revision": "rev1", "bundle": PLAN["bundle"]}
    assert expected.items() <= seen.items()
    assert seen["correlation_id"] == "staging-1"
    assert not expected.keys() & telemetry.logger.get_current_keys().keys()
