"""Smoke queries: what the file says, and when each is asked."""

from __future__ import annotations

import pytest

from dbmigrate.domain.errors import BadRequest, HistoryRejected
from dbmigrate.domain.smoke import MOST, read_smoke

REVISIONS = ("0001", "0002", "0003")
FILE = """
-- dbmigrate: since 0002
-- The list of orders begins with this.
SELECT id, note FROM orders LIMIT 1;
-- dbmigrate: since 0001 as everybody logs in
-- dbmigrate: until 0003
SELECT count(*) < 10
  FROM users;
SET search_path = app, public;
SELECT ';' FROM plans
"""


def test_a_file_holds_queries_with_their_bounds() -> None:
    found = read_smoke(FILE, REVISIONS)
    assert [(smoke.number, smoke.since, smoke.until) for smoke in found] == [
        (1, "0002", ""),
        (2, "0001", "0003"),
        (3, "", ""),
    ]
    assert [smoke.query.search_path for smoke in found] == [None, None, "app, public"]
    assert found[1].query.text == "SELECT count(*) < 10\n  FROM users"
    assert found[0].name == "smoke query 1 (SELECT id, note FROM orders LIMIT 1)"
    assert found[1].name == "smoke query 2 (SELECT count(*) < 10 FROM users)"


@pytest.mark.parametrize(
    ("applied", "due"), [((), [3]), (("0001",), [2, 3]), (("0001", "0002"), [1, 2, 3]), (REVISIONS, [1, 3])]
)
def test_a_query_is_asked_between_its_bounds(applied: tuple[str, ...], due: list[int]) -> None:
    assert [smoke.number for smoke in read_smoke(FILE, REVISIONS) if smoke.is_due(applied)] == due


def test_a_line_break_parts_nothing() -> None:
    (smoke,) = read_smoke("-- dbmigrate: since 0001\nSELECT\n1", REVISIONS)
    assert (smoke.since, smoke.query.text) == ("0001", "SELECT\n1")


def test_what_a_file_must_not_say() -> None:
    with pytest.raises(HistoryRejected, match="names revision 0009, which is unknown"):
        read_smoke("-- dbmigrate: until 0009\nSELECT 1;", REVISIONS)
    with pytest.raises(HistoryRejected, match=f"holds {MOST + 1} queries; {MOST} are the most"):
        read_smoke("".join(f"SELECT {number};" for number in range(MOST + 1)), REVISIONS)
    with pytest.raises(BadRequest):
        read_smoke("nothing that is asked", REVISIONS)
