"""The smoke queries of the sample history are answered at every revision where they are asked."""

from __future__ import annotations

from tests.migrations.history import MIGRATIONS, History

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history


def test_at_every_revision_up_and_down(history: History) -> None:
    known, database = load_history(MIGRATIONS), Database(target_from_url(history.url), "development")
    smoke = known.smoke_queries()
    asked: set[int] = set()
    ways = [(history.upgrade, revision) for revision in known.order]
    ways += [(history.downgrade, revision) for revision in (*reversed(known.order[:-1]), "base")]
    for move, revision in ways:
        move(revision)
        due = [query for query in smoke if query.is_due(known.applied(database.current()))]
        assert database.unanswered(due) == [], revision
        asked |= {query.number for query in due}
    assert asked == {query.number for query in smoke}
