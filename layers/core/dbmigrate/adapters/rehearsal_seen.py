"""What a rehearsal saw of one revision, and the evidence that it makes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from dbmigrate.adapters.history import Revision
from dbmigrate.adapters.rehearsal_moves import Moved
from dbmigrate.adapters.rehearsal_roles import named_in
from dbmigrate.adapters.rehearsal_rows import Names
from dbmigrate.adapters.rehearsal_text import repeatable, without_values
from dbmigrate.domain.catalog import Catalog, changes_between, fingerprint
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.evidence import RevisionEvidence
from dbmigrate.domain.routines import executed
from dbmigrate.domain.rows import Loss
from dbmigrate.domain.statements import deletes, overwrites, retyped


@dataclass(frozen=True)
class Up:
    """The way up. ``touched`` are tables whose rows it may have changed, by the names before; ``changed`` is
    what is missing of their rows after it."""

    moved: Moved
    statements: tuple[Effects, ...]
    names: Names
    tables: frozenset[str]
    touched: frozenset[str]
    changed: tuple[Loss, ...]
    unseeded: frozenset[str]

    @property
    def sql(self) -> tuple[str, ...]:
        return tuple(statement.sql for statement in self.statements)


@dataclass
class Back:
    """The way back and up again, as far as it came. ``touched`` as Moved.tables has it, of both."""

    trouble: str | None = None
    down: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    losses: tuple[Loss, ...] = ()
    touched: frozenset[str] | None = frozenset()


def evidence(
    facts: Revision, before: Catalog, up: Up, back: Back, roles: Collection[str]
) -> RevisionEvidence:
    """The evidence of one revision."""
    shown = repeatable(up.sql, tuple(back.again))
    values = {f"{table}.{column}" for table, column, _ in up.changed if column} - {*up.names.drops}
    rows = {table for table, column, _ in up.changed if column is None}
    run = executed(up.sql)
    return RevisionEvidence(
        revision=facts.id,
        down=facts.down,
        file=facts.file,
        source_digest=facts.source_digest,
        doc=facts.doc,
        fingerprint=fingerprint(up.moved.catalog),
        changes=changes_between(before, up.moved.catalog),
        statements=tuple(replace(seen, sql=sql) for seen, sql in zip(up.statements, shown, strict=True)),
        down_sql=without_values(back.down),
        autocommit=up.moved.inside,
        round_trip=back.trouble is None,
        round_trip_error=back.trouble,
        drops=up.names.drops,
        overwrites=tuple(sorted({*overwrites(run), *retyped(before, up.moved.catalog), *values})),
        deletes=tuple(sorted({*deletes(run), *rows})),
        row_losses=back.losses,
        unseeded=tuple(sorted(up.unseeded)),
        roles=named_in(roles, up.sql),
        allows=facts.allows,
        misread=facts.misread,
    )


def mentioned(statements: Sequence[Effects]) -> set[str]:
    """The tables that the effects name."""
    found: set[str] = set()
    for seen in statements:
        found |= {lock.relation for lock in seen.locks} | {*seen.rewrites, *seen.scans, *seen.truncates}
        found |= {write.table for write in seen.writes} | {act.table for act in seen.acts}
    return found
