"""How a drill can end, in the words of its notices."""

from __future__ import annotations

from dbmigrate.domain.outcome import Outcome

DRILL = "db-migrate --environment {environment} drill"

DRILL_OUTCOMES = {
    "DrillPassed": Outcome(
        "drill passed", "A backup was restored, found whole, and deleted again.", failed=False
    ),
    "DrillFailed": Outcome(
        "DRILL FAILED",
        "A recovery, or the pending bundle, would fail like this. The copy was deleted; the database was not "
        "touched.",
        DRILL,
    ),
    "DrillRefused": Outcome("drill refused", "There was no backup that could be restored.", DRILL),
    "DrillLeftBehind": Outcome(
        "DRILL LEFT ITS COPY BEHIND",
        "The restored copy could not be deleted: it costs money, and it holds all the data.",
        "db-migrate --environment {environment} drill --discard {run}",
    ),
    "DrillDiscarded": Outcome(
        "copy of a drill deleted",
        "A drill was cut off, or it left its copy behind. It is deleted now.",
        failed=False,
    ),
}
