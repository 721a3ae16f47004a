"""What one revision takes from an application that was written for the schema before the plan. It is read off
the catalogs, whose delta already follows a view that stands where a table stood, or a column made again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.catalog import Change
from dbmigrate.domain.columns import Column, column, only_the_zone, same_for_clients, widens
from dbmigrate.domain.delta import (
    Break,
    Delta,
    bare,
    columns_of,
    is_unique,
    key_of,
    labels,
    returned,
    table_of,
)

WRITTEN = ("r", "p", "f")
REFERENCES = re.compile(r" REFERENCES ([^\s(]+)")
PARTITION = re.compile(r"\|(?:FOR VALUES|DEFAULT)")


def breaks_of_old(delta: Delta) -> list[Break]:
    """What no longer works for the application that runs now, from this revision on."""
    found = [each for change in delta.seen.changes for each in _of_change(delta, change)]
    gone = {each.name for each in found if each.what in ("gone", "renamed")}
    return [each for each in found if each.name == each.relation or each.relation not in gone]


def _of_change(delta: Delta, change: Change) -> Iterator[Break]:
    kind, name, now = change
    was = delta.was(kind, name)
    if kind in _OF_TABLES:
        table = table_of(kind, name, now or was or "")
        if kind == "column" and table in delta.start.get("relation", {}) or _is_written(delta, table):
            yield from _OF_TABLES[kind](delta, table, name, was, now)
    elif was is not None and delta.known(kind, name) and kind in _OF_OTHERS:
        yield from _OF_OTHERS[kind](delta, name, was, now)


def _is_written(delta: Delta, table: str) -> bool:
    """Whether the application writes it, before and after: neither a view nor a partition of another table,
    whose bounds are its constraints."""
    states = (catalog.get("relation", {}).get(table, "") for catalog in (delta.start, delta.after))
    return all(state[:1] in WRITTEN and not PARTITION.search(state) for state in states)


def _relation(delta: Delta, name: str, was: str, now: str | None) -> Iterator[Break]:
    if now is None and was[0] != "S":
        yield from _gone(delta, name, name)
    elif now is not None and "row security" in now and "row security" not in was:
        text = f"row security is on for {name}: roles that no policy names see none of its rows"
        yield Break("row security", name, name, text)


def _gone(delta: Delta, table: str, name: str) -> Iterator[Break]:
    new = delta.renamed(name)
    if name in delta.operated("rename column"):
        return  # of two columns that are kept the same, one takes the other's place
    if new is None:
        yield Break("gone", table, name, f"{name} is gone: statements that name it fail")
    else:
        yield Break("renamed", table, name, f"{name} is {new} now: statements with the old name fail")


def _column(delta: Delta, table: str, name: str, was: str | None, now: str | None) -> Iterator[Break]:
    known = delta.known("column", name)
    if now is None:
        yield from _gone(delta, table, name) if known else ()
    elif not known or was is None:
        yield from _unknown_column(delta, table, name, was, column(now))
    else:
        if _is_written(delta, table):  # a view's columns have the defaults of its table's
            yield from _nothing_left_out(delta, table, name, column(was), column(now))
        yield from _other_values(table, name, column(was), column(now))


def _unknown_column(delta: Delta, table: str, name: str, was: str | None, new: Column) -> Iterator[Break]:
    """The old application leaves it out, and the trigger of a safe operation fills what that has added."""
    if name in delta.operated("add column"):
        return
    if new.must_be_given and (was is None or not column(was).must_be_given):
        text = f"inserts into {table} fail: {bare(name)} is NOT NULL and nothing fills it"
        triggered = any(each.startswith(f"{table}.") for each in delta.after.get("trigger", {}))
        doubt = ", unless a trigger of the table does" if triggered else ""
        yield Break("null" if triggered else "insert", table, name, text + doubt)


def _nothing_left_out(delta: Delta, table: str, name: str, old: Column, new: Column) -> Iterator[Break]:
    if new.not_null and not old.not_null and not _proved(delta, table, name):
        without = "" if new.fills_itself else ", as do inserts without it"
        yield Break("null", table, name, f"writes of NULL into {name} fail{without}")
    elif old.fills_itself and not new.fills_itself:
        effect = "fail" if new.not_null else "write NULL"
        yield Break("default", table, name, f"inserts that leave {name} out {effect}: its default is gone")
    if new.generated and not old.generated:
        yield Break("insert", table, name, f"writes into {name} fail: it is generated now")
    elif new.always and not old.always:
        yield Break("default", table, name, f"inserts that name {name} fail: it is GENERATED ALWAYS now")


def _proved(delta: Delta, table: str, name: str) -> bool:
    """Whether a CHECK had refused NULL already before the plan, or before this revision."""
    wanted = f"CHECK (({bare(name)} IS NOT NULL))"
    checks = {**delta.start.get("constraint", {}), **delta.before.get("constraint", {})}
    return any(
        each.startswith(f"{table}.") and what.removesuffix(" NOT VALID") == wanted
        for each, what in checks.items()
    )


def _other_values(table: str, name: str, old: Column, new: Column) -> Iterator[Break]:
    change = f"{name} was {old.type} and is {new.type}"
    if only_the_zone(old.type, new.type):
        yield Break(
            "zone", table, name, f"{change}: clients read a moment where they read a time, or the other way"
        )
    elif not same_for_clients(old.type, new.type):
        yield Break("type", table, name, f"{change}: old statements read, compare and write another type")
    elif not widens(old.type, new.type):
        yield Break("constraint", table, name, f"{change}: values that fitted are refused or cut")


def _constraint(delta: Delta, table: str, name: str, was: str | None, now: str | None) -> Iterator[Break]:
    if now is None:
        yield from _no_conflict(delta, table, name, was or "")
    elif _refuses_more(delta, table, name, was or "", now):
        text = f"writes into {table} that violate {bare(name)} fail: {now}"
        yield Break("constraint", table, name, text)


def _refuses_more(delta: Delta, table: str, name: str, was: str, now: str) -> bool:
    """NOT VALID or not makes no difference to new rows."""
    if now.removesuffix(" NOT VALID") == _under_new_names(delta, was).removesuffix(" NOT VALID"):
        return False
    elsewhere = _moved(delta, "constraint", name, now) or _was_unique(delta, table, now)
    return not elsewhere and _known_columns(delta, table, now)


def _under_new_names(delta: Delta, key: str) -> str:
    """A foreign key as it reads when the table that it points to has another name, and nothing else is
    new."""
    match = REFERENCES.search(key)
    new = delta.renamed(match[1]) if match else None
    return key if match is None or new is None else f"{key[: match.start(1)]}{new}{key[match.end(1) :]}"


def _index(delta: Delta, table: str, name: str, was: str | None, now: str | None) -> Iterator[Break]:
    if f"{table}.{bare(name)}" in {*delta.after.get("constraint", {}), *delta.before.get("constraint", {})}:
        return
    if now is None:
        yield from _no_conflict(delta, table, name, was or "")
    elif was is None and not _moved(delta, "index", name, now) and _known_columns(delta, table, now):
        text = f"writes of a second row with the same {key_of(now)} into {table} fail ({bare(name)})"
        yield Break("constraint", table, name, text)


def _no_conflict(delta: Delta, table: str, name: str, was: str) -> Iterator[Break]:
    if key_of(was) and _known_columns(delta, table, was) and not is_unique(delta.after, table, key_of(was)):
        text = f"ON CONFLICT ({key_of(was)}) into {table} fails: {bare(name)} is gone"
        yield Break("conflict", table, name, text)


def _was_unique(delta: Delta, table: str, now: str) -> bool:
    return bool(key_of(now)) and is_unique(delta.before, table, key_of(now))


def _moved(delta: Delta, kind: str, name: str, now: str) -> bool:
    """Whether the same thing stood there under another name."""
    table = table_of(kind, name, now)
    return any(
        old == now and each not in delta.after.get(kind, {}) and table_of(kind, each, old) == table
        for each, old in delta.before.get(kind, {}).items()
    )


def _known_columns(delta: Delta, table: str, definition: str) -> bool:
    """Whether it speaks of columns that the old application writes, and of no other: those of the plan's own
    making it leaves empty, which every constraint but NOT NULL lets pass."""
    words = {*re.findall(r"\w+", definition)}
    named = {name for name in columns_of(delta.after, table) if name in words}
    return bool(named) and all(delta.known("column", f"{table}.{name}") for name in named)


def _enum(delta: Delta, name: str, was: str, now: str | None) -> Iterator[Break]:
    if now is None:
        return
    for value in labels(was):
        if value not in labels(now) and value in labels(delta.start["enum"][name]):
            yield Break("enum", "", name, f"{name} has no value '{value}' any more: statements with it fail")


def _function(delta: Delta, name: str, was: str, now: str | None) -> Iterator[Break]:
    if returned(was) == "RETURNS trigger":
        return
    if now is None:
        yield Break("signature", "", name, f"function {name} is gone: calls of it fail")
    elif returned(was) != returned(now):
        text = f"function {name} {returned(now)} now, it did {returned(was)}"
        yield Break("signature", "", name, text)


def _extension(delta: Delta, name: str, was: str, now: str | None) -> Iterator[Break]:
    if now is None:
        yield Break("gone", "", name, f"extension {name} is gone, and what it brought")


def _grant(delta: Delta, name: str, was: str, now: str | None) -> Iterator[Break]:
    """``name`` is "table public.users to reader"."""
    kept = (now or "").split(", ")
    lost = [each for each in was.split(", ") if each not in (*kept, "nothing")]
    if lost:
        object_, _, role = name.partition(" to ")
        text = f"{role} loses {', '.join(lost)} on {object_}"
        yield Break("privilege", object_.partition(" ")[2], name, text)


_OF_TABLES = {"column": _column, "constraint": _constraint, "index": _index}
_OF_OTHERS = {
    "relation": _relation,
    "enum": _enum,
    "function": _function,
    "extension": _extension,
    "grant": _grant,
}
