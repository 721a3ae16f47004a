"""Ready replacements for partitions: made apart, proved by a check, and attached in a moment."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.rules.look import short
from dbmigrate.domain.rules.revision_text import (
    call,
    execute,
    outside,
    revision,
    revisions,
    schema_of,
    split,
    sql_name,
)

RANGE = re.compile(r"FOR VALUES FROM \(([^(),]+)\) TO \(([^(),]+)\)")
KEY = re.compile(r"(?:RANGE|LIST) \((\w+)\)")
RANGE_KEY = re.compile(r"RANGE \((\w+)\)")


def attach(before: Catalog, parent: str, child: str, bound: str, read: Sequence[str]) -> str | None:
    """Checks first, then ATTACH in the next revision; None where the bounds are no plain range."""
    key, ends = RANGE_KEY.search(_relation(before, parent)), RANGE.fullmatch(bound)
    if key is None or ends is None:
        return None
    inside = f"{key[1]} >= {ends[1]} AND {key[1]} < {ends[2]}"
    if "MINVALUE" in inside or "MAXVALUE" in inside:
        return None
    checks = {table: inside if table == child else f"NOT ({inside})" for table in read}
    add = [call("op.add_check", _check(t), split(t)[1], c, schema=schema_of(t)) for t, c in checks.items()]
    drop = [call("op.drop_constraint", _check(t), split(t)[1], schema=schema_of(t)) for t in checks]
    join = execute(f"ALTER TABLE {sql_name(parent)} ATTACH PARTITION {sql_name(child)} {bound}")
    part = execute(f"ALTER TABLE {sql_name(parent)} DETACH PARTITION {sql_name(child)}")
    return revisions(
        revision("\n".join(add), "\n".join(drop)),
        revision("\n".join((join, *drop)), "\n".join((*add, part))),
    )


def made_apart(parent: str, child: str, bound: str) -> str:
    """The same table, made apart and attached."""
    return revision(
        "\n".join(
            (
                execute(
                    f"CREATE TABLE {sql_name(child)} (LIKE {sql_name(parent)} "
                    "INCLUDING ALL EXCLUDING IDENTITY)"
                ),
                execute(f"ALTER TABLE {sql_name(parent)} ATTACH PARTITION {sql_name(child)} {bound}"),
            )
        ),
        call("op.drop_table", split(child)[1], schema=schema_of(child)),
    )


def detach(before: Catalog, parent: str, child: str, bound: str) -> str | None:
    """CONCURRENTLY, which leaves a check of the bounds; the way back attaches with its help and drops it.
    None beside a DEFAULT partition, where there is no such form, and where the key is no plain column."""
    everything = before.get("relation", {}).values()
    key = KEY.search(_relation(before, parent))
    if key is None or any("DEFAULT" in text and text.endswith(short(parent)) for text in everything):
        return None
    part = f"ALTER TABLE {sql_name(parent)} DETACH PARTITION {sql_name(child)} CONCURRENTLY"
    join = f"ALTER TABLE {sql_name(parent)} ATTACH PARTITION {sql_name(child)} {bound}"
    left = f"{split(child)[1]}_{key[1]}_check"
    drop = call("op.drop_constraint", left, split(child)[1], schema=schema_of(child))
    return revision(outside(execute(part)), "\n".join((execute(join), drop)))


def _relation(catalog: Catalog, name: str) -> str:
    return catalog.get("relation", {}).get(name, "")


def _check(table: str) -> str:
    return f"ck_{split(table)[1]}_bounds"[:63]
