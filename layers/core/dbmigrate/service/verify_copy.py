"""Verify the copy: is what was restored whole, and what its own ledger says that it is?"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from dbmigrate.domain.comparison import EMPTY, Pair, alone, pair
from dbmigrate.domain.errors import DatabaseUnreachable, IntegrityFailed, WrongEnvironment, WrongInstance
from dbmigrate.domain.examination import Answer, Examination, Known
from dbmigrate.domain.integrity import (
    ENTRIES,
    HEAP,
    LINK,
    ROWS,
    Unit,
    catalog_trouble,
    emptied,
    revision_trouble,
    row_notes,
)
from dbmigrate.domain.recovery import DIRECTION
from dbmigrate.domain.standing import Standing
from dbmigrate.service.ports import Instance, Notebook, RecoveryLog

MOST_DAMAGES, MOST_NOTES = 20, 40


def verify_copy(
    recovery: str,
    plan: Mapping[str, Any],
    cursor: Mapping[str, Any] | None,
    copy: Instance,
    old: Instance,
    notebook: Notebook,
    log: RecoveryLog,
    until: float,
    budget: float,
    now: float,
) -> dict[str, Any]:
    """Look at the copy until a moment of time.monotonic: status working with a cursor for the next slice, or
    done with the checks that were made, notes, and how much was read; then the copy bears the recovery's
    mark.

    ``budget`` is for how many seconds all slices of a recovery go on, for which the application waits; what
    was not looked at by then is told. A drill, which proves a backup, takes its time.

    Raises IntegrityFailed naming the damage, WrongInstance when the copy is the live database.
    """
    known = log.get(recovery)
    if known and known.behind_swap:
        return {"status": "done", "cursor": None, **known.facts.get("integrity", {"checks": [], "notes": []})}
    began = time.monotonic()
    mine = copy.known(recovery)
    theirs = _known(old, recovery)
    _refuse_live(copy, old, mine, theirs)
    kept = notebook.read(recovery) if cursor else None
    work = Examination.from_json(kept) if kept else _begin(copy, old if theirs else None)
    pairs = _pairs(mine, theirs, work)
    questions, notes = copy.questions()
    todo = [*work.unread("copy", list(pairs.values())), *(q for q in questions if q.id not in work.done)]
    damage = list(_looked(copy.examine(todo, mine.tables, pairs, until), work))
    left = [*work.unread("copy", list(pairs.values())), *(q for q in questions if q.id not in work.done)]
    work.seconds += time.monotonic() - began
    recovers = plan.get("kind", DIRECTION) == DIRECTION
    over = not left or recovers and work.seconds >= budget
    partly = {unit.subject for unit in left if unit.kind == ROWS}
    if over:
        damage += _counted(work, mine, theirs, partly)
    if damage:
        raise _damaged(copy, plan, damage)
    notebook.write(recovery, work.to_json())
    if not over:
        return {"status": "working", "cursor": {"left": len(left), "of": len(todo)}}
    copy.mark(recovery, stays_open=recovers)
    checks = [*work.checks, *_checks(questions, left)]
    told = [*_not_verified(left), *work.notes, *notes, *_further(work, mine, partly)]
    found = {"checks": checks, "notes": told[:MOST_NOTES]}
    if known:
        log.put(known.reached("verified", now, integrity=found))
    read = {"rows": sum(reading.rows for reading in work.copy.values()), "tables": len(work.copy)}
    return {"status": "done", "cursor": None, **found, **read}


def _known(old: Instance, recovery: str) -> Known | None:
    """The old instance bears the copy out where it answers; a drill's copy, or that of a broken instance, can
    be looked at without it."""
    with suppress(DatabaseUnreachable):
        return old.known(recovery)
    return None


def _refuse_live(copy: Instance, old: Instance, mine: Known, theirs: Known | None) -> None:
    if copy.place == old.place or (theirs and (theirs.identity == mine.identity or theirs.marked)):
        raise WrongInstance(
            f"{copy.place} is not the copy: the application's name leads to the same server.",
            "db-migrate status",
        )


def _begin(copy: Instance, old: Instance | None) -> Examination:
    """The first slice: what needs no row to be read."""
    try:
        standing = copy.look()
    except WrongEnvironment as error:
        raise IntegrityFailed(f"{copy.place}: {error.message}", "restore a backup of this one") from error
    witness: Standing | None = old.look() if old else None
    damage, notes = catalog_trouble(standing, witness)
    damage += revision_trouble(standing, witness)
    if damage:
        raise IntegrityFailed(_lines(f"The copy at {copy.place} is not what its ledger says", damage), LOOK)
    notes += [
        f"index {name} is invalid, as it was when the backup was made" for name in standing.invalid_indexes
    ]
    notes += [] if old else ["the old instance does not answer, so nothing was held against it"]
    return Examination(checks=["environment", "revision", "catalog"], notes=notes)


LOOK = "restore another moment: db-migrate recover --to-time T"


def _pairs(mine: Known, theirs: Known | None, work: Examination) -> dict[str, Pair]:
    """Each table that can be read, by the columns that it has in common with the old one: so that one reading
    serves the comparison as well."""
    there = theirs.tables if theirs else {}
    for table in mine.tables.values():
        if not table.readable:
            work.out.setdefault(table.name, "we may not read it on the copy")
    return {
        name: pair(there[name], table) if name in there else alone(table)
        for name, table in mine.tables.items()
        if name not in work.out
    }


def _looked(answers: Iterable[Answer[Unit, Any]], work: Examination) -> Iterable[str]:
    """Keep what was seen; yields what is damaged."""
    for answer in answers:
        unit, trouble = answer.item, answer.trouble
        if trouble and trouble.kind == "damaged":
            yield f"{unit.kind} of {unit.subject} cannot be read: {trouble.words}"
        elif trouble and unit.kind == ROWS:
            work.out[unit.subject] = f"not read: {trouble.words}"
        elif trouble:
            work.notes.append(f"{unit.kind} {unit.subject} was not checked: {trouble.words}")
        elif unit.kind == ROWS:
            work.copy[unit.subject].found[str(unit.number)] = list(answer.result or EMPTY)
        elif unit.kind == LINK and answer.result:
            yield f"foreign key {unit.subject} does not hold: nothing is there for {answer.result}"
        elif unit.kind == HEAP and answer.result:
            yield f"table {unit.subject}: {answer.result}"
        elif unit.kind == ENTRIES:
            work.entries[unit.subject] = int(answer.result or 0)
        if unit.kind != ROWS:
            work.done.append(unit.id)


def _rows(work: Examination, partly: Collection[str]) -> dict[str, int]:
    """Of each table that was read to its end."""
    return {name: reading.rows for name, reading in work.copy.items() if name not in partly}


def _counted(work: Examination, mine: Known, theirs: Known | None, partly: Collection[str]) -> list[str]:
    """What only shows when every row was read."""
    rows = _rows(work, partly)
    lost = [
        f"table {name} has {rows[name]:,} rows, its primary key knows of {count:,}"
        for name, count in sorted(work.entries.items())
        if name in rows and rows[name] != count
    ]
    if mine.mark is None or theirs is None:
        return lost
    unwritten = theirs.counted.unwritten_since(mine.mark.counters)
    return [*lost, *emptied(rows, mine.mark.counters.tables, unwritten)]


def _not_verified(left: Sequence[Unit]) -> list[str]:
    """What there was no time for, as sentences; a table once, and how many more there are."""
    told = dict.fromkeys(f"{'table' if unit.kind == ROWS else unit.kind} {unit.subject}" for unit in left)
    lines = [f"NOT verified: {what}, the time for it was over" for what in told]
    more = [f"NOT verified: {len(lines) - MOST_DAMAGES} more, the time was over"]
    return lines[:MOST_DAMAGES] + more * (len(lines) > MOST_DAMAGES)


def _further(work: Examination, mine: Known, partly: Collection[str]) -> list[str]:
    rows = _rows(work, partly)
    found = [f"{name} was not read: {why}" for name, why in sorted(work.out.items())]
    found += [f"database {name} goes back as well, and is not examined" for name in mine.others]
    return found + (row_notes(rows, mine.mark.counters.tables) if mine.mark else [])


def _checks(questions: Sequence[Unit], left: Sequence[Unit]) -> list[str]:
    """Those that were made to their end."""
    words = {LINK: "foreign keys", ENTRIES: "rows against their primary keys", ROWS: "every row was read"}
    asked, missed = (
        dict.fromkeys(words.get(each.kind, "indexes and heaps (amcheck)") for each in units)
        for units in (questions, left)
    )
    return [what for what in (words[ROWS], *asked) if what not in missed]


def _damaged(copy: Instance, plan: Mapping[str, Any], damage: Sequence[str]) -> IntegrityFailed:
    what = plan.get("snapshot") or plan.get("time")
    return IntegrityFailed(_lines(f"What was restored from {what} is damaged ({copy.place})", damage), LOOK)


def _lines(head: str, lines: Sequence[str]) -> str:
    more = [f"  and {len(lines) - MOST_DAMAGES} more"] if len(lines) > MOST_DAMAGES else []
    return "\n".join([f"{head}:", *(f"  {line}" for line in lines[:MOST_DAMAGES]), *more])
