"""Rules about statements that write rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.delta import columns_of, is_unique, key_of
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_columns as write
from dbmigrate.domain.rules.look import listed, lock_on, numbered, short, sized, worst
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.statements import COMMENT, LITERAL, NAME, deletes, overwrites, qualified

# A slice of the table: so many rows, or those between two values.
SLICE = re.compile(r"\b(?:LIMIT|FETCH|BETWEEN|ctid)\b", re.IGNORECASE)
WHERE = re.compile(r"\bWHERE\b(.*)", re.IGNORECASE | re.DOTALL)
VALUES = re.compile(r"\s+-- with .*\Z", re.DOTALL)
END = r"(?:\s+WHERE\s+(.*?))?\s*;?\s*\Z"
UPDATE = re.compile(rf"\s*UPDATE\s+({NAME})\s+SET\s+(.*?){END}", re.IGNORECASE | re.DOTALL)
DELETE = re.compile(rf"\s*DELETE\s+FROM\s+({NAME}){END}", re.IGNORECASE | re.DOTALL)
NAMED = r"\s*(?:=|IN\s*\()\s*(?:''|\d|%)"
DEFINES = re.compile(r"\s*(?:CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|SET)\b", re.IGNORECASE)
FEW = re.compile(r"\s*INSERT\b(?!.*\bSELECT\b).*\bVALUES\b", re.IGNORECASE | re.DOTALL)
MERGES = re.compile(r"\s*(?:WITH\b.*)?\bMERGE\s+INTO\b", re.IGNORECASE | re.DOTALL)
REMOVES = re.compile(r"\bTHEN\s+DELETE\b", re.IGNORECASE)
MANY_ROWS = 10_000
"""What one statement may change: with two indexes, a tenth of a second (batches of 5,000 take 40 ms)."""


@rule(
    "DM177",
    "many rows written at once",
    hurts="one UPDATE or DELETE keeps every row that it has touched locked until the revision ends, fills "
    "the log and the "
    "replicas in one go, and leaves as many dead rows behind; when it fails at the end, all of it was for "
    "nothing",
    instead="op.backfill, which writes batches of some thousand rows by key, commits each with its cursor, "
    "and goes on where it stopped; to delete, batches in autocommit_block",
)
def unbatched(facts: Facts) -> Iterator[Hit]:
    """One statement updates or deletes rows of a table that exists today, and neither a LIMIT nor a range
    keeps it to a part of them outside of the revision's transaction. Silent for the batches of a safe
    operation, and where the condition names the values of a key. Severity: note for tables of up to 10,000
    rows or under 10 MiB; else block, or review where a WHERE or the ON of a MERGE may spare most of them."""
    said = set()
    for number, effects in numbered(facts):
        if effects.truncates or effects.batch or (effects.autocommit and is_slice(text_of(effects))):
            continue
        for table, what in written_by(effects).items():
            if facts.exists(table) and table not in said and not _is_one_row(facts, table, text_of(effects)):
                said.add(table)
                yield _many(facts, number, effects, table, what)


def is_slice(text: str) -> bool:
    """Whether it is kept to a part of its table."""
    match = WHERE.search(text)
    return bool(SLICE.search(text)) or bool(match and ">" in match[1] and "<" in match[1])


def _is_one_row(facts: Facts, table: str, text: str) -> bool:
    """Whether its condition names the values of a unique column."""
    match = WHERE.search(text)
    if match is None or re.search(r"\bOR\b", match[1], re.IGNORECASE):
        return False
    keys = {key_of(what) for name, what in facts.before.get("constraint", {}).items() if _of(name, table)}
    keys |= {name for name in columns_of(facts.before, table) if is_unique(facts.before, table, name)}
    return any(re.search(rf"\b{re.escape(key)}{NAMED}", match[1], re.I) for key in keys if key.isidentifier())


def _of(name: str, table: str) -> bool:
    return name.rpartition(".")[0] == table


def written_by(effects: Effects) -> dict[str, str]:
    """What it does to the rows of which table: as it was seen, and as the text says where the rows of scratch
    did not meet its condition. What a trigger or a cascade writes was seen only."""
    texts = [text_of(effects)] if _runs(effects) else []
    found = {name.rpartition(".")[0]: "updates" for name in overwrites(texts)}
    merged = [text for text in texts if MERGES.match(text) and not REMOVES.search(text)]
    found |= dict.fromkeys(deletes(texts), "updates" if merged else "deletes")
    for each in effects.writes:
        if each.updated or each.deleted:
            found.setdefault(each.table, "updates" if each.updated else "deletes")
    return found


def _runs(effects: Effects) -> bool:
    """Whether what stands in the text is done now: a function's body is not, and VALUES are few."""
    return not DEFINES.match(text_of(effects)) and not FEW.match(text_of(effects))


