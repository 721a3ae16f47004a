"""What to type next when a revision does not run on scratch, by PostgreSQL's error code and words."""

from __future__ import annotations

from dbmigrate.adapters.said import said, sqlstate

MEND = "mend the revision, then: db-migrate validate"
# Code, words that must be in the message, and the hint.
HINTS = (
    (
        "55P04",
        "",
        "give the new enum value a revision of its own before this one: PostgreSQL lets it be used only "
        "after the COMMIT that follows it",
    ),
    (
        "0A000",
        "used by a view",
        "drop the view, change the type and make the view again, in this order and in one revision; its "
        "text: SELECT pg_get_viewdef('view')",
    ),
    (
        "25001",
        "",
        "put the statement into an autocommit_block, alone in its revision: "
        "with op.get_context().autocommit_block(): …",
    ),
    (
        "2BP01",
        "",
        "drop what depends on it by name before it; CASCADE would also take what only the live server has",
    ),
    (
        "55006",
        "pending trigger events",
        "write the rows in a revision before this one: their deferred checks run only at its COMMIT",
    ),
)


def mending(error: BaseException | None) -> str:
    """The hint for what PostgreSQL said; MEND where nothing better is known."""
    code, words = (sqlstate(error), said(error)) if error is not None else ("", "")
    found = (hint for known, part, hint in HINTS if known == code and part in words)
    return next(found, MEND)
