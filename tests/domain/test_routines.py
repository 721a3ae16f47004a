"""Which routines' bodies run."""

from __future__ import annotations

import pytest

from dbmigrate.domain.routines import executed
from dbmigrate.domain.statements import deletes

MAKE = "CREATE OR REPLACE FUNCTION app.tidy(n int) RETURNS void LANGUAGE sql AS $x$ DELETE FROM a; $x$"
FIRED = "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM a; RETURN NULL; END'"
TRIGGER = "CREATE TRIGGER t AFTER UPDATE ON b FOR EACH ROW EXECUTE FUNCTION tidy()"


@pytest.mark.parametrize(
    "statements",
    [
        [MAKE],
        [MAKE, "GRANT EXECUTE ON FUNCTION app.tidy(int) TO x", "SELECT untidy(1)"],
        [MAKE, "DROP FUNCTION app.tidy(int)"],
        [FIRED, TRIGGER],
        [f"{FIRED}; {TRIGGER};"],
        ["/* why */ COMMENT ON TABLE a IS 'DELETE FROM a'"],
    ],
)
def test_what_is_only_written_down_deletes_nothing(statements: list[str]) -> None:
    assert deletes(executed(statements)) == []


@pytest.mark.parametrize(
    "statements",
    [
        [MAKE, "SELECT app.tidy(1)"],
        [f"{MAKE}; SELECT App.Tidy(1)"],
        [MAKE, "ALTER TABLE b ADD c int DEFAULT tidy(1)"],
        [MAKE, "DO $$ BEGIN PERFORM tidy(1); END $$"],
        [FIRED, TRIGGER, "UPDATE b SET n = 1"],
        [MAKE.replace("AS $x$ DELETE FROM a; $x$", "BEGIN ATOMIC DELETE FROM a; END")],
        [FIRED, "DELETE FROM a"],
    ],
)
def test_a_body_that_may_run_counts(statements: list[str]) -> None:
    assert deletes(executed(statements)) == ["public.a"]
