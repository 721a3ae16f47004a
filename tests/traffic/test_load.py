"""The load itself: what it would see, so that what it does not see means something."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from benchmarks.load import connect, load_on
from benchmarks.samples import Sample, between, percentile, told
from tests.traffic.conftest import ROWS

from dbmigrate_local.embedded import EmbeddedPostgres

RATE = 200.0


@pytest.fixture
def url(server: EmbeddedPostgres) -> Iterator[str]:
    yield server.create_database("load", template="base")
    server.drop_database("load")


def test_every_request_that_had_to_wait_counts_and_not_only_the_four_that_stood(url: str) -> None:
    with load_on(url, ROWS, RATE) as load:
        time.sleep(2)
        with closing(connect(url, "somebody")) as session:
            session.run("BEGIN")
            session.run("LOCK TABLE orders")
            begin = time.time()
            time.sleep(2)
            session.run("COMMIT")
            end = time.time()
        time.sleep(1)
    found = told(between(load.samples, begin, end))
    assert found["worst_stall_ms"] > 1900
    assert found["over_1s"] > RATE / 4
    assert found["failed"] == 0


def test_what_fails_is_counted_until_a_release_knows_the_new_name(url: str) -> None:
    with load_on(url, ROWS, RATE) as load:
        time.sleep(1)
        with closing(connect(url, "somebody")) as session:
            session.run("ALTER TABLE customers RENAME name TO full_name")
        time.sleep(1)
        load.release(name="full_name")
        time.sleep(0.5)
        begin = time.time()
        time.sleep(1)
    errors = told(load.samples)["errors"]
    assert errors["join: column c.name does not exist"] > 5
    assert told(between(load.samples, begin, time.time()))["failed"] == 0


def test_the_rate_is_kept_from_the_first_to_the_last_second(url: str) -> None:
    with load_on(url, ROWS, RATE) as load:
        time.sleep(4)
    first, last = load.samples[0].due, load.samples[-1].due
    assert len(load.samples) / (last - first) == pytest.approx(RATE, rel=0.2)


def test_what_is_told_of_samples() -> None:
    samples = [Sample(n, float(n)) for n in range(1, 101)] + [Sample(200, 1500.0, "read: no")]
    assert told(samples) == {
        "worst_stall_ms": 1500.0,
        "p99_ms": 100.0,
        "p50_ms": 51.0,
        "over_1s": 1,
        "failed": 1,
        "requests": 101,
        "errors": {"read: no": 1},
    }
    assert percentile([], 0.99) == 0.0
