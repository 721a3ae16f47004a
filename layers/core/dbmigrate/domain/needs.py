"""What an application that is written for a revision's schema cannot find in the schema before it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dbmigrate.domain.catalog import Change
from dbmigrate.domain.columns import column, widens
from dbmigrate.domain.delta import Break, Delta, bare, columns_of, key_of, labels, returned


def needs_of_new(delta: Delta) -> list[Break]:
    """What the application that is written for this revision cannot find in the schema before it."""
    return [each for change in delta.seen.changes for each in _new(delta, change)]


def _new(delta: Delta, change: Change) -> Iterator[Break]:
    kind, name, now = change
    was = delta.was(kind, name)
    if kind == "column":
        yield from _new_column(delta, name, was, now)
    elif kind == "constraint" and now is None:
        yield from _allowed(delta, name, was or "")
    elif now is not None and kind == "enum" and was is not None:
        added = [value for value in labels(now) if value not in labels(was)]
        if added:
            yield Break("enum", "", name, f"{name} has the value '{added[0]}' only after it")
    elif kind == "function" and was is not None and now is not None and returned(was) != returned(now):
        yield Break("signature", "", name, f"function {name} {returned(was)} before it")
    elif now is not None and _is_made(kind, was, now):
        yield Break(
            "gone", name, name, f"{kind if kind != 'relation' else 'table'} {name} is there only after it"
        )


def _is_made(kind: str, was: str | None, now: str) -> bool:
    """Partitions, sequences and trigger functions are not what an application names."""
    if was is not None or kind not in ("relation", "function", "extension"):
        return False
    if kind == "relation":
        return now[0] in "rpvmf" and not re.search(r"\|(?:FOR VALUES|DEFAULT)", now)
    return returned(now) != "RETURNS trigger"


def _new_column(delta: Delta, name: str, was: str | None, now: str | None) -> Iterator[Break]:
    table = name.rpartition(".")[0]
    if now is None or table not in delta.before.get("relation", {}):
        return
    if was is None:
        yield Break("gone", table, name, f"column {name} is there only after it")
        return
    old, new = column(was), column(now)
    if old.type != new.type and not widens(new.type, old.type):
        yield Break("type", table, name, f"{name} is {old.type} before it, not {new.type}")
    if old.not_null and not new.not_null:
        yield Break("null", table, name, f"{name} refuses NULL before it")
    elif old.must_be_given and not new.must_be_given:
        yield Break("default", table, name, f"{name} has no default before it")


def _allowed(delta: Delta, name: str, was: str) -> Iterator[Break]:
    table = name.rpartition(".")[0]
    stays = table in delta.after.get("relation", {}) and not _replaced(delta, table, was)
    if stays and not key_of(was):
        yield Break("constraint", table, name, f"{bare(name)} refuses rows before it that are welcome after")


def _replaced(delta: Delta, table: str, was: str) -> bool:
    """Whether the same rule stands there under another name, or went with its column."""
    kept: Mapping[str, str] = delta.after.get("constraint", {})
    if any(what == was and name.startswith(f"{table}.") for name, what in kept.items()):
        return True
    words = {*re.findall(r"\w+", was)}
    columns = delta.after.get("column", {})
    required = [name for name in words if was == f"CHECK (({name} IS NOT NULL))"]
    if any(column(columns.get(f"{table}.{name}", "")).not_null for name in required):
        return True
    named = [name for name in columns_of(delta.before, table) if name in words]
    return any(f"{table}.{name}" not in columns for name in named)
