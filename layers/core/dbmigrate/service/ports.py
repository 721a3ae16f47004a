"""What the use cases about the database need from outside; dbmigrate.adapters has the real ones, the tests
have fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from dbmigrate.domain.blockers import Blocker, Foretold
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.standing import Standing
from dbmigrate.domain.stats import Stats
from dbmigrate.domain.unfinished import Unfinished

Committed = Callable[[str, float, int], None]
"""Hears of each committed revision: its id, its seconds, how often a lock was not free."""


class History(Protocol):
    """The revisions of a bundle or a folder; see dbmigrate.adapters.history."""

    @property
    def head(self) -> str: ...
    @property
    def order(self) -> tuple[str, ...]: ...
    def applied(self, current: Iterable[str]) -> set[str]: ...
    def pending(self, current: Iterable[str]) -> list[str]: ...
    def source_digest(self, revision: str) -> str | None: ...


class Database(Protocol):
    """The migrated database; see dbmigrate.adapters.database."""

    def look(self, before_move: bool = ...) -> Standing: ...
    def stats(self) -> Stats: ...
    def current(self) -> tuple[str, ...]: ...
    def way_of(self, run: str) -> tuple[tuple[str, ...], dict[str, str]]: ...
    def catalog(self) -> Catalog: ...
    def unfinished(self) -> list[Unfinished]: ...
    def move(
        self,
        history: Any,
        revisions: Sequence[str],
        direction: str,
        run: str,
        facts: Mapping[str, str | None],
        committed: Committed = ...,
        check: Callable[[tuple[str, ...]], None] = ...,
    ) -> None: ...
    def blockers(self, foretold: Foretold) -> list[Blocker]: ...
    def end_sessions(
        self, run: str, facts: Mapping[str, str | None], found: Sequence[Blocker]
    ) -> list[str]: ...
    def close_run(self, run: str, outcome: str, detail: str, remember: bool) -> float | None: ...
    def empty(self) -> None: ...


class Bundles(Protocol):
    """Where bundles and plans lie."""

    def get_plan(self, digest: str) -> dict[str, Any]: ...
    def put_plan(self, digest: str, plan: dict[str, Any]) -> None: ...
    def has_succeeded(self, environment: str, bundle_digest: str) -> bool: ...
    def record_success(self, environment: str, bundle_digest: str, data: dict[str, Any]) -> None: ...
    def withdraw_success(self, environment: str, bundle_digest: str, run: str) -> None: ...


OpenBundle = Callable[[str], tuple[History, Evidence]]
"""Fetch, check and unpack the bundle of a digest."""
