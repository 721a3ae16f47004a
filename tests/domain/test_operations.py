"""How statements of safe operations are judged: resumed, batched, and each under its own short lock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.domain.evidences import facts, history, seen

from dbmigrate.domain.compatibility import phases
from dbmigrate.domain.costs import BACKFILL_ROWS, BATCH_SECONDS, Model
from dbmigrate.domain.effects import Act, Effects, Lock, Write
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.findings import Finding, judge
from dbmigrate.domain.prediction import predict
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.sizes import Size

USERS = "public.users"
SIZE = Size(2_000_000, 160_000_000)
STRONG = Lock(USERS, "ACCESS EXCLUSIVE")
ADD = Effects(
    "ALTER TABLE users ADD CONSTRAINT c CHECK (n > 0) NOT VALID",
    locks=(STRONG,),
    acts=(Act("add constraint", USERS, f"{USERS}.c", now="CHECK (n > 0) NOT VALID"),),
    operation="add_check",
)
VALIDATE = Effects(
    "ALTER TABLE users VALIDATE CONSTRAINT c",
    transaction=1,
    autocommit=True,
    locks=(Lock(USERS, "SHARE UPDATE EXCLUSIVE"),),
    scans=(USERS,),
    acts=(
        Act("validate constraint", USERS, f"{USERS}.c", was="CHECK (n > 0) NOT VALID", now="CHECK (n > 0)"),
    ),
    operation="add_check",
)
BATCH = Effects(
    "WITH batch AS (SELECT id FROM users WHERE id > 0 ORDER BY id LIMIT 5000) "
    "UPDATE users SET nick = lower(name) FROM batch WHERE users.id = batch.id",
    transaction=2,
    writes=(Write(USERS, updated=3),),
    operation="backfill",
)
PLAIN = Effects(
    "ALTER TABLE users ADD x int", locks=(STRONG,), acts=(Act("add column", USERS, f"{USERS}.x"),)
)


def told(*statements: Effects, size: Size | None = SIZE, model: Model | None = None) -> list[Finding]:
    """What the rules say, with predictions."""
    sizes = {USERS: size} if size else {}
    estimates = tuple(predict(statements, sizes, {USERS}, model))
    fact = replace(facts(autocommit=True, statements=statements), sizes=sizes, estimates=estimates)
    return judge(RULES.values(), [fact])


def test_only_safe_operations_alone_can_be_resumed() -> None:
    assert seen(statements=(ADD, VALIDATE, BATCH)).resumable
    assert not seen(statements=(ADD, PLAIN)).resumable
    assert not seen().resumable


def test_the_operation_travels_and_older_evidence_has_none() -> None:
    evidence = history(seen("a1", statements=(ADD, VALIDATE, BATCH)))
    values = evidence.to_json()
    assert Evidence.from_json(values) == evidence
    for statement in values["revisions"]["a1"]["statements"]:
        del statement["operation"]
    assert not Evidence.from_json(values).revisions["a1"].resumable


def test_any_number_of_safe_operations_may_stand_together() -> None:
    assert told(ADD, VALIDATE, BATCH, replace(ADD, transaction=3)) == []


@pytest.mark.parametrize(("statements", "at"), [((PLAIN, BATCH), 1), ((ADD, VALIDATE, PLAIN), 3)])
def test_a_safe_operation_does_not_go_with_plain_statements(statements: tuple[Effects, ...], at: int) -> None:
    (found,) = [finding for finding in told(*statements) if finding.rule == "DM103"]
    assert (found.severity, found.statement) == ("block", at)
    assert "goes with safe operations" in found.message


def test_the_first_batch_stands_for_all_of_them() -> None:
    first, second, other = predict(
        [BATCH, replace(BATCH, transaction=3), replace(BATCH, sql="UPDATE users SET o = 1", transaction=4)],
        {USERS: SIZE},
        {USERS},
    )
    seconds = SIZE.rows / BACKFILL_ROWS
    assert (first.seconds_low, second.seconds_high) == (0.0, 0.0)
    assert (first.seconds_high or 0) > seconds
    assert first.waits == () and first.wal_bytes > SIZE.bytes and second.wal_bytes == 0
    assert other == first, "another column is filled anew"


def test_batches_of_a_table_that_nobody_has_sized_take_nobody_knows_how_long() -> None:
    (found,) = predict([BATCH], {}, {USERS})
    assert (found.seconds_high, found.unsized) == (None, (USERS,))


def test_rows_of_a_batch_are_locked_for_a_moment() -> None:
    fact = replace(facts(statements=(BATCH,)), estimates=tuple(predict([BATCH], {USERS: SIZE}, {USERS})))
    assert fact.seconds(1, USERS) == (0.0, BATCH_SECONDS)


def test_a_step_s_lock_ends_with_its_own_transaction() -> None:
    add, validate = predict([ADD, VALIDATE], {USERS: SIZE}, {USERS})
    assert (add.waits[0].seconds_high or 0) < 0.1 < (validate.waits[0].seconds_high or 0)


HOURS = Size(2_000_000_000, 200_000_000_000)
UPDATE = Effects("UPDATE users SET nick = lower(name)", writes=(Write(USERS, updated=3),))


@pytest.mark.parametrize(
    ("statements", "size", "severity"),
    [
        ((UPDATE,), HOURS, "block"),
        ((UPDATE,), Size(41_000_000, 12_000_000_000), "review"),
        ((PLAIN, UPDATE), HOURS, "block"),
        ((UPDATE,), SIZE, None),
        ((UPDATE,), None, None),
        ((BATCH,), HOURS, None),
        ((VALIDATE,), HOURS, None),
        ((replace(VALIDATE, autocommit=False),), HOURS, "review"),
    ],
)
def test_what_outlasts_an_invocation_must_be_able_to_go_on(
    statements: tuple[Effects, ...], size: Size | None, severity: str | None
) -> None:
    found = [finding for finding in told(*statements, size=size) if finding.rule == "DM191"]
    assert [(each.severity, each.statement) for each in found] == (
        [(severity, len(statements))] if severity else []
    )


START = (("relation", USERS, "r|p"), ("column", f"{USERS}.name", "text"))
ADDED = Effects(PLAIN.sql, acts=(Act("add column", USERS, f"{USERS}.nick"),), operation="backfill")


def kind_of(*revisions: RevisionEvidence) -> list[str]:
    """The phases of the revisions after the first."""
    evidence = history(seen("a1", changes=START), *revisions)
    names = [each.revision for each in revisions]
    return [phase.kind for phase in phases(evidence, ["a1"], names).values()]


def test_filling_a_column_that_nobody_knows_yet_is_a_part_of_making_it() -> None:
    column = (("column", f"{USERS}.nick", "text"),)
    new = (f"{USERS}.nick",)
    together = seen("b2", ("a1",), changes=column, statements=(ADDED, BATCH), overwrites=new)
    assert kind_of(together) == ["expand"]
    apart = seen("b2", ("a1",), changes=column, statements=(ADDED,))
    filled = seen("c3", ("b2",), statements=(BATCH,), overwrites=new)
    assert kind_of(apart, filled) == ["expand", "migrate"]
    known = replace(BATCH, sql=BATCH.sql.replace("nick =", "name ="))
    both = seen("b2", ("a1",), changes=column, statements=(ADDED, known), overwrites=(f"{USERS}.name",))
    assert kind_of(both) == ["mixed"]