def text_of(effects: Effects) -> str:
    """Its SQL without literals, comments and values."""
    return COMMENT.sub(" ", LITERAL.sub("''", VALUES.sub("", effects.sql)))


def _many(facts: Facts, number: int, effects: Effects, table: str, what: str) -> Hit:
    size = facts.sizes.get(table)
    few = size is not None and 0 < size.rows <= MANY_ROWS
    chosen = WHERE.search(text_of(effects)) or MERGES.match(text_of(effects))  # by its ON
    large = "review" if chosen else "block"
    return Hit(
        "note" if few else facts.severity(table, large),
        f"it {what} rows of {sized(facts, table)} in one statement: each stays locked until the revision "
        f"ends.",
        number,
        table,
        lock_on(effects, table),
        in_batches(facts, effects, table),
    )


def in_batches(facts: Facts, effects: Effects, table: str) -> str | None:
    """A revision that does the same in batches, where the statement is simple enough to be written anew."""
    if effects.sql != VALUES.sub("", effects.sql):
        return None
    update, delete = UPDATE.match(effects.sql), DELETE.match(effects.sql)
    if update and qualified(update[1]) == table and not re.search(r"\bFROM\b", update[2], re.IGNORECASE):
        return write.update(facts.before, table, update[2], update[3])
    if delete and qualified(delete[1]) == table and not re.search(r"\bUSING\b", delete[0], re.IGNORECASE):
        return write.delete(facts.before, table, delete[2])
    return None


@rule(
    "DM178",
    "a table is emptied",
    hurts="TRUNCATE takes ACCESS EXCLUSIVE on the table and, with CASCADE, on every table that refers to it, "
    "and empties them "
    "all; sessions in a transaction of their own see an empty table where there were rows, and no downgrade "
    "brings "
    "them back",
    instead="DELETE in batches, or a new table beside the old one that goes in a later plan",
)
def emptied(facts: Facts) -> Iterator[Hit]:
    """TRUNCATE of tables that exist today, reached by CASCADE or named. Severity: block; review for tables
    under 10 MiB."""
    for number, effects in numbered(facts):
        live = [table for table in effects.truncates if facts.exists(table)]
        if live:
            named = [table for table in live if re.search(rf"\b{re.escape(short(table))}\b", effects.sql)]
            reached = [table for table in live if table not in named]
            more = f", and by CASCADE {listed(reached)}" if named and reached else ""
            first = (named or live)[0]
            yield Hit(
                worst(facts, live, small="review"),
                f"TRUNCATE empties {listed(named or live)}{more}: all rows are gone, and every query waits "
                f"until the "
                f"revision ends.",
                number,
                first,
                "ACCESS EXCLUSIVE",
            )


@rule(
    "DM189",
    "a change of rows that nothing proved",
    hurts="the catalogs come out the same, the rows may not: after a rollback the application reads the new "
    "values, "
    "or none, under the old schema",
    instead="keep the old values until the next plan, in a column or a table of their own, and let the "
    "downgrade put "
    "them back; or say as the reason why the new ones serve the old application too",
)
def one_way(facts: Facts) -> Iterator[Hit]:
    """A statement changes or deletes rows of a table that exists today, no row of the rehearsal met its
    condition or the table was empty there, and the downgrade writes none of that table. What was seen to get
    lost, DM102 says. Severity: review; note for single rows that a key names."""
    seen = facts.evidence
    if not seen.round_trip:
        return
    back = {name.rpartition(".")[0] for name in overwrites(seen.down_sql)} | {*deletes(seen.down_sql)}
    for table in sorted(_meant(facts) - _happened(facts) - back):
        if facts.exists(table):
            text = (
                f"rows of {table} are changed, none on scratch was, and the downgrade writes none of them "
                "back."
            )
            yield Hit("note" if _one_by_one(facts, table) else "review", text, None, table)


def _one_by_one(facts: Facts, table: str) -> bool:
    texts = [text_of(effects) for effects in facts.evidence.statements if table in written_by(effects)]
    return all(_is_one_row(facts, table, text) for text in texts)


def _meant(facts: Facts) -> set[str]:
    """The tables of whose rows the text changes values that the application knows."""
    old = facts.start.get("column", {})
    texts = [text_of(effects) for effects in facts.evidence.statements if _runs(effects)]
    named = [name for name in overwrites(texts) if name in old]
    return {name.rpartition(".")[0] for name in named} | {*deletes(texts)}


def _happened(facts: Facts) -> set[str]:
    statements = facts.evidence.statements
    written = {
        each.table for effects in statements for each in effects.writes if each.updated or each.deleted
    }
    emptied = {table for effects in statements for table in effects.truncates}
    return (written | emptied) - {*facts.evidence.unseeded}
