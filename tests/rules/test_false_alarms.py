"""What looks dangerous and is not: no rule says a word, however large the tables are."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rules.case import Case, judged
from tests.rules.conftest import Scratch

REVISION = '''"""Because a test wants it.

Rollback: as below.
"""
from alembic import op


def upgrade() -> None:
{up}


def downgrade() -> None:
{down}
'''
REBUILD_STATES = """
CREATE TYPE order_states_again AS ENUM ('open', 'paid', 'sent')
DROP VIEW open_orders
ALTER TABLE orders ALTER state DROP DEFAULT
ALTER TABLE orders ALTER state TYPE order_states_again USING state::text::order_states_again
ALTER TABLE orders ALTER state SET DEFAULT 'open'
DROP TYPE order_state
ALTER TYPE order_states_again RENAME TO order_state
CREATE VIEW open_orders AS SELECT id, user_id, placed_at FROM orders WHERE state = 'open'
"""
NEW_TABLE = """
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, text varchar(10), kind text)
INSERT INTO notes (text, kind) SELECT 'note', 'plain' FROM generate_series(1, 10)
ALTER TABLE notes ADD COLUMN token uuid DEFAULT gen_random_uuid()
ALTER TABLE notes ADD CONSTRAINT pk_notes PRIMARY KEY (id)
ALTER TABLE notes ADD CONSTRAINT ck_notes_kind CHECK (kind IN ('plain', 'rich'))
ALTER TABLE notes ALTER text SET NOT NULL
ALTER TABLE notes ALTER text TYPE varchar(5)
CREATE UNIQUE INDEX uq_notes_token ON notes (token)
UPDATE notes SET kind = 'rich'
ALTER TABLE notes ENABLE ROW LEVEL SECURITY
DROP INDEX uq_notes_token
LOCK TABLE notes
"""
SILENT = {
    "varchar wider": (
        "ALTER TABLE users ALTER name TYPE varchar(200)",
        "ALTER TABLE users ALTER name TYPE varchar(100)",
    ),
    "varchar to text": (
        "ALTER TABLE users ALTER name TYPE text",
        "ALTER TABLE users ALTER name TYPE varchar(100)",
    ),
    "numeric wider": (
        "ALTER TABLE refunds ALTER amount TYPE numeric(12, 2)",
        "ALTER TABLE refunds ALTER amount TYPE numeric(10, 2)",
    ),
    "constant default": (
        "ALTER TABLE orders ADD COLUMN priority integer NOT NULL DEFAULT 5",
        "ALTER TABLE orders DROP COLUMN priority",
    ),
    "default now()": (
        "ALTER TABLE orders ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now()",
        "ALTER TABLE orders DROP COLUMN seen_at",
    ),
    "nullable column": (
        "ALTER TABLE orders ADD COLUMN remark text",
        "ALTER TABLE orders DROP COLUMN remark",
    ),
    "timestamptz in UTC": (
        "ALTER TABLE documents ALTER written_at TYPE timestamptz",
        "ALTER TABLE documents ALTER written_at TYPE timestamp",
    ),
    "enum value": ("ALTER TYPE order_state ADD VALUE 'lost'", REBUILD_STATES),
    "a table of the same revision": (NEW_TABLE, "DROP TABLE notes"),
    "comment and storage parameters": (
        "COMMENT ON TABLE orders IS 'what was bought'\nALTER TABLE orders SET (fillfactor = 90)\n"
        "ALTER TABLE orders ALTER code SET STATISTICS 500",
        "ALTER TABLE orders ALTER code SET STATISTICS -1\nALTER TABLE orders RESET (fillfactor)\n"
        "COMMENT ON TABLE orders IS NULL",
    ),
    "a view": (
        "CREATE VIEW big_orders AS SELECT id FROM orders WHERE total > 1000",
        "DROP VIEW big_orders",
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said(name: str, tmp_path: Path, scratch: Scratch) -> None:
    up, down = SILENT[name]
    case = _case(tmp_path, up, down)
    assert judged(case, tmp_path / "project", scratch(case)) == []


def test_not_null_under_a_valid_check_reads_nothing(tmp_path: Path, scratch: Scratch) -> None:
    check = "ALTER TABLE orders ADD CONSTRAINT ck CHECK (code IS NOT NULL) NOT VALID"
    validate = "ALTER TABLE orders VALIDATE CONSTRAINT ck"
    steps = [
        (check, "ALTER TABLE orders DROP CONSTRAINT ck"),
        (validate, f"ALTER TABLE orders DROP CONSTRAINT ck\n{check}"),
        ("ALTER TABLE orders ALTER code SET NOT NULL", "ALTER TABLE orders ALTER code DROP NOT NULL"),
    ]
    files = [_case(tmp_path, *step, number=number).files[0] for number, step in enumerate(steps)]
    case = Case(tuple(files))
    found = judged(case, tmp_path / "project", scratch(case))
    assert [finding for finding in found if finding.scans or finding.severity == "block"] == []


def _case(folder: Path, up: str, down: str, number: int = 0) -> Case:
    folder = folder / "silent"
    folder.mkdir(exist_ok=True)
    path = folder / f"step_{number}.py"
    path.write_text(REVISION.format(up=_body(up), down=_body(down)))
    return Case((path,))


def _body(sql: str) -> str:
    return "\n".join(f"    op.execute({line!r})" for line in sql.strip().splitlines())
