"""A small trial on a real server; how fast it is, is nobody's business here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from dbmigrate.adapters.calibration import Line, _Probe, calibrate, memory_bytes
from dbmigrate.adapters.connection import Limits, connected, target_from_url

ROWS = 2_000


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connected(target_from_url(database), Limits()) as connection:
        yield connection


def test_every_coefficient_is_measured_and_nothing_stays(connection: Connection) -> None:
    connection.exec_driver_sql("SET effective_cache_size = '3GB'")
    connection.commit()
    model = calibrate(connection, ROWS)
    connection.rollback()
    assert all(value >= 0 for value in model.to_json().values())
    assert 0 < model.statement < 1
    assert model.rewrite_row + model.rewrite_page > 0 and model.index_row > 0
    assert model.memory_bytes == 3 * 1024**3
    assert connection.exec_driver_sql("SELECT 1 FROM pg_namespace WHERE nspname ~ 'probe'").all() == []


def test_what_a_broken_trial_left_is_cleaned_up(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE SCHEMA dbmigrate_probe")
    connection.exec_driver_sql("CREATE TABLE dbmigrate_probe.narrow (other int)")
    connection.commit()
    calibrate(connection, ROWS)


def test_memory_is_what_the_server_says(connection: Connection) -> None:
    assert memory_bytes(connection) == 4 * 1024**3


def test_a_line_goes_through_both_tables(connection: Connection) -> None:
    probe = _Probe(connection, 100)
    probe.pages = {"narrow": 10, "wide": 110}
    assert probe.through({"narrow": 3.0, "wide": 13.0}) == Line(0.02, 0.1)
    assert probe.through({"narrow": 3.0, "wide": 2.0}) == Line(0.03, 0.0)
    assert probe.through({"narrow": 1.0, "wide": 101.0}) == Line(0.0, 1.0)
