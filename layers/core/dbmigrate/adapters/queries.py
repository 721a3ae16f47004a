"""Whether the application's queries still plan after each revision. None of them is executed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pg8000.dbapi

from dbmigrate.adapters.connection import Limits, Target, connected, open_raw
from dbmigrate.adapters.history import History
from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.runner import Move
from dbmigrate.adapters.said import said
from dbmigrate.domain.queries import Checked, Query

Planner = Callable[[Query], str | None]
LIMITS = Limits(application="db-migrate queries")
SECONDS_TO_PLAN = 10
# Nothing can be written; a generic plan needs no values, and one NULL for each parameter is given to none.
BEFORE = (
    f"BEGIN READ ONLY; SET LOCAL statement_timeout = '{SECONDS_TO_PLAN}s'; "
    "SET LOCAL plan_cache_mode = force_generic_plan"
)
AFTER = "ROLLBACK; DEALLOCATE ALL"
NAME = "dbmigrate_query"


def check_queries(
    history: History, scratch: Target, revisions: Sequence[str], queries: Iterable[Query]
) -> Checked:
    """Run the revisions up on ``scratch``, a database of its own that stands just before them, and plan every
    query before them and after each; of one that no longer plans the first such revision is named.

    Raises what Move.run raises.
    """
    broken: dict[str, tuple[tuple[str, str], ...]] = {}
    with (
        _planner(scratch) as plan,
        connected(scratch, Limits(application="db-migrate queries")) as connection,
    ):
        works, unjudged = _parted(plan, queries)
        judged = len(works)
        for revision in revisions:
            Move(connection, history, "upgrade").run([revision])
            works, failed = _parted(plan, works)
            if failed:
                broken[revision] = failed
    return Checked(judged, broken, unjudged)


def plans(scratch: Target, query: Query) -> str | None:
    """PostgreSQL's words when the query does not plan on this database, None when it does."""
    with _planner(scratch) as plan:
        return plan(query)


def _parted(plan: Planner, queries: Iterable[Query]) -> tuple[list[Query], tuple[tuple[str, str], ...]]:
    works, failed = [], []
    for query in queries:
        words = plan(query)
        if words is None:
            works.append(query)
        else:
            failed.append((query.text, words))
    return works, tuple(failed)


@contextlib.contextmanager
def _planner(scratch: Target) -> Iterator[Planner]:
    """A session of its own, so that nothing which a revision sets is met by the queries."""
    raw = open_raw(scratch, LIMITS)
    try:
        yield lambda query: _plan(raw, query)
    finally:
        raw.close()


def _plan(raw: Any, query: Query) -> str | None:
    path = f"; SET LOCAL search_path = {query.search_path}" if query.search_path else ""
    values = f"({', '.join(['NULL'] * query.parameters)})" if query.parameters else ""
    try:
        execute_outside(
            raw, f"{BEFORE}{path}; PREPARE {NAME} AS {query.text}\n; EXPLAIN EXECUTE {NAME}{values}"
        )
        return None
    except pg8000.dbapi.DatabaseError as error:
        return said(error)
    finally:
        execute_outside(raw, AFTER)
