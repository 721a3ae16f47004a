"""Long work as a line: where it is, how much is done, how long it may take yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dbmigrate.adapters.history import History
from dbmigrate.domain.standing import from_label
from dbmigrate.domain.unfinished import COMMITS_INSIDE
from dbmigrate.domain.words import duration
from dbmigrate_cli.options import Options


def told(work: Mapping[str, Any]) -> str:
    """A Progress in its JSON form, for people: revision first, as it answers "which one"."""
    revision = f"{work['revision']}  " if work.get("revision") else ""
    return f"{revision}{work['operation']} {work['table']}, {how_far(work)}"


def how_far(work: Mapping[str, Any]) -> str:
    """The step, and how much of it is done."""
    step = work["step"] or "begun"
    parts = [f"step {work['number']}/{work['of']}: {step}" if work["of"] > 1 else step]
    parts += [work["detail"]] if work.get("detail") else []
    parts += _amount(work)
    left = work.get("seconds_left")
    parts += [_left(left)] if left is not None and not work.get("paused") else []
    parts += ["paused"] if work.get("paused") else []
    return ", ".join(part for part in parts if part)


def _left(seconds: float) -> str:
    return f"{'about ' if seconds >= 1 else ''}{duration(seconds)} left"


def _amount(work: Mapping[str, Any]) -> list[str]:
    done, total, percent = (work.get(key) for key in ("rows_done", "rows_total", "percent"))
    if percent is None and done is not None and total:
        percent = min(100.0 * done / total, 100.0)
    share = f"{percent:.0f} %" if percent is not None else ""
    if done is None:
        return [share] if share else []
    rows = f"{done:,} of {total:,} rows" if total else f"{done:,} rows"
    return [f"{rows} ({share})" if share else rows]


def unfinished_fields(
    lines: Sequence[Mapping[str, Any]], running: Sequence[Mapping[str, Any]] = ()
) -> list[tuple[str, str]]:
    """What revisions have begun and not ended, as a field; none where there is nothing. ``running`` are the
    runs that are open."""
    told_lines = "\n".join(_unfinished(line, running) for line in lines)
    return [("unfinished", told_lines)] if lines else []


def _unfinished(line: Mapping[str, Any], running: Sequence[Mapping[str, Any]]) -> str:
    """One line of the journal."""
    revision = f"{line['revision']}  " if line["revision"] else ""
    if line["operation"] == COMMITS_INSIDE:
        return f"{revision}committed: {'; '.join(line['statements'])}"
    what = " ".join(filter(None, (line["operation"], line["table"])))
    what += f" ({line['name']})" if line["name"] else ""
    if line["finished"]:
        return f"{revision}{what}: done"
    paused = any(run.get("wish") == "pause" for run in running)
    left = _seconds_left(line) if running and not paused and line.get("pid") else None
    worker = f", pid {line['pid']} is at it" if line.get("pid") else ""
    return f"{revision}{what}, {how_far({**line, 'seconds_left': left, 'paused': paused})}{worker}"


def _seconds_left(line: Mapping[str, Any]) -> float | None:
    """As PostgreSQL's or the operation's own word, else by how long the rows took that are done."""
    done, total = line.get("rows_done"), line.get("rows_total")
    told: float | None = line.get("seconds_left")
    if told is not None or not done or not total:
        return told
    took = datetime.now(UTC) - datetime.fromisoformat(line["began_at"])
    return float(max(took.total_seconds() * (total - done) / done, 0.0))


def way_on(
    options: Options, lines: Sequence[Mapping[str, Any]], current: str, history: History | None = None
) -> str:
    """What brings the revision to its end that these lines are of. A current one was being undone; one that
    no file is of can go nowhere."""
    revision = lines[-1]["revision"] if lines else ""
    if revision and revision in from_label(current):
        undone = "" if options.environment == "development" else " --run RUN"
        return f"{options.command} rollback{options.flag}{undone} goes on where it stopped"
    deploy = f"{options.command} deploy{options.flag}"
    if revision and history and revision not in history.revisions:
        return f"bring the file of revision {revision} back (is it on another branch?), then: {deploy}"
    return f"{deploy} goes on where it stopped"


def wished(run: Mapping[str, Any]) -> str:
    """What somebody wishes of a run that is under way, "" when nobody does."""
    words = {"pause": "paused", "stop": "being stopped"}.get(run.get("wish") or "", "")
    return f"{words} by {run['wished_by']} since {run['wished_at']}" if words else ""
