"""The sample history with its rows in place, walked back revision by revision through staging."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.pipeline.pipeline import NUMBERS, Ending, Pipeline

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History, load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.evidence import Evidence
from dbmigrate.service.deploy_directly import deploy_directly, roll_back_directly

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
Rows = dict[str, list[str]]


@dataclass
class Walk:
    """What became of one revision. ``asked`` is what Validate says of undoing it by hand, with rows in place:
    a plan or an error. ``by_hand`` is how a run ended that did it, for some; ``failed`` how one ended that
    applied the revision and then failed, which ``notice`` told. ``rows`` are before and after that run, and
    ``stands`` is where the database stood then."""

    asked: dict[str, Any]
    by_hand: Ending | None
    failed: Ending
    notice: str
    rows: tuple[Rows, Rows]
    stands: str | None


class Samples:
    """Staging at the head of the sample history, with the rows of seed.sql."""

    def __init__(self, staging: Pipeline) -> None:
        self.staging = staging
        self.history: History = load_history(MIGRATIONS)
        self.database = Database(target_from_url(staging.server.url), "staging")
        self.evidence = self._rehearsed()
        deploy_directly("first", self.history, self.database, "ann")
        self._run((MIGRATIONS / "seed.sql").read_text())

    def walk(self, by_hand: Collection[str]) -> Iterator[tuple[str, Walk]]:
        """From the newest revision to the oldest; ``by_hand`` are undone by runs of their own."""
        for revision in reversed(self.history.order):
            yield revision, self._walk(revision, revision in by_hand)

    def _walk(self, revision: str, through_the_machine: bool) -> Walk:
        (below,) = self.history.revisions[revision].down or ("base",)
        digest = self._bundle(revision)
        asked, _ = self.staging.cloud.invoke(
            "ValidateFunction",
            {"run": f"ask-{revision}", "request": {"bundle": digest, "rollback_to": below}},
        )
        by_hand = None
        if through_the_machine:
            by_hand = self.staging.finish(self.staging.start(digest, rollback_to=below))
        else:
            self._down(revision)
        before = self.rows()
        failed = self.staging.finish(self.staging.start(self._bundle(revision, fails=True)))
        notice = self.staging.notice()
        stands = self.staging.revision
        walk = Walk(asked, by_hand, failed, notice, (before, self.rows()), stands)
        if stands == revision:
            self._down(revision)
        return walk

    def rows(self) -> Rows:
        """Every row of every table, as text."""
        tables = self.staging.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
            "AND relname <> 'alembic_version' ORDER BY 1"
        )
        return {
            table: [row[0] for row in self.staging.query(f"SELECT t::text FROM {table} t ORDER BY 1")]
            for (table,) in tables
        }

    def _down(self, revision: str) -> None:
        roll_back_directly(f"down-{next(NUMBERS)}", self.history, self.database, [revision], "ann")

    def _run(self, statements: str) -> None:
        with self.database.session() as connection:
            raw: Any = connection.connection.driver_connection
            raw.cursor().execute(statements)
            raw.commit()

    def _rehearsed(self) -> Evidence:
        postgres = self.staging.server.embedded
        assert postgres is not None
        url = postgres.create_database("samples_scratch")
        try:
            return rehearse(self.history, target_from_url(url))
        finally:
            postgres.drop_database("samples_scratch")

    def _bundle(self, head: str, fails: bool = False) -> str:
        """The history up to a revision; ``fails`` lets the application miss something once it is there."""
        order = self.history.order[: self.history.order.index(head) + 1]
        above = {self.history.revisions[each].file for each in self.history.order if each not in order}
        files = {name: body for name, body in self.history.files().items() if name not in above}
        del files["smoke.sql"]  # it names revisions that this bundle lacks
        if fails:
            files["smoke.sql"] = f"-- dbmigrate: since {head}\nSELECT false".encode()
        seen = {each: self.evidence.revisions[each] for each in order}
        content = pack(files, Evidence(self.evidence.server_major, order, seen))
        digest = digest_of(content)
        self.staging.upload(digest, content)
        return digest
