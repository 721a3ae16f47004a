"""The rehearsal: every revision runs up, down and up again on an empty scratch database, and what it does is
written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, event

from dbmigrate.adapters import catalog
from dbmigrate.adapters.connection import Limits, Target, connected
from dbmigrate.adapters.history import History
from dbmigrate.adapters.runner import Move
from dbmigrate.domain.catalog import Catalog, changes_between, fingerprint
from dbmigrate.domain.errors import DbMigrateError, RehearsalFailed
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.statements import deletes, overwrites, retyped

Progress = Callable[[int, int, str], None]


def rehearse(
    history: History, scratch: Target, progress: Progress = lambda done, total, revision: None
) -> Evidence:
    """Run the whole history on ``scratch``, an empty database that nobody else uses, and return the evidence.

    A way back that fails or leads elsewhere is written down and does not stop the rehearsal. Raises
    RehearsalFailed when an upgrade fails.
    """
    seen: dict[str, RevisionEvidence] = {}
    with connected(scratch, Limits(application="db-migrate rehearsal")) as connection:
        major, _ = catalog.server_version(connection)
        before = empty = _committed(connection, catalog.snapshot)
        for number, revision in enumerate(history.order):
            progress(number, len(history.order), revision)
            seen[revision], before = _rehearse_one(connection, history, revision, before)
            if not seen[revision].round_trip and _committed(connection, catalog.snapshot) != before:
                before = _made_anew(connection, history.order[: number + 1], history, empty)
    return Evidence(server_major=major, order=history.order, revisions=seen)


def _rehearse_one(
    connection: Connection, history: History, revision: str, before: Catalog
) -> tuple[RevisionEvidence, Catalog]:
    columns = _committed(connection, catalog.columns_by_identity)
    with _written_down(connection) as statements:
        _upgrade(connection, history, revision)
    autocommit = bool(connection.info["autocommit_used"])
    after = _committed(connection, catalog.snapshot)
    lost = _dropped(columns, _committed(connection, catalog.columns_by_identity))
    trouble = _there_and_back(connection, history, revision, before, after)
    facts = history.revisions[revision]
    sql = [statement for statement in statements if not _alembics_own(statement)]
    return (
        RevisionEvidence(
            revision=revision,
            down=facts.down,
            file=facts.file,
            source_digest=facts.source_digest,
            doc=facts.doc,
            fingerprint=fingerprint(after),
            changes=changes_between(before, after),
            sql=tuple(sql),
            autocommit=autocommit,
            round_trip=trouble is None,
            round_trip_error=trouble,
            drops=lost,
            overwrites=tuple(sorted({*overwrites(sql), *retyped(before, after)})),
            deletes=tuple(deletes(sql)),
        ),
        after,
    )


def _upgrade(connection: Connection, history: History, revision: str) -> None:
    try:
        Move(connection, history, "upgrade", _no_record).run([revision])
    except DbMigrateError as error:
        raise RehearsalFailed(
            f"The rehearsal on a scratch database failed. {error.message}",
            "mend the revision, then: db-migrate validate",
        ) from error


def _there_and_back(
    connection: Connection, history: History, revision: str, before: Catalog, after: Catalog
) -> str | None:
    """What is wrong with the way back; None when both catalogs came out the same."""
    found = []
    for way in ("downgrade", "upgrade"):
        try:
            Move(connection, history, way, _no_record).run([revision])
        except DbMigrateError as error:
            return f"the {'' if way == 'downgrade' else 'second '}{way} fails: {error.message}"
        found.append(_committed(connection, catalog.snapshot))
    for name, wanted, came_out in zip(("downgrade", "second upgrade"), (before, after), found, strict=True):
        different = changes_between(wanted, came_out)
        if different:
            return f"the {name} leaves other objects: " + ", ".join(
                f"{kind} {what}" for kind, what, _ in different[:5]
            )
    return None


def _made_anew(connection: Connection, revisions: Sequence[str], history: History, empty: Catalog) -> Catalog:
    """What is left of a bad way back is no ground for the next revision: begin again from the empty database,
    upgrades only. Returns the catalog."""
    catalog.drop_everything(connection, extensions=empty.get("extension", {}))
    connection.commit()
    for revision in revisions:
        _upgrade(connection, history, revision)
    return cast(Catalog, _committed(connection, catalog.snapshot))


def _no_record(connection: Connection, revision: str, seconds: float, lock_waits: int) -> None:
    """Nothing is recorded about a scratch database."""


def _committed(connection: Connection, read: Callable[[Connection], Any]) -> Any:
    found = read(connection)
    connection.commit()
    return found


def _dropped(before: dict[tuple[int, int], str], after: dict[tuple[int, int], str]) -> tuple[str, ...]:
    """Columns that lost their identity; a table with all its columns gone is named once."""
    gone = sorted(name for key, name in before.items() if key not in after)
    relations = {relation for relation, _ in after}
    tables = {name.rpartition(".")[0] for (relation, _), name in before.items() if relation not in relations}
    return tuple(sorted(tables)) + tuple(name for name in gone if name.rpartition(".")[0] not in tables)


@contextmanager
def _written_down(connection: Connection) -> Iterator[list[str]]:
    """Every statement that runs meanwhile, with the values that went along."""
    statements: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        values = f"  -- with {parameters!r}" if parameters else ""
        statements.append(statement.strip() + values)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(connection, "before_cursor_execute", note)


def _alembics_own(statement: str) -> bool:
    return bool(
        re.search(
            r"\balembic_version\b|^SELECT pg_catalog\.|^show |^select pg_catalog", statement, re.IGNORECASE
        )
    )
