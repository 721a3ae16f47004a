"""Whether the application that runs now works with the new schema, and the new one with the old: for each
revision whether it expands the schema, migrates rows or contracts it, and in which order to deploy.

The words are those of the parallel change: https://martinfowler.com/bliki/ParallelChange.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbmigrate.domain.breaks import breaks_of_old
from dbmigrate.domain.catalog import Catalog, apply_changes
from dbmigrate.domain.delta import Break, Delta
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.needs import needs_of_new
from dbmigrate.domain.statements import overwrites

EXPAND, MIGRATE, CONTRACT, MIXED = "expand", "migrate", "contract", "mixed"


@dataclass(frozen=True)
class Phase:
    """One revision between two versions of the application.

    ``kind`` is one of expand (the old application goes on as before), migrate (only rows are written or
    checked), contract (the old application loses something) and mixed. ``breaks_old`` says what fails in the
    application that runs now, ``breaks_new`` what the new one lacks before the revision, ``split`` how to
    make several revisions of a mixed one.
    """

    kind: str
    breaks_old: tuple[str, ...] = ()
    breaks_new: tuple[str, ...] = ()
    split: str | None = None


def phases(evidence: Evidence, start: Sequence[str], revisions: Sequence[str]) -> dict[str, Phase]:
    """The phase of each pending revision. ``start`` is where the database stands: the application that runs
    now was written for its schema, and knows nothing that the plan itself makes."""
    return {delta.seen.revision: phase(delta) for delta in deltas(evidence, start, revisions)}


def deltas(evidence: Evidence, start: Sequence[str], revisions: Sequence[str]) -> Iterator[Delta]:
    """Each pending revision between its catalogs."""
    first = before = evidence.catalog_at(start)
    for revision in revisions:
        seen = evidence.revisions[revision]
        after: Catalog = {kind: dict(objects) for kind, objects in before.items()}
        apply_changes(after, seen.changes)
        yield Delta(first, before, after, seen)
        before = after


def phase(delta: Delta) -> Phase:
    """What one revision is."""
    old, new = breaks_of_old(delta), needs_of_new(delta)
    kinds = _kinds(delta, old, new)
    split = _split(delta, old, new, kinds) if len(kinds) > 1 else None
    kind = MIXED if len(kinds) > 1 else next(iter(kinds), EXPAND)
    return Phase(kind, _texts(old), _texts(new), split)


def _texts(breaks: Sequence[Break]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.text for each in breaks))


def _kinds(delta: Delta, old: Sequence[Break], new: Sequence[Break]) -> tuple[str, ...]:
    """What it does, in the order in which it should be done. A break that is not sure makes no contraction of
    a revision that also expands: a column often comes with its constraint."""
    contracts = any(each.sure for each in old) or (bool(old) and not new)
    known = {"expand": bool(new), "migrate": _moves_rows(delta.seen, delta.start), "contract": contracts}
    found = tuple(kind for kind, whether in known.items() if whether)
    return found or ((MIGRATE,) if _only_rows(delta.seen) else (EXPAND,))


def _moves_rows(seen: RevisionEvidence, start: Catalog) -> bool:
    """Whether rows that the application has today are changed."""
    precious = start.get("relation", {})
    plain = [each for each in seen.statements if not each.batch]
    written = {write.table for each in plain for write in each.writes if write.updated or write.deleted}
    filled = _fills(seen, start)
    overwritten = [name for name in seen.overwrites if name not in filled and not _retyped(seen, name)]
    columns = {name.rpartition(".")[0] for name in overwritten}
    return any(table in precious for table in {*written, *columns, *seen.deletes})


def _fills(seen: RevisionEvidence, start: Catalog) -> set[str]:
    """Columns that safe operations fill and that the application does not know: a part of making them."""
    batches = (each.sql for each in seen.statements if each.batch)
    return {*overwrites(batches)} - {*start.get("column", {})}


def _retyped(seen: RevisionEvidence, column: str) -> bool:
    return any(act.name == column for each in seen.statements for act in each.did("retype column"))


def _only_rows(seen: RevisionEvidence) -> bool:
    """Whether it only writes or checks rows; a validated constraint changes nothing for new ones."""
    acts = [act.kind for statement in seen.statements for act in statement.acts]
    writes = [write for statement in seen.statements for write in statement.writes]
    return bool(acts or writes) and all(kind == "validate constraint" for kind in acts)


def _split(delta: Delta, old: Sequence[Break], new: Sequence[Break], kinds: Sequence[str]) -> str:
    """How the parts go one by one."""
    made = ", ".join(dict.fromkeys(each.name for each in new if each.what != "constraint")) or "what is new"
    parts = {
        "expand": f"expand: {_expansion(old, made)}, which the old application does not notice; "
        "deploy the new one",
        "migrate": "migrate: move the rows in a revision of its own, in batches",
        "contract": f"contract: {_contraction(old)} in a later plan, when no old instance runs",
    }
    return "; then ".join(parts[kind] for kind in kinds)


def _contraction(old: Sequence[Break]) -> str:
    """What goes, and what is asked of values from then on."""
    sure = [each for each in old if each.sure]
    gone = dict.fromkeys(each.name for each in sure if each.what == "gone")
    tightened = dict.fromkeys(each.name for each in sure if each.name not in gone)
    told = [f"take {', '.join(gone)} away"] if gone else []
    told += [f"tighten {', '.join(tightened)}"] if tightened else []
    return " and ".join(told) or "take what is old away"


def _expansion(old: Sequence[Break], made: str) -> str:
    if any(each.what in ("renamed", "type") for each in old):
        return f"add {made} beside the old one and keep both equal by a trigger"
    free = ", nullable or with a default" if any(each.sure and each.what == "insert" for each in old) else ""
    return f"add {made} first{free}"


@dataclass(frozen=True)
class DeployOrder:
    """When the application is deployed. ``kind`` is one of any, schema first, code first, between and none;
    ``after`` is the last revision before the new application, where that lies between two of them."""

    kind: str
    text: str
    after: str | None = None


def deploy_order(found: Mapping[str, Phase]) -> DeployOrder:
    """The order for a whole plan, whose revisions come in their order."""
    needed = [revision for revision, phase in found.items() if phase.breaks_new]
    breaking = [revision for revision, phase in found.items() if phase.breaks_old]
    if not needed and not breaking:
        return DeployOrder("any", "Schema and application may be deployed in any order.")
    if not breaking:
        return DeployOrder("schema first", "Deploy the schema first, then the application.")
    if not needed:
        return DeployOrder(
            "code first",
            "Deploy the application first, and the schema when no old instance runs any more.",
        )
    order = list(found)
    if order.index(needed[-1]) < order.index(breaking[0]):
        return DeployOrder(
            "between",
            f"Deploy up to {needed[-1]}, then the application, and the rest when no old instance runs.",
            needed[-1],
        )
    return DeployOrder(
        "none",
        f"No order works: {breaking[0]} breaks the application that runs now, and the new one needs "
        f"{needed[-1]}. Split the plan, the expansion first.",
    )
