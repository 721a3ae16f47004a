"""Rules about tables that are written anew, and about types that change."""

from __future__ import annotations

from collections.abc import Iterator

from dbmigrate.domain.columns import column, only_the_zone, same_for_clients, widens
from dbmigrate.domain.effects import Act, Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_columns as write
from dbmigrate.domain.rules.look import WAITING, acts, listed, lock_on, numbered, short, sized
from dbmigrate.domain.rules.register import rule

UTC = ("utc", "etc/utc", "gmt", "etc/gmt", "uct", "etc/uct", "zulu", "universal", "etc/universal")


@rule(
    "DM170",
    "a new column writes the whole table anew",
    hurts="a default that differs from row to row (gen_random_uuid(), clock_timestamp(), nextval of a "
    "serial), an "
    "identity and a generated column that is stored are written into every row while ACCESS EXCLUSIVE is "
    "held, "
    "and all indexes are built again; a constant and now() cost nothing",
    instead="op.add_column_with_default: the column without a default, then its default, which costs "
    "nothing, then the rows of today in batches",
)
def column_rewrites(facts: Facts) -> Iterator[Hit]:
    """A column is added to a table that exists today, and PostgreSQL gives the table new storage. Severity:
    note for a small table, block for a large one."""
    for number, effects, act in acts(facts, "add column"):
        if act.table not in effects.rewrites:
            continue
        seen = column(act.now or "")
        if not seen.fills_itself:
            continue
        why = (
            "is generated" if seen.generated else "is an identity" if seen.identity else "has another default"
        )
        yield _rewritten(
            facts,
            number,
            effects,
            act,
            f"{short(act.name)} {why} {'' if seen.generated or seen.identity else 'for each row'}".strip(),
            write.filled(facts.before, act.name, act.now or ""),
        )


def _rewritten(facts: Facts, number: int, effects: Effects, act: Act, why: str, instead: str | None) -> Hit:
    lock = lock_on(effects, act.table) or "ACCESS EXCLUSIVE"
    return Hit(
        facts.severity(act.table, statement=number),
        f"{why}, so {sized(facts, act.table)} is written anew, with its indexes, under {lock}: "
        f"{WAITING[lock]}.",
        number,
        act.table,
        lock,
        instead,
    )


@rule(
    "DM171",
    "a new type writes or reads the whole table",
    hurts="ACCESS EXCLUSIVE stays until every row has been converted and every index built again. Widening a "
    "varchar "
    "or a numeric of the same scale, and going to text, costs nothing; int to bigint and any other change "
    "does",
    instead="op.expand_column_type: a second column of the new type, which a trigger keeps equal and batches "
    "fill; op.swap_column_type gives it the name, op.contract_column_type drops the old one in a later plan",
)
def type_rewrites(facts: Facts) -> Iterator[Hit]:
    """A column of a table that exists today gets a type for which PostgreSQL writes the table anew, reads it
    in full or builds an index again. Severity: note for a small table, block for a large one."""
    for number, effects, act in acts(facts, "retype column"):
        built = [short(index) for index, table in effects.builds if table == act.table]
        what = f"{short(act.name)} goes from {act.was} to {act.now}"
        instead = _beside(facts, act)
        if act.table in effects.rewrites:
            yield _rewritten(facts, number, effects, act, what, instead)
        elif act.table in effects.scans or built:
            lock = lock_on(effects, act.table) or "ACCESS EXCLUSIVE"
            work = f"{listed(built)} is built again" if built else "every row has been read"
            text = f"{what}: {WAITING[lock]} on {sized(facts, act.table)} until {work}."
            yield Hit(facts.severity(act.table, statement=number), text, number, act.table, lock, instead)


def _beside(facts: Facts, act: Act) -> str | None:
    was, now = act.was or "", act.now or ""
    if not widens(was, now):
        return write.checked_length(act.table, short(act.name), now)
    return write.retyped(facts.before, act.table, short(act.name), now)


@rule(
    "DM173",
    "what happens depends on the server's time zone",
    hurts="between timestamp and timestamptz PostgreSQL reads the values in the session's time zone. In UTC "
    "nothing "
    "is written; in any other zone the whole table is, under ACCESS EXCLUSIVE, and the same values mean "
    "other "
    "moments",
    instead="SET LOCAL TIME ZONE 'UTC' before the ALTER, in the same revision, where the values are in UTC; "
    "AT TIME ZONE where they are in another",
)
def zone_decides(facts: Facts) -> Iterator[Hit]:
    """A column of a table that exists today changes between timestamp and timestamptz, free of cost on
    scratch where sessions are in UTC, and the revision does not set the zone itself. The live zone is that of
    a session which logs in as the migrating role does, whatever set it: server, role or database. Silent
    where it is UTC. Severity: block from 10 MiB on where it is another, else review; note where nobody could
    ask."""
    told = False
    for number, effects in numbered(facts):
        told = told or _sets_zone(effects.sql)
        for act in effects.did("retype column"):
            free = facts.exists(act.table) and act.table not in effects.rewrites and not told
            if free and only_the_zone(act.was or "", act.now or ""):
                yield from _by_zone(facts, number, act)


def _sets_zone(sql: str) -> bool:
    words = " ".join(sql.upper().split())
    return words.startswith("SET ") and ("TIME ZONE" in words or "TIMEZONE" in words)


def _by_zone(facts: Facts, number: int, act: Act) -> Iterator[Hit]:
    zone, table = facts.live_time_zone, sized(facts, act.table)
    if zone is not None and zone.lower() in UTC:
        return
    if zone is None:
        severity, known = "note", "whose zone is not known here (SHOW TimeZone as the migrating role)"
    else:
        severity, known = facts.severity(act.table, small="review"), f"where sessions are in {zone}"
    yield Hit(
        severity,
        f"{short(act.name)} goes from {act.was} to {act.now}: free of cost in UTC, but on the live server, "
        f"{known}, "
        f"{table} is written anew unless that is UTC, and every value is read in that zone.",
        number,
        act.table,
        "ACCESS EXCLUSIVE",
        write.in_utc(act.name, act.was or "", act.now or ""),
    )


@rule(
    "DM174",
    "a type that does not hold every old value",
    hurts="a value that is too long or too large makes the whole revision fail on the live data, a numeric "
    "is rounded and "
    "a time loses digits without a word; and what the old application writes from then on may be refused",
    instead="keep the type and add a check with op.add_check, when the old values are mended. This is a "
    "contraction: first release the application that writes only what fits",
)
def narrowing(facts: Facts) -> Iterator[Hit]:
    """A column of a table that exists today gets a type that cannot hold all values of the old one. Severity:
    review; note while the live table is empty."""
    for number, _, act in acts(facts, "retype column"):
        was, now = act.was or "", act.now or ""
        if (
            widens(was, now)
            or only_the_zone(was, now)
            or not (same_for_clients(was, now) or _numbers(was, now))
        ):
            continue
        size = facts.sizes.get(act.table)
        yield Hit(
            "note" if size is not None and size.bytes == 0 else "review",
            f"{short(act.name)} of {sized(facts, act.table)} goes from {was} to {now}: a value that does not "
            f"fit "
            "fails the revision or is cut, and old code may go on writing such values.",
            number,
            act.table,
            instead=write.checked_length(act.table, short(act.name), now),
        )


def _numbers(was: str, now: str) -> bool:
    kinds = ("smallint", "integer", "bigint", "numeric", "real", "double")
    return was.startswith(kinds) and now.startswith(kinds)
