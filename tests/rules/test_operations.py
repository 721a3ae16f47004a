"""Every safe operation as the rules, squawk and the order of a deploy see it, on a real server with large
tables."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.adapters.project import Project
from tests.rules.case import Case, findings_of
from tests.rules.conftest import Scratch

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.adapters.squawk import lint
from dbmigrate.domain.compatibility import phases
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.text_rules import HEARD

HERE = Path(__file__).parent
BASE = "there_0"
BASE_TEXT = f"{(HERE / 'base.py').read_text()}\nrevision = {BASE!r}\ndown_revision = None\n"


@dataclass(frozen=True)
class Operated:
    """An operation, its way back, and the phase that it is."""

    up: str
    back: str
    phase: str


OPERATIONS = {
    "index": Operated(
        'op.create_index_concurrently("ix", "orders", ["code", sa.text("lower(code)")], where="total > 0")',
        'op.drop_index_concurrently("ix", "orders")',
        "expand",
    ),
    "index dropped": Operated(
        'op.drop_index_concurrently("ix_orders_placed_at")',
        'op.create_index_concurrently("ix_orders_placed_at", "orders", ["placed_at"])',
        "expand",
    ),
    "foreign key": Operated(
        'op.add_foreign_key("fk", "refunds", "orders", ["order_id"], ["id"], on_delete="CASCADE")',
        'op.drop_constraint("fk", "refunds")',
        "contract",
    ),
    "check": Operated(
        'op.add_check("ck", "orders", "total >= 0")', 'op.drop_constraint("ck", "orders")', "contract"
    ),
    "unique": Operated(
        'op.add_unique("uq", "orders", ["code"])', 'op.drop_constraint("uq", "orders")', "contract"
    ),
    "not null": Operated(
        'op.set_not_null("orders", "code")', 'op.alter_column("orders", "code", nullable=True)', "contract"
    ),
    "column with a default": Operated(
        'op.add_column_with_default("orders", sa.Column("token", sa.Uuid, nullable=False),'
        ' "gen_random_uuid()")',
        'op.drop_column("orders", "token")',
        "expand",
    ),
    "second name": Operated(
        'op.expand_column_rename("users", "nickname", "alias")',
        'op.revert_column_rename("users", "nickname", "alias")',
        "expand",
    ),
    "second type": Operated(
        'op.expand_column_type("orders", "quantity", "bigint")',
        'op.revert_column_type("orders", "quantity")',
        "expand",
    ),
    "backfill": Operated(
        """op.backfill("orders", {"code": "coalesce(code, 'none')"}, "code IS NULL")""",
        "pass",
        "migrate",
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_judged_as_what_it_is(name: str, tmp_path: Path, scratch: Scratch) -> None:
    given = OPERATIONS[name]
    evidence, case = operated(tmp_path, scratch, given.up, given.back)
    seen = evidence.revisions["a1"]
    assert seen.resumable and seen.autocommit
    assert (seen.round_trip_error, phases(evidence, [BASE], ["a1"])["a1"].kind) == (None, given.phase)
    found = findings_of(case, evidence, [BASE], ["a1"])
    assert [each for each in found if each.severity != "note"] == []
    assert heard(evidence) == []


def test_they_make_the_same_evidence_every_time(tmp_path: Path, scratch: Scratch) -> None:
    up, back = (
        "\n".join(getattr(given, way) for given in OPERATIONS.values() if given.phase != "contract")
        for way in ("up", "back")
    )
    first, _ = operated(tmp_path / "first", scratch, up, back)
    again, _ = operated(tmp_path / "again", scratch, up, back)
    assert first == again
    assert {each.operation for each in first.revisions["a1"].statements} == {
        "create_index_concurrently",
        "drop_index_concurrently",
        "add_column_with_default",
        "backfill",
        "expand_column_rename",
        "expand_column_type",
    }


def test_a_type_changes_its_place_unnoticed_and_its_end_waits_for_a_person(
    tmp_path: Path, scratch: Scratch
) -> None:
    steps = {
        "a1": (
            "op.expand_column_type('orders', 'quantity', 'bigint')",
            "op.revert_column_type('orders', 'quantity')",
        ),
        "b2": (
            "op.swap_column_type('orders', 'quantity')",
            "op.revert_swap_column_type('orders', 'quantity')",
        ),
        "c3": (
            "op.contract_column_type('orders', 'quantity')",
            "op.revert_contract_column_type('orders', 'quantity', 'integer')",
        ),
    }
    project = Project(tmp_path / "project").write(f"{BASE}.py", BASE_TEXT)
    for revision, (down, (up, back)) in zip(
        steps, zip((BASE, *steps), steps.values(), strict=False), strict=True
    ):
        project.add(revision, down, up, back)
    case = nobodys(tmp_path)
    evidence = rehearse(load_history(project.folder), target_from_url(scratch(case)))
    told = {}
    for revision in steps:
        below = [*evidence.revisions[revision].down]
        found = findings_of(case, evidence, below, [revision])
        told[revision] = {each.rule for each in found if each.severity != "note"}
    assert told == {"a1": set(), "b2": set(), "c3": {"DM101", "DM201"}}
    assert all(seen.resumable and seen.round_trip for seen in (evidence.revisions[each] for each in steps))


def operated(folder: Path, scratch: Scratch, up: str, back: str) -> tuple[Evidence, Case]:
    """The evidence of a revision above the tables of base.py."""
    project = Project(folder / "project").write(f"{BASE}.py", BASE_TEXT)
    project.add("a1", BASE, up, back, more="import sqlalchemy as sa")
    case = nobodys(folder)
    return rehearse(load_history(project.folder), target_from_url(scratch(case))), case


def nobodys(folder: Path) -> Case:
    """A case without constants of its own."""
    case = Case((folder / "none" / "good.py",))
    case.files[0].parent.mkdir(parents=True)
    case.files[0].write_text("")
    return case


def heard(evidence: Evidence) -> list[str]:
    """What squawk says that anybody listens to."""
    statements = {revision: seen.statements for revision, seen in evidence.revisions.items()}
    said = lint(Path(sys.executable).with_name("squawk"), statements, evidence.server_major)
    return [found.rule for _, found in said if found.rule in HEARD]
