"""A policy row is complete or it is none."""

from __future__ import annotations

import pytest

from dbmigrate.domain.errors import ForceRefused, MissingPolicy, ResetRefused
from dbmigrate.domain.policy import WORDS, Policy

ROW = {
    "ENVIRONMENT": "staging", "APPROVAL": "required", "BACKUP": "required", "ROLLBACK": "automatic",
    "NOTIFICATION": "sent", "RESET": "refused", "FORCE": "with-reason", "MAX_BACKUP_AGE": "3600",
    "BACKUP_BUDGET": "7200", "APPROVAL_EXPIRY": "86400", "BAKE_TIME": "0", "PRECEDED_BY": "",
    "BLOCKERS": "waited",
}  # fmt: skip


def policy(**more: str) -> Policy:
    return Policy.from_mapping({**ROW, **more})


def test_a_whole_row() -> None:
    assert policy() == Policy(
        "staging",
        "required",
        "required",
        "automatic",
        "sent",
        "refused",
        "with-reason",
        3600,
        7200,
        86400,
        0,
        "",
        "waited",
    )


@pytest.mark.parametrize("cell", [cell for cell in ROW if cell != "PRECEDED_BY"])
def test_a_missing_cell_is_named(cell: str) -> None:
    with pytest.raises(MissingPolicy, match=cell) as refused:
        Policy.from_mapping({key: value for key, value in ROW.items() if key != cell})
    assert (refused.value.exit_code, "template.yaml" in refused.value.hint) == (2, True)


@pytest.mark.parametrize("cell", [cell for cell in ROW if cell not in ("PRECEDED_BY", "ENVIRONMENT")])
@pytest.mark.parametrize("word", ["", "yes", "False", "-1", "1.5", "²", "required ", "1e3"])
def test_an_odd_cell_is_named(cell: str, word: str) -> None:
    with pytest.raises(MissingPolicy, match=cell):
        policy(**{cell: word})


def test_every_word_is_taken() -> None:
    for cell, words in WORDS.items():
        assert {getattr(policy(**{cell: word}), cell.lower()) for word in words} == words


@pytest.mark.parametrize(
    ("force", "reason", "allowed"),
    [
        ("allowed", None, True),
        ("with-reason", "the site is down", True),
        ("with-reason", None, False),
        ("with-reason", "  ", False),
        ("refused", "the site is down", False),
    ],
)
def test_who_may_force(force: str, reason: str | None, allowed: bool) -> None:
    row = policy(FORCE=force)
    row.check_force(False, reason)
    assert row.lets_force(reason) is allowed
    if allowed:
        row.check_force(True, reason)
        return
    with pytest.raises(ForceRefused) as refused:
        row.check_force(True, reason)
    assert ("--reason" in refused.value.hint) is (force == "with-reason")


def test_only_where_it_is_allowed_a_database_is_emptied() -> None:
    policy(RESET="allowed").check_reset()
    with pytest.raises(ResetRefused, match="staging is never reset"):
        policy().check_reset()
