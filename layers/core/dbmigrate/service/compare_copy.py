"""Compare the copy with the old instance: what a swap would leave behind, and what it would bring back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

from dbmigrate.domain.comparison import (
    EMPTY,
    ONLY_OLD,
    RECOVERED,
    Found,
    Pair,
    match,
    pair,
    pieces,
    report_of,
    told,
    unequal,
    whole,
)
from dbmigrate.domain.errors import IntegrityFailed
from dbmigrate.domain.examination import Examination, Known
from dbmigrate.domain.recovery import FOUND, Record, RecoveryPlan
from dbmigrate.service.ports import Bundles, Instance, Notebook, RecoveryLog

FEW_ROWS = 20_000
"""So many rows are fetched as they are; of more only those whose bucket differs."""
ROWS_A_BUCKET = 40  # so few that a change seldom brings its neighbours along
MOST_BUCKETS = 262_144
AT_ONCE = 3
NO_TIME = "the time for the comparison was over"


def compare_copy(
    recovery: str,
    plan: Mapping[str, Any],
    cursor: Mapping[str, Any] | None,
    copy: Instance,
    old: Instance,
    notebook: Notebook,
    log: RecoveryLog,
    bundles: Bundles,
    until: float,
    budget: float,
    now: float,
) -> dict[str, Any]:
    """Compare until a moment of time.monotonic: status working with a cursor, or done with the final plan.

    ``budget`` is for how many seconds all slices go on; what was not compared by then is told. Raises
    IntegrityFailed when a table that nobody has written since the copy's mark is not the same.
    """
    known = log.get(recovery)
    if known and known.behind_swap:
        return {"status": "done", "cursor": None, "report": known.facts.get("found", {}), "plan": known.plan}
    began = time.monotonic()
    mine, theirs = copy.known(recovery), old.known(recovery)
    kept = Examination.from_json(notebook.read(recovery) or {})
    work = kept if cursor else kept.for_comparison()
    pairs = _pairs(mine, theirs, work)
    _read(copy, "copy", mine, pairs, work, until)
    _read(old, "old", theirs, pairs, work, until)
    _count_alone(copy, old, mine, theirs, work, until)
    differing = _differing(pairs, work)
    _refuse_damage(mine, theirs, differing)
    _match(copy, old, differing, work, until)
    work.seconds += time.monotonic() - began
    left = _left(pairs, differing, mine, theirs, work)
    if left and work.seconds < budget:
        notebook.write(recovery, work.to_json())
        return {"status": "working", "cursor": {"left": len(left)}}
    work.out |= dict.fromkeys(left, NO_TIME)
    report = _report(copy, old, mine, theirs, pairs, work)
    report["integrity"] = known.facts.get("integrity", {}) if known else {}
    report["not_compared"] = [*report["not_compared"], *_gaps_in_the_fence(known)]
    final = RecoveryPlan.from_json(bundles.get_plan(plan["digest"])).with_report(report)
    bundles.put_plan(final.digest, final.to_json())
    if known:
        reached = known.reached("compared", now, found=final.found, not_compared=report["not_compared"])
        log.put(replace(reached, plan=final.slim()))
    return {"status": "done", "cursor": None, "report": final.found, "plan": final.slim()}


def _gaps_in_the_fence(known: Record | None) -> list[str]:
    """Who can get in all the same may write after the comparison, and an approver must know."""
    notes = (known.facts.get("fence") or {}).get("notes") or () if known else ()
    return [f"what is written from now on: {note}" for note in notes]


def _pairs(mine: Known, theirs: Known, work: Examination) -> dict[str, Pair]:
    """The tables that both have and that can be read on both."""
    for place, tables in (("the copy", mine.tables), ("the old instance", theirs.tables)):
        for table in tables.values():
            if not table.readable:
                work.out.setdefault(table.name, f"we may not read it on {place}")
    both = [name for name in mine.tables if name in theirs.tables and name not in work.out]
    return {name: pair(theirs.tables[name], mine.tables[name]) for name in both}


def _read(
    side: Instance, name: str, known: Known, pairs: Mapping[str, Pair], work: Examination, until: float
) -> None:
    """Read what is not read yet; of the copy that is only what was verified by other columns."""
    todo = work.unread(name, [both for both in pairs.values() if both.name not in work.out])
    for answer in side.examine(todo, known.tables, pairs, until):
        if answer.trouble:
            work.out[answer.item.subject] = f"not read ({side.place}): {answer.trouble.words}"
            continue
        reading = work.reading(name, pairs[answer.item.subject])
        reading.found[str(answer.item.number)] = list(answer.result or EMPTY)


def _alone(mine: Known, theirs: Known) -> tuple[list[Any], list[Any]]:
    """The tables that only the old instance has, and those that only the copy has."""
    only_old = [table for name, table in theirs.tables.items() if name not in mine.tables]
    return only_old, [table for name, table in mine.tables.items() if name not in theirs.tables]


def _count_alone(
    copy: Instance, old: Instance, mine: Known, theirs: Known, work: Examination, until: float
) -> None:
    only_old, only_new = _alone(mine, theirs)
    for side, tables in ((old, only_old), (copy, only_new)):
        todo = [table for table in tables if table.name not in work.counted and table.name not in work.out]
        for answer in side.count(todo, until):
            if answer.result is None:
                work.out[answer.item.name] = f"not counted: {answer.trouble.words if answer.trouble else ''}"
            else:
                work.counted[answer.item.name] = answer.result


def _is_read(both: Pair, work: Examination) -> bool:
    return not work.unread("old", [both]) and not work.unread("copy", [both])


def _differing(pairs: Mapping[str, Pair], work: Examination) -> dict[str, tuple[Pair, list[int]]]:
    """The tables whose pieces are not all the same, and which pieces those are."""
    found = {}
    for both in pairs.values():
        if both.name in work.out or not _is_read(both, work):
            continue
        ours, theirs = work.reading("copy", both), work.reading("old", both)
        numbers = unequal(
            theirs.in_order(pieces(both.old.blocks, theirs.size)),
            ours.in_order(pieces(both.new.blocks, ours.size)),
        )
        if numbers:
            found[both.name] = (both, numbers)
    return found


def _refuse_damage(mine: Known, theirs: Known, differing: Mapping[str, tuple[Pair, list[int]]]) -> None:
    """What nobody has written since the newest mark that the copy holds is the same now as it was then."""
    if mine.mark is None:
        return
    unwritten = theirs.counted.unwritten_since(mine.mark.counters)
    wrong = sorted(name for name, (both, _) in differing.items() if both.exact and name in unwritten)
    if wrong:
        raise IntegrityFailed(
            f"Nobody has written {', '.join(wrong[:20])} since {mine.mark.at} ({mine.mark.run}), and yet the "
            "copy has other rows: the backup is damaged, or the old instance is.",
            "restore another moment: db-migrate recover --to-time T",
        )


def _match(
    copy: Instance,
    old: Instance,
    differing: Mapping[str, tuple[Pair, list[int]]],
    work: Examination,
    until: float,
) -> None:
    """Match the rows of the tables that differ, some tables at once."""
    todo = [each for name, each in differing.items() if not work.matched.get(name, {}).get("done")]

    def one(place: int) -> None:
        if place == 0 or time.monotonic() < until:  # however short a slice is, it goes on
            _match_one(copy, old, *todo[place], work, until)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(one, range(len(todo))):
            pass


def _match_one(
    copy: Instance, old: Instance, both: Pair, numbers: Sequence[int], work: Examination, until: float
) -> None:
    state = work.matched.get(both.name, {})
    found = Found(**state["found"]) if state else Found()
    size = work.reading("copy", both).size
    chosen = _chosen(copy, old, both, numbers, work)
    sides = [
        side.stream(table, both, numbers, size, chosen, found.after)
        for side, table in ((old, both.old), (copy, both.new))
    ]
    done = True
    for count, _ in enumerate(match(sides[0], sides[1], found)):
        if count % 1000 == 999 and time.monotonic() >= until:
            done = False
            break
    for side in sides:
        side.close()
    work.matched[both.name] = {"done": done, "found": asdict(found)}


def _chosen(
    copy: Instance, old: Instance, both: Pair, numbers: Sequence[int], work: Examination
) -> tuple[int, list[int]] | None:
    """The buckets of rows that differ, where so many rows lie in the pieces that fetching all would take
    longer than asking for them."""
    readings = [work.reading(side, both) for side in ("old", "copy")]
    rows = sum(reading.found.get(str(number), [0])[0] for reading in readings for number in numbers)
    if rows <= FEW_ROWS:
        return None
    count = 64
    while count < MOST_BUCKETS and count * ROWS_A_BUCKET < rows:
        count *= 2
    size, mask = readings[1].size, count - 1
    theirs = old.buckets(both.old, both, numbers, size, mask)
    ours = copy.buckets(both.new, both, numbers, size, mask)
    wanted = sorted(bucket for bucket in {*theirs, *ours} if theirs.get(bucket) != ours.get(bucket))
    return (mask, wanted) if 2 * len(wanted) < count else None


def _left(
    pairs: Mapping[str, Pair],
    differing: Mapping[str, tuple[Pair, list[int]]],
    mine: Known,
    theirs: Known,
    work: Examination,
) -> list[str]:
    """The tables that another slice must go on with."""
    unread = [name for name, both in pairs.items() if name not in work.out and not _is_read(both, work)]
    unmatched = [name for name in differing if not work.matched.get(name, {}).get("done")]
    lone = [table.name for side in _alone(mine, theirs) for table in side]
    return [*unread, *unmatched, *(name for name in lone if name not in {*work.counted, *work.out})]


def _report(
    copy: Instance,
    old: Instance,
    mine: Known,
    theirs: Known,
    pairs: Mapping[str, Pair],
    work: Examination,
) -> dict[str, Any]:
    only_old, only_new = _alone(mine, theirs)
    tables = [
        whole(table.name, word, work.counted[table.name])
        for word, side in ((ONLY_OLD, only_old), (RECOVERED, only_new))
        for table in side
        if table.name in work.counted
    ]
    # What was matched before the time was over counts, too: so much is lost at the least.
    compared = [both for name, both in pairs.items() if name not in work.out or name in work.matched]
    for both in compared:
        state = work.matched.get(both.name)
        found = Found(**state["found"]) if state else Found()
        tables.append(told(both.name, both.key, found, _odd(both)))
    whole_ones = [table for table in tables if table["table"] not in work.out]
    equal = sum(not any(table[word] for word in FOUND) for table in whole_ones)
    missing = [f"{name}: {why}" for name, why in sorted(work.out.items())]
    missing += [f"database {name}: it goes back as well, and is not examined" for name in theirs.others]
    return report_of(
        tables,
        equal,
        missing,
        revision={"old": old.revision(), "copy": copy.revision()},
        sequences=_sequences(mine, theirs),
    )


def _odd(both: Pair) -> list[str]:
    """What is worth a line of a table without a difference, too: not that it has no key."""
    return [note for note in both.notes if not note.startswith("no primary key")]


def _sequences(mine: Known, theirs: Known) -> list[str]:
    """Where ids will be given again that the old instance has given."""
    return [
        f"sequence {name} goes back from {theirs.sequences[name]} to {value or 'its start'}: ids come twice"
        for name, value in sorted(mine.sequences.items())
        if (theirs.sequences.get(name) or 0) > (value or 0)
    ]
