"""How long each statement of a transaction may wait, told by a clock that the test sets."""

from __future__ import annotations

from dbmigrate.adapters.operations.budget import Budget


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def test_what_was_waited_is_not_waited_again() -> None:
    clock = Clock()
    budget = Budget(100, clock)
    assert budget.limit_for("ALTER TABLE a ADD x int") is None
    clock.now += 0.04
    assert budget.limit_for("-- why\nALTER TABLE b ADD x int") == 60
    assert budget.limit_for("UPDATE b SET x = 1") is None, "it has not shrunk"
    clock.now += 0.5
    assert budget.limit_for("SAVEPOINT one") is None
    assert budget.limit_for("DROP TABLE c") == 25, "a quarter is the least"
    clock.now += 60
    assert budget.limit_for("DROP TABLE d") is None


def test_what_nobody_feels_starts_no_clock() -> None:
    clock = Clock()
    budget = Budget(100, clock)
    for statement in ("INSERT INTO a VALUES (1)", "SELECT 1", "UPDATE a SET x = 1"):
        assert budget.limit_for(statement) is None
        clock.now += 60
    assert budget.limit_for("ALTER TABLE a ADD x int") is None
