"""Which revisions are judged: what a database has not, what a pull request brings, or all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from dbmigrate.adapters.history import BASE, History
from dbmigrate.domain.errors import EditedRevision, Misconfigured, UnknownRevision
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.standing import Standing, label
from dbmigrate.service.checks import check_history
from dbmigrate_cli.context import FOLDER, try_database
from dbmigrate_cli.merge_base import MergeBase, merge_base
from dbmigrate_cli.options import Options


@dataclass(frozen=True)
class Start:
    """Where the judged revisions begin, and in words what they are compared with. ``standing`` is that of a
    database that was asked; ``base`` the merge base, where there is one."""

    revisions: tuple[str, ...]
    judged: str
    standing: Standing | None = None
    base: MergeBase | None = None


def find_start(options: Options, history: History, start: str | None, against: str | None) -> Start:
    """As --from or --against say; else what the database has not, what the pull request brings, or all.

    Raises click.UsageError, Misconfigured, UnknownRevision or EditedRevision.
    """
    if start is not None and against is not None:
        raise click.UsageError("--from and --against exclude each other.")
    if start is not None:
        return _from(history, start)
    standing = None if against else _standing_of(options, history)
    if standing is not None:
        asked = "the database" if options.url else "the development database"
        judged = f"what {asked} at {label(standing.current)} has not"
        return Start(standing.current, judged, standing, _base_if_any(history))
    base = merge_base(history, against)
    if base is not None:
        return Start(base.start(history), f"what {base.said} has not", base=base)
    return Start((), "all revisions, as there is no database and no merge base to compare with")


def _from(history: History, start: str) -> Start:
    if start != BASE and start not in history.revisions:
        raise click.BadParameter(f"revision '{start}' is not in {history.folder.name}.", param_hint="--from")
    base = _base_if_any(history)
    if start == BASE:
        return Start((), "all revisions", base=base)
    return Start((start,), f"what comes after {start}", base=base)


def _base_if_any(history: History) -> MergeBase | None:
    """Rewritten revisions are told wherever git can be asked; it is no condition here."""
    try:
        return merge_base(history, None)
    except Misconfigured:
        return None


def _standing_of(options: Options, history: History) -> Standing | None:
    """Where the database stands that --database names, or the development database where something was
    applied to it."""
    if options.url is not None:
        standing = try_database(options, lambda database: database.look())
        if standing is not None:
            check_history(history, standing)
        return standing
    if not options.direct or not (FOLDER / "postgres").is_dir():
        return None
    return _development(options, history)


def _development(options: Options, history: History) -> Standing | None:
    standing = try_database(options, lambda database: database.look())
    if standing is None or not standing.current:
        return None
    try:
        check_history(history, standing)
    except (UnknownRevision, EditedRevision) as error:
        options.output.note(f"{error.message} Going on without the development database.")
        return None
    # Its tables are never as large as those that the revisions are meant for.
    return replace(standing, sizes={})


def imagined(evidence: Evidence, current: tuple[str, ...]) -> Standing:
    """An empty database at these revisions, as the rehearsal left it."""
    return Standing(
        current=current,
        catalog=evidence.catalog_at(current),
        kept=None,
        applied={},
        runs=(),
        sizes={},
        invalid_indexes=(),
        server_major=evidence.server_major,
        server=str(evidence.server_major),
    )
