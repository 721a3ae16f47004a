"""The approvals table in DynamoDB: its conditional writes are what makes a decision single."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from moto.dynamodb.models import DynamoDBBackend
from tests.outward.fakes import ADA, GRACE, LINUS, NOW, SECRET, make_plan, make_request

from dbmigrate.adapters.approvals import DynamoApprovals
from dbmigrate.domain.approval import MOST_TRIES, Link, hash_of
from dbmigrate.runtime import wiring

PLAN = make_plan()
REQUEST = make_request(PLAN)
LINK = Link(REQUEST.run, PLAN.digest, GRACE, NOW + 3600)


@pytest.fixture
def table(aws) -> DynamoApprovals:
    approvals = wiring.approvals()
    approvals.open(REQUEST, "token-1")
    approvals.add_link(SECRET, LINK)
    return approvals


def items(kind: str) -> list[dict]:
    found = wiring.client("dynamodb").scan(TableName="approvals")["Items"]
    return [item for item in found if item["id"]["S"].startswith(kind)]


def test_what_is_stored_is_read_again(table) -> None:
    assert table.request(REQUEST.run) == REQUEST
    assert table.link(SECRET) == LINK
    assert table.request("other") is None and table.link("x" * 43) is None


def test_the_table_holds_the_hash_of_a_link_and_never_its_secret(table) -> None:
    [link] = items("link#")
    assert link["id"]["S"] == f"link#{hash_of(SECRET)}"
    assert SECRET not in str(items(""))


def test_items_outlive_their_expiry_so_that_late_clicks_get_an_answer(table) -> None:
    for item in items(""):
        assert int(item["delete_at"]["N"]) > int(item["expires_at"]["N"]) + 30 * 86400


def test_a_retried_request_replaces_the_token(table) -> None:
    assert table.open(replace(REQUEST, expires_at=NOW + 7200), "token-2")
    assert len(items("run#")) == 1
    assert table.decide(LINK, "approved", "", NOW) == "token-2"


def test_a_repeated_request_does_not_reopen_what_was_decided(table) -> None:
    table.decide(LINK, "approved", "", NOW)
    assert not table.open(REQUEST, "token-1")
    assert table.request(REQUEST.run).status == "approved"
    assert table.open(REQUEST, "token-2")


def test_the_first_decision_wins(table) -> None:
    assert table.decide(LINK, "approved", "go", NOW) == "token-1"
    assert table.decide(replace(LINK, approver=LINUS), "rejected", "no", NOW) is None
    expected = replace(REQUEST, status="approved", decided_by=GRACE, decided_at=NOW, comment="go")
    assert table.request(REQUEST.run) == expected


@pytest.mark.parametrize(
    ("link", "now"),
    [(replace(LINK, plan="sha256:other"), NOW), (LINK, REQUEST.expires_at), (replace(LINK, run="x"), NOW)],
)
def test_no_decision_on_another_plan_after_expiry_or_without_request(table, link, now) -> None:
    assert table.decide(link, "approved", "", now) is None
    assert table.request(REQUEST.run).status == "pending"


@pytest.fixture
def one_write_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB judges a condition and writes the item in one go; moto does it in two steps."""
    write, lock = DynamoDBBackend.update_item, threading.Lock()

    def alone(self: DynamoDBBackend, *given: Any, **named: Any) -> Any:
        with lock:
            return write(self, *given, **named)

    monkeypatch.setattr(DynamoDBBackend, "update_item", alone)


@pytest.mark.usefixtures("one_write_at_a_time")
def test_two_decisions_at_once_are_one(table) -> None:
    with ThreadPoolExecutor(8) as pool:
        words = ["approved", "rejected"] * 8
        tokens = list(pool.map(lambda word: table.decide(LINK, word, "", NOW), words))
    assert tokens.count("token-1") == 1


def test_tries_are_counted_and_end(table) -> None:
    assert [table.take_try(SECRET) for _ in range(7)] == [1, 2, 3, 4, 5, 6, 6]
    assert table.link(SECRET).tries == MOST_TRIES and table.link(SECRET).locked


def test_only_the_one_who_decided_corrects_it(table) -> None:
    table.decide(LINK, "approved", "", NOW)
    table.amend(replace(LINK, approver=LINUS), "pending")
    assert table.request(REQUEST.run).status == "approved"
    table.amend(LINK, "pending")
    assert table.request(REQUEST.run).status == "pending"


def test_waiting_are_the_unanswered_and_unexpired(table) -> None:
    table.open(replace(REQUEST, run="late", expires_at=NOW), "token")
    table.open(replace(REQUEST, run="answered", status="approved"), "token")
    assert [one.run for one in table.waiting(NOW)] == [REQUEST.run]
    assert table.waiting(NOW)[0].requested_by == ADA


def test_an_error_of_aws_is_no_answer(table) -> None:
    lost = DynamoApprovals(wiring.client("dynamodb"), "absent")
    for call in (
        lambda: lost.open(REQUEST, "t"),
        lambda: lost.take_try(SECRET),
        lambda: lost.decide(LINK, "approved", "", NOW),
    ):
        with pytest.raises(wiring.client("dynamodb").exceptions.ResourceNotFoundException):
            call()
