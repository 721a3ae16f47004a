"""The canonical catalog of a database as a dictionary, its fingerprint and the difference of two.

    from dbmigrate.adapters.catalog import snapshot
    from dbmigrate.domain.catalog import changes_between, fingerprint
    from dbmigrate.domain.changelog import changelog, to_lines

    before, after = snapshot(one_connection), snapshot(another)
    if fingerprint(before) != fingerprint(after):
        print("\n".join(to_lines(changelog(before, changes_between(before, after)))))

A catalog is {kind: {identity: definition}}: names only, no OIDs, so that two databases made by the same
revisions are equal. Identities are without quotes ("public.orders", "public.orders.total"); definitions are
PostgreSQL's own text. A column's begins with its type and ends with its default; a relation's begins with
its pg_class.relkind and relpersistence, each with a bar behind it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

Catalog = dict[str, dict[str, str]]
Change = tuple[str, str, str | None]  # kind, identity, definition; None where the object is gone
LEDGER_SCHEMA = "dbmigrate"


def fingerprint(catalog: Mapping[str, Mapping[str, str]]) -> str:
    """SHA-256 of the catalog's canonical JSON; empty kinds do not count."""
    full = {kind: objects for kind, objects in catalog.items() if objects}
    canonical = json.dumps(full, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def changes_between(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> tuple[Change, ...]:
    """What turns ``before`` into ``after``, sorted by kind and identity."""
    found: list[Change] = []
    for kind in sorted({*before, *after}):
        old, new = before.get(kind, {}), after.get(kind, {})
        found += [
            (kind, name, new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name)
        ]
    return tuple(found)


def apply_changes(catalog: Catalog, changes: Iterable[Change]) -> None:
    """Change the catalog in place."""
    for kind, name, definition in changes:
        objects = catalog.setdefault(kind, {})
        if definition is None:
            objects.pop(name, None)
        else:
            objects[name] = definition


def tables(catalog: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """Names of the ordinary and partitioned tables."""
    return frozenset(
        name for name, what in catalog.get("relation", {}).items() if what.split("|")[0] in ("r", "p")
    )
