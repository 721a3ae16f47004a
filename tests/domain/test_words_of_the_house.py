"""Standings, labels and the tree of errors."""

from __future__ import annotations

import inspect
import re

import pytest

from dbmigrate.domain import errors
from dbmigrate.domain.errors import DbMigrateError, DriftFound
from dbmigrate.domain.standing import Standing, from_label, label

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DbMigrateError)]
BASES = {"Misconfigured": 2, "Refused": 3, "Failed": 1, "NeedsPerson": 4}


def standing(*runs: str | None, **applied: str) -> Standing:
    lines = [{"run": f"run-{n}", "ended_at": end, "bundle": "b"} for n, end in enumerate(runs)]
    ledger = {revision: ("digest", run) for revision, run in applied.items()}
    return Standing((), {}, None, ledger, lines, {}, [], 15, "15.1")


@pytest.mark.parametrize(("revisions", "text"), [((), "base"), (("a1",), "a1"), (("b2", "a1"), "a1,b2")])
def test_labels(revisions: tuple[str, ...], text: str) -> None:
    assert label(revisions) == text
    assert set(from_label(text)) == set(revisions)


def test_an_empty_label_is_the_base() -> None:
    assert from_label("") == ()


def test_the_open_run_holds_the_lease() -> None:
    assert standing("ended", "ended").open_run is None
    assert (standing("ended", None).open_run or {})["run"] == "run-1"


def test_what_a_run_applied_newest_first() -> None:
    ledger = standing(a1="one", b2="two", c3="one")
    assert (ledger.applied_by("one"), ledger.applied_by("none")) == (["c3", "a1"], [])


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    documented = {}
    above = {4: ""}
    for line in (errors.__doc__ or "").splitlines():
        depth = len(line) - len(line.lstrip())
        if match := re.match(r"    (\w+) {2,}", line):
            above[8] = match[1]
        elif depth >= 8:
            names = re.findall(r"\w+", line)
            documented |= {name: above[depth] for name in names}
            above[depth + 4] = names[-1]
    built = {kind.__name__: kind.__base__.__name__ for kind in KINDS if kind.__base__ is not DbMigrateError}
    assert documented == {name: base for name, base in built.items() if name != "DbMigrateError"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_meaning_and_its_exit_code(kind: type[DbMigrateError]) -> None:
    assert (kind.__doc__ or "").strip().endswith(".") or kind is DbMigrateError
    code = next((BASES[base.__name__] for base in kind.__mro__ if base.__name__ in BASES), 1)
    assert kind.exit_code == code


def test_a_message_ends_with_what_to_type() -> None:
    assert str(DbMigrateError("It broke.", "mend it")) == "It broke.\nNext: mend it"
    assert str(DbMigrateError("It broke.")) == "It broke."


def test_drift_shows_the_first_differences_and_keeps_all() -> None:
    found = DriftFound("It drifted:", [f"table {n} is missing" for n in range(30)], "look")
    assert str(found).count("is missing") == 20
    assert "and 10 more" in str(found)
    assert len(found.differences) == 30
