"""Following tables and columns through new names, so that only what else changed is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dbmigrate.domain.catalog import Catalog, Change, changes_between

Rename = tuple[str, str, str]
"""("table" or "column", the old full name, the new full name)"""


def follow(old: Catalog, new: Catalog, renames: Sequence[Rename]) -> tuple[Catalog, list[Change]]:
    """The old catalog under the new names, and what else leads from it to the new one."""
    for rename in renames:
        old = {kind: {_renamed(kind, name, rename): text for name, text in objects.items()}
               for kind, objects in old.items()}  # fmt: skip
    changes = changes_between(old, new)
    if not renames:
        return old, list(changes)
    return old, [
        (kind, name, now)
        for kind, name, now in changes
        if now is None or name not in old.get(kind, {}) or not _same(old[kind][name], now, renames)
    ]


def _renamed(kind: str, name: str, rename: Rename) -> str:
    """An identity after a rename; those of comments and grants are sentences."""
    _, was, now = rename
    if kind in ("comment", "grant", "owner"):
        return _replaced(name, was, now)
    if rename[0] == "column":
        return now if kind == "column" and name == was else name
    return now + name[len(was) :] if name == was or name.startswith(f"{was}.") else name


def _same(was: str, now: str, renames: Iterable[Rename]) -> bool:
    """Whether a definition only mentions the new names."""
    for kind, old, new in renames:
        if kind == "column":
            old, new = old.rpartition(".")[2], new.rpartition(".")[2]
        was = _replaced(was, old, new)
    return was == now


def _replaced(text: str, was: str, now: str) -> str:
    """The name exchanged wherever it stands as a word of its own, quoted or not."""
    for old, new in ((was, now), (_quoted(was), _quoted(now))):
        # A backslash in the new name would be read as a reference.
        text = re.sub(rf'(?<![\w".]){re.escape(old)}(?![\w"])', new.replace("\\", r"\\"), text)
    return text


def _quoted(name: str) -> str:
    return ".".join(f'"{part}"' for part in name.split("."))
