"""The application's own queries, planned on a scratch database before and after each pending revision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from dbmigrate.adapters.connection import Target
from dbmigrate.adapters.history import History
from dbmigrate.domain.queries import Checked, Query, read_queries
from dbmigrate_cli.chain import chain
from dbmigrate_cli.context import scratch_server
from dbmigrate_cli.options import Options
from dbmigrate_cli.rehearsing import run_revisions
from dbmigrate_cli.rehearsing_child import Progress
from dbmigrate_cli.scratch import Shelf, empty_scratch

SHOWN = 10
NOT_JUDGED = "did not plan before the first revision, so nothing is said of"


def checked_queries(
    options: Options, history: History, start: Sequence[str], scratch: str | None, file: Path | None
) -> Checked:
    """What becomes of the file's queries after these revisions; nothing without a file.

    Raises BadRequest for a file without queries.
    """
    if file is None:
        return Checked()
    queries = read_queries(file.read_text(encoding="utf-8", errors="replace"))
    applied = history.applied(start)
    base = [revision for revision in history.order if revision in applied]
    pending = history.pending(tuple(start))
    with _at(options, history, scratch, base) as target:
        return run_revisions(options, target, partial(_check_apart, history, target, pending, queries))


def notes_of(checked: Checked) -> tuple[str, ...]:
    """What the report says of queries besides the findings."""
    if not checked.judged and not checked.unjudged:
        return ()
    broken = sum(map(len, checked.broken.values()))
    planned = "1 query" if checked.judged == 1 else f"{checked.judged} queries"
    found = f"{planned} planned before the first revision; {broken} no longer"
    left = [f"a query {NOT_JUDGED} it ({words}): {_short(text)}" for text, words in checked.unjudged[:SHOWN]]
    more = len(checked.unjudged) - SHOWN
    return (f"{found}.", *left, *([f"{more} more queries {NOT_JUDGED} them."] if more > 0 else []))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:120]} …"


@contextlib.contextmanager
def _at(options: Options, history: History, scratch: str | None, base: list[str]) -> Iterator[Target]:
    """A database at these revisions; on our own server a copy of the one that the rehearsal began with."""
    if scratch is not None:
        with empty_scratch(options, scratch) as target:
            run_revisions(options, target, partial(_prepare_apart, history, target, base))
            yield target
        return
    shelf = Shelf(scratch_server(options))
    name = f"kept_base_{chain(history, base)[-1]}" if base else None
    if name:
        shelf.make(
            name,
            lambda target: run_revisions(options, target, partial(_prepare_apart, history, target, base)),
        )
    with shelf.copy(name) as kept:
        yield kept.target


def _prepare_apart(history: History, target: Target, base: Sequence[str], progress: Progress) -> None:
    from dbmigrate.adapters.rehearsal import prepare_base

    prepare_base(history, target, base)


def _check_apart(
    history: History, target: Target, revisions: Sequence[str], queries: Sequence[Query], progress: Progress
) -> Checked:
    from dbmigrate.adapters.queries import check_queries

    return check_queries(history, target, revisions, queries)
