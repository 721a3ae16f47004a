"""What a revision touches, what it costs at the live sizes, and what a way back would not bring back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dbmigrate.domain.catalog import Catalog, tables
from dbmigrate.domain.costs import Model, in_memory, rewritten
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.words import counted

SECONDS_PER_REVISION = 2.0
"""To connect, ask, record and commit, and to wait for a lock that is not free at the first try."""
Held = Callable[[Sequence[str]], Mapping[str, int]]
"""How many rows these tables and how many values these columns hold now; what nobody can say is left out."""
ON_TABLE = re.compile(r"\bON (?:ONLY )?([^\s(]+)")


def touched_tables(evidence: RevisionEvidence, catalog: Catalog) -> set[str]:
    """Tables whose columns, constraints, indexes or triggers the revision changes, or whose rows it
    writes."""
    found = {*evidence.deletes, *(column.rpartition(".")[0] for column in evidence.overwrites)}
    for kind, name, definition in evidence.changes:
        if kind in ("column", "constraint", "trigger", "policy"):
            found.add(name.rpartition(".")[0])
        elif kind == "relation":
            found.add(name)
        elif kind == "index" and (
            match := ON_TABLE.search(definition or catalog.get("index", {}).get(name, ""))
        ):
            found.add(match[1])
    return found


def predicted_seconds(facts: Iterable[Facts]) -> float:
    """Upper estimate of the upgrade: the upper ends of its statements' predictions. Where a table's size is
    unknown, what can be said without it."""
    total = 0.0
    for fact in facts:
        highs = [
            estimate.seconds_low if estimate.seconds_high is None else estimate.seconds_high
            for estimate in fact.estimates
        ]
        total += SECONDS_PER_REVISION + sum(highs)
    return round(total, 1)


def predicted_bytes(facts: Iterable[Facts]) -> tuple[int, int]:
    """Storage that the upgrade needs: of all its statements, and of the largest one. Of rewrites, too, which
    give it back only when their revision has ended."""
    each = [estimate.disk_bytes for fact in facts for estimate in fact.estimates]
    return sum(each), max(each, default=0)


def seconds_of_undoing(undone: Iterable[RevisionEvidence], sizes: Mapping[str, Size], model: Model) -> float:
    """Upper estimate of a way back, whose effects nobody looked at: every touched table is written anew."""
    cold = not in_memory(sizes, model)
    total = 0.0
    for evidence in undone:
        touched = [sizes[table] for table in touched_tables(evidence, {}) if table in sizes]
        total += SECONDS_PER_REVISION + sum(rewritten(model, size).at_most(model, cold) for size in touched)
    return round(total, 1)


def losses(evidence: Evidence, start: Iterable[str], pending: Iterable[str]) -> list[str]:
    """What the pending revisions destroy of the data that exists before them: a downgrade makes the columns
    again, not their values."""
    catalog = evidence.catalog_at(start)
    precious = {*catalog.get("relation", {}), *catalog.get("column", {})}
    found = []
    for revision in pending:
        seen = evidence.revisions[revision]
        found += [f"{revision} drops {name}" for name in seen.drops if name in precious]
        found += [f"{revision} overwrites {name}" for name in seen.overwrites if name in precious]
        found += [f"{revision} deletes rows of {name}" for name in seen.deletes if name in precious]
        found += [f"undoing {revision} {what}" for what in _rows_lost(seen, precious)]
        precious |= _renamed(seen, precious)
    return found


def nobody_counts(names: Sequence[str]) -> Mapping[str, int]:
    """For a plan that is made without a database."""
    return {}


def losses_of_undoing(evidence: Evidence, revisions: Iterable[str], held: Held = nobody_counts) -> list[str]:
    """What undoing these applied revisions destroys, however well the way back was rehearsed: the tables and
    columns that they made hold rows by now, unless ``held`` finds none. And what they destroyed themselves
    stays destroyed."""
    undone = {revision: _made_by(evidence, revision) for revision in revisions}
    counts = held([name for made in undone.values() for name in made])
    found = []
    for revision, made in undone.items():
        seen = evidence.revisions[revision]
        before = evidence.catalog_at(seen.down)
        found += [
            f"undoing {revision} drops {name} and {_what_it_holds(counts.get(name), whole)}"
            for name, whole in made.items()
            if counts.get(name) != 0
        ]
        precious = {*before.get("relation", {}), *before.get("column", {})}
        taken = dict.fromkeys((*seen.drops, *seen.overwrites, *seen.deletes))
        found += [
            f"undoing {revision} does not bring back what it took from {name}"
            for name in taken
            if name in precious
        ]
        found += [f"undoing {revision} {what}" for what in _rows_lost(seen, precious)]
        if not seen.round_trip:
            found.append(
                f"undoing {revision} was never proved: {seen.round_trip_error or 'it was not tried'}"
            )
    return found


def _made_by(evidence: Evidence, revision: str) -> dict[str, bool]:
    """Whether each of the tables and columns that a revision made is a whole table."""
    seen = evidence.revisions[revision]
    before, after = evidence.catalog_at(seen.down), evidence.catalog_at([revision])
    whole = {*tables(after)}
    return {name: name in whole for name in _made(seen, before, after)}


def _what_it_holds(count: int | None, whole: bool) -> str:
    if count is None:
        return "what it holds"
    return f"its {counted(count, 'row' if whole else 'value')}"


def _rows_lost(seen: RevisionEvidence, precious: set[str]) -> Iterator[str]:
    """What was missing of the rehearsal's rows after up and down, beyond what the statements tell."""
    told = {*seen.drops, *seen.overwrites, *seen.deletes}
    for table, column, rows in seen.row_losses:
        name = f"{table}.{column}" if column else table
        if name in precious and not {name, table} & told:
            what = f"changes {name} in {counted(rows, 'row')}" if column else f"loses {counted(rows, 'row')}"
            yield f"{what} of the rehearsal" if column else f"{what} of {name} in the rehearsal"


def _made(seen: RevisionEvidence, before: Catalog, after: Catalog) -> list[str]:
    """Tables, and columns of other tables, that are new and not only a new name."""
    old, new = _shapes(before), _shapes(after)
    given_up = [shape for name, shape in old.items() if name not in new and name not in seen.drops]
    made = [name for name in sorted(new) if name not in old and new[name] not in given_up]
    for table in sorted(new.keys() & old.keys()):
        left = {name: what for name, what in old[table].items() if name not in new[table]}
        renamed = [what for name, what in left.items() if f"{table}.{name}" not in seen.drops]
        made += [
            f"{table}.{name}"
            for name, what in new[table].items()
            if name not in old[table] and what not in renamed
        ]
    return made


def _shapes(catalog: Catalog) -> dict[str, dict[str, str]]:
    """Each table's columns and what they are."""
    shapes: dict[str, dict[str, str]] = {table: {} for table in tables(catalog)}
    for identity, what in catalog.get("column", {}).items():
        table, _, name = identity.rpartition(".")
        if table in shapes:
            shapes[table][name] = what
    return shapes


def _renamed(seen: RevisionEvidence, precious: set[str]) -> set[str]:
    """The new names in a revision that makes an old name vanish without dropping it: one of them is its new
    name, and which one does not matter to a doubt."""
    named = [change for change in seen.changes if change[0] in ("relation", "column")]
    dropped = {*seen.drops}
    vanished = {
        name
        for _, name, new in named
        if new is None and name in precious and not {name, name.rpartition(".")[0]} & dropped
    }
    return {name for _, name, new in named if new is not None} if vanished else set()
