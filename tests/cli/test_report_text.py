"""The terminal: the verdict is the last thing that one reads, and lines fit."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import Any

import click
import pytest
from tests.cli.reports import finding, report
from tests.domain.evidences import history, plan, seen

from dbmigrate.domain.report import Report
from dbmigrate_cli.output import Output
from dbmigrate_cli.reports.text import show_report

BLOCKED = """\
Rehearsed 1 revision on PostgreSQL 15: up, down and up again.

a1  Find orders.
  expand, way back proved
  + index public.i: CREATE INDEX i ON orders (id)
  statement  table          lock   held
  1          public.orders  share  3 to 40 s

  block  DM104: index built while the application waits
    where      migrations/versions/a1.py:12, statement 1
    what       CREATE INDEX takes SHARE on public.orders.
               public.orders is read in full
    who waits  inserts, updates and deletes, for 3 to 40 s
    write instead
      def upgrade() -> None:
          op.create_index("i", "t", ["id"])

judged      what main (abc) has not
pending     1 revision, from base to a1
sizes       those of stats.json
reversible  yes, without loss
order       Deploy the schema first.
bundle      sha256:BUNDLE
verdict     Blocked: 1 finding must not reach production
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(report: Report, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    with contextlib.redirect_stdout(stream):
        show_report(Output(lambda: "text"), report)
    return stream.getvalue()


def test_a_blocked_pull_request() -> None:
    assert shown(report(finding())).replace("a" * 64, "BUNDLE") == BLOCKED


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    long = finding(
        message="Every word of this message is short and ordinary. " * 9, instead="Write less. " * 30
    )
    text = click.unstyle(shown(report(long, judged="what nobody has " * 20), Terminal()))
    longest = max(len(line) for line in text.splitlines() if "sha256" not in line)
    assert columns - 20 < longest <= columns


def test_colours_are_for_terminals() -> None:
    assert "\x1b[31" in shown(report(finding()), Terminal())
    assert "\x1b[" not in shown(report(finding()))


def test_nothing_pending_says_how_to_see_all() -> None:
    nothing = report(plan=plan(steps=(), start="a1"), evidence=history())
    assert shown(nothing) == (
        "\njudged   what main (abc) has not\n"
        "pending  nothing at a1; all of it: db-migrate validate --from base\n"
        "verdict  Passed: nothing found\n"
    )


def test_what_is_about_no_pending_revision_stands_apart() -> None:
    text = shown(report(finding(revision="z9", rule="history/edited", instead="git restore it")))
    assert "Revisions that are not pending\n\n  block  history/edited: a merged revision was edited" in text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"round_trip_error": "the downgrade fails"}, "not reversible: the downgrade fails"),
        ({"row_losses": (("t", None, 2), ("t", "c", 1))}, "lost on the way up and down: 2 rows of t\n"),
        ({"row_losses": (("t", "c", 1),)}, "lost on the way up and down: 1 row of t, column c\n"),
        ({"unseeded": ("t",)}, "judged by rule, as no row stood there when it ran: t"),
    ],
)
def test_what_the_rehearsal_saw_is_told(more: dict[str, Any], said: str) -> None:
    assert said in shown(report(evidence=history(seen("a1", **more))))


def test_many_changes_are_cut_with_a_count() -> None:
    given = report()
    step = replace(given.plan.steps[0], changes=tuple(f"+ table public.t{n}" for n in range(35)))
    assert "and 5 more (--format json shows all)" in shown(replace(given, plan=plan(steps=(step,))))


def test_losses_and_half_committed_revisions_are_told() -> None:
    step = replace(report().plan.steps[0], autocommit=True)
    text = shown(report(plan=plan(steps=(step,), losses=("a1 drops public.a",))))
    assert "reversible  no\n            a1 drops public.a" in text and "commits inside" in text
