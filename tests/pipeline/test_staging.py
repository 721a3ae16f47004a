"""Staging: approval, backup, automatic rollback, notices."""

from __future__ import annotations

from tests.pipeline.histories import DROPS, FAILS_ON_ONE_ROW, NOTES, ORDERS, UNIQUE
from tests.pipeline.pipeline import Pipeline

from dbmigrate.domain.stats import Stats

# Somebody's event trigger builds an index that no revision knows, as soon as the column is there.
MEDDLER = [
    """CREATE FUNCTION dbmigrate.meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
         IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'note') THEN
           CREATE INDEX IF NOT EXISTS by_meddler ON orders (note);
         END IF;
       END $$""",
    """CREATE EVENT TRIGGER meddle ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
         EXECUTE FUNCTION dbmigrate.meddle()""",
]
TWO_ROWS = "INSERT INTO orders (id, email) VALUES (1, 'ada@example.com'), (2, 'ada@example.com')"


def test_a_run_from_bundle_to_notice(staging: Pipeline) -> None:
    ending = staging.deploy([ORDERS, NOTES])
    assert ending.outcome == "Succeeded", ending
    assert staging.revision == "0002" and staging.columns("orders") == {"id", "email", "note"}
    assert [
        state for state in ending.states if state in ("Start the backup", "Request approval", "Upgrade")
    ] == [
        "Start the backup",
        "Request approval",
        "Upgrade",
        "Upgrade",
    ]
    assert len(staging.notices()) == 1 and "staging" in staging.notices()[0]


def test_the_ledger_tells_who_when_and_what(staging: Pipeline) -> None:
    staging.deploy([ORDERS, NOTES])
    run = staging.query("SELECT requested_by, approved_by, outcome, ended_at IS NOT NULL FROM dbmigrate.run")
    assert run == [("developer@example.com", "approver@example.com", "Succeeded", True)]
    assert staging.query("SELECT revision, direction FROM dbmigrate.revision ORDER BY id") == [
        ("0001", "upgrade"),
        ("0002", "upgrade"),
    ]


def test_who_cannot_reach_the_database_asks_for_its_sizes(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    answer, failed = staging.cloud.invoke("InspectFunction", {"question": "sizes"})
    assert failed is None
    told = Stats.from_json(answer, "the answer")
    assert told.sizes["public.orders"].bytes > 0
    assert told.major == 15 and told.model is not None and told.model.memory_bytes > 0


def test_nothing_pending_asks_nobody(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    mails = len(staging.cloud.mailbox.mails)
    ending = staging.deploy([ORDERS])
    assert ending.outcome == "NothingPending" and "Start the backup" not in ending.states
    assert not [mail for mail in staging.cloud.mailbox.mails[mails:] if mail.link]


def test_rejected(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    status, _ = staging.decide(arn, "reject", comment="not before the release")
    ending = staging.end(arn)
    assert status == 200 and ending.outcome == "ApprovalRejected"
    assert "approver@example.com" in ending.cause and "not before the release" in ending.cause
    assert staging.revision is None


def test_approval_expired(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    link = staging.link(arn)
    staging.cloud.expire_approval(arn)
    assert staging.end(arn).outcome == "ApprovalExpired"
    assert staging.revision is None
    assert link.startswith("http://127.0.0.1:")


def test_a_failed_backup_stops_the_run(staging: Pipeline) -> None:
    staging.cloud.snapshots.fail_next()
    ending = staging.deploy([ORDERS])
    assert ending.outcome == "BackupFailed" and "Request approval" not in ending.states
    assert staging.revision is None


def test_a_revision_that_fails_half_way_is_rolled_back(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    staging.query(TWO_ROWS)
    ending = staging.deploy([ORDERS, NOTES, UNIQUE])
    assert ending.outcome == "RolledBack", ending
    assert "one_email" in ending.cause
    assert staging.revision == "0001" and staging.columns("orders") == {"id", "email"}
    assert staging.query("SELECT id, email FROM orders ORDER BY id") == [
        (1, "ada@example.com"),
        (2, "ada@example.com"),
    ]


def test_nothing_applied_is_nothing_to_roll_back(staging: Pipeline) -> None:
    staging.deploy([ORDERS, NOTES])
    staging.query(TWO_ROWS)
    ending = staging.deploy([ORDERS, NOTES, UNIQUE])
    assert ending.outcome == "RevisionFailed" and "Roll back" not in ending.states
    assert staging.revision == "0002" and staging.columns("orders") == {"id", "email", "note"}


def test_a_failed_verification_is_rolled_back(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    for statement in MEDDLER:
        staging.query(statement)
    ending = staging.deploy([ORDERS, NOTES])
    assert ending.outcome == "RolledBack", ending
    assert "VerificationFailed" in ending.cause and "by_meddler" in ending.cause
    assert staging.columns("orders") == {"id", "email"}


def test_what_is_not_proved_lossless_waits_for_a_person(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    staging.query("INSERT INTO orders (id, email) VALUES (1, 'ada@example.com')")
    ending = staging.deploy([ORDERS, DROPS, FAILS_ON_ONE_ROW])
    assert ending.outcome == "NeedsManualRollback" and "Roll back" not in ending.states, ending
    run = staging.query("SELECT name FROM dbmigrate.run ORDER BY started_at DESC LIMIT 1")[0][0]
    assert ending.cause.endswith(f"Run: db-migrate --environment staging recover --before-run {run}")
    notice = staging.notice()
    assert "0002 drops public.orders.email" in notice and "Severity:     critical" in notice
    assert staging.revision == "0002"


def test_drift_is_refused_by_name(staging: Pipeline) -> None:
    staging.deploy([ORDERS])
    staging.query("ALTER TABLE orders ADD by_hand integer")
    ending = staging.deploy([ORDERS, NOTES])
    assert ending.outcome == "ValidationFailed"
    assert "DriftFound" in ending.cause and "table public.orders: column by_hand" in ending.cause


WEAK = {
    "approval": {"status": "approved"},
    "backup": {"status": "available"},
    "phase": "rollback",
    "policy": {"approval": "skipped", "backup": "skipped", "rollback": "manual", "notification": "silent"},
    "APPROVAL": "skipped",
    "plan": {"pending": []},
    "force": "true",
}


def test_the_input_cannot_switch_anything_off(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]), **WEAK)
    assert staging.asks(arn)
    ending = staging.finish(arn)
    assert ending.outcome == "Succeeded" and "Start the backup" in ending.states
    assert len(staging.notices()) == 1
