"""One revision between the schema that the application knows and the one that the plan makes, as catalogs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.evidence import RevisionEvidence

SOFT = ("constraint", "null", "default", "conflict", "row security", "privilege", "zone")
RETURNS = re.compile(r"\bRETURNS .*")
UNIQUE = re.compile(r"^CREATE UNIQUE INDEX .*? ON (?:ONLY )?(\S+) USING \w+ \((.*)")
KEY = re.compile(r"^(?:UNIQUE|PRIMARY KEY)[^(]*\((.*?)\)")


@dataclass(frozen=True)
class Break:
    """One thing of which an application's statements fail.

    ``what`` is one of gone, renamed, insert, type, enum, signature, or of SOFT: then only some of them fail,
    or none, and what is in them decides. ``relation`` is the table, ``name`` the object in full.
    """

    what: str
    relation: str
    name: str
    text: str

    @property
    def sure(self) -> bool:
        """Whether every statement that names the object fails."""
        return self.what not in SOFT


@dataclass(frozen=True)
class Delta:
    """One revision of a plan: the catalogs before the plan, before the revision and after it."""

    start: Catalog
    before: Catalog
    after: Catalog
    seen: RevisionEvidence

    def was(self, kind: str, name: str) -> str | None:
        return self.before.get(kind, {}).get(name)

    def known(self, kind: str, name: str) -> bool:
        """Whether the application that runs now can know it: it was there before the plan, and still is."""
        return name in self.start.get(kind, {}) and name in self.before.get(kind, {})

    def operated(self, kind: str) -> set[str]:
        """What safe operations did that to, under its old name where it has another."""
        ours = (each for each in self.seen.statements if each.operation)
        return {act.was or act.name for each in ours for act in each.did(kind)}

    def renamed(self, name: str) -> str | None:
        """What a table or column is called after the revision that renamed it."""
        now = name
        for statement in (each for each in self.seen.statements if not each.undone):
            for act in statement.did("rename table", "rename column"):
                now = act.now or now if act.was == now else now
        return None if now == name else now


def table_of(kind: str, name: str, definition: str) -> str:
    """The table of a column, a constraint or a unique index; "" of another index."""
    if kind == "index":
        match = UNIQUE.match(definition)
        return match[1] if match else ""
    return name.rpartition(".")[0]


def key_of(definition: str) -> str:
    """The columns of a unique index or key, "" of anything else."""
    match = UNIQUE.match(definition)
    if match:
        return match[2].partition(")")[0]
    key = KEY.match(definition)
    return key[1] if key else ""


def is_unique(catalog: Catalog, table: str, columns: str) -> bool:
    """Whether an index without a condition keeps just these columns unique."""
    indexes = (UNIQUE.match(what) for what in catalog.get("index", {}).values())
    return any(each and each[1] == table and each[2] == f"{columns})" for each in indexes)


def columns_of(catalog: Catalog, table: str) -> list[str]:
    start = f"{table}."
    return [name[len(start) :] for name in catalog.get("column", {}) if name.startswith(start)]


def labels(values: str) -> list[str]:
    return values.split(",")


def returned(definition: str) -> str:
    match = RETURNS.search(definition)
    return match[0].strip() if match else ""


def bare(name: str) -> str:
    return name.rpartition(".")[2]
