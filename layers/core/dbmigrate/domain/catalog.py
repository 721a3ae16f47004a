"""The canonical catalog of a database as a dictionary, its fingerprint and the difference of two.

A catalog is {kind: {identity: definition}}: names only, no OIDs, so that two databases made by the same
revisions are equal.
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


def describe_changes(before: Mapping[str, Mapping[str, str]], changes: Iterable[Change]) -> list[str]:
    """The changes as a changelog reads: ``+ column public.users.name: text``."""
    lines = []
    for kind, name, definition in changes:
        old = before.get(kind, {}).get(name)
        if definition is None:
            lines.append(f"- {kind} {name}")
        elif old is None:
            lines.append(f"+ {kind} {name}: {definition}")
        else:
            lines.append(f"~ {kind} {name}: {old} -> {definition}")
    return lines


def describe_drift(
    expected: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """The differences as a person on call reads them: what the revisions say against what the database
    has."""
    lines = []
    for kind, name, actual in changes_between(expected, found):
        planned = expected.get(kind, {}).get(name)
        if kind == "extension" and actual is not None:
            # Its version is the server's, and one that no revision asks for is the administrator's: on RDS
            # nearly every database has pg_stat_statements.
            continue
        if actual is None:
            lines.append(f"{kind} {name} is missing")
        elif planned is None:
            lines.append(f"{kind} {name} is in no revision: {actual}")
        else:
            lines.append(f"{kind} {name} is {actual}, the revisions say {planned}")
    return lines


def tables(catalog: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """Names of the ordinary and partitioned tables."""
    return frozenset(
        name for name, what in catalog.get("relation", {}).items() if what.split("|")[0] in ("r", "p")
    )
