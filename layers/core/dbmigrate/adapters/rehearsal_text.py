"""Statements as evidence shows them: without what a clock or a random number put into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import commonprefix
from typing import Any

from sqlalchemy import Connection, event

from dbmigrate.adapters.tracer import ALEMBICS_OWN, WITH
from dbmigrate.adapters.tracer_plans import QUERY
from dbmigrate.domain.statements import LITERAL

LONG_NUMBER = re.compile(r"\b\d{9,}(?:\.\d+)?\b")


def repeatable(first: tuple[str, ...], again: tuple[str, ...]) -> tuple[str, ...]:
    """The statements without what a clock or a random number put into them: the same revisions must make the
    same bundle, else production would never meet the one that staging proved. Where there was no second way
    up to compare with, no values are shown."""
    if len(first) != len(again):
        again = ("",) * len(first)
    return tuple(
        one if one == other else _common(one, other) for one, other in zip(first, again, strict=True)
    )


def _common(one: str, other: str) -> str:
    text, values, _ = one.partition(WITH)
    if not other or text == other.partition(WITH)[0]:
        return f"{text}{WITH}values that are not the same each time" if values and other else text
    same = commonprefix([text, other])
    return f"{same.rpartition(chr(39))[0] or same.rpartition(' ')[0]} …  -- not the same each time"


def without_values(statements: list[str]) -> tuple[str, ...]:
    """Statements that ran only once, so that nobody knows which of their values are the same each time."""
    texts = (statement.partition(WITH)[0] for statement in statements)
    return tuple(
        LONG_NUMBER.sub("…", LITERAL.sub("'…'", text)) if QUERY.match(text) else text for text in texts
    )


@contextmanager
def written_down(connection: Connection, statements: list[str]) -> Iterator[None]:
    """Add every statement that runs meanwhile to the list, with the values that went along."""

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        values = f"{WITH}{parameters!r}" if parameters else ""
        if not ALEMBICS_OWN.search(statement):
            statements.append(statement.strip() + values)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", note)
