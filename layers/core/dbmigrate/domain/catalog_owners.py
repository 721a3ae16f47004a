"""Which object a part belongs to: a column to its table, a comment to what it is on."""

from __future__ import annotations

import re

from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.catalog_words import index_table, plain, statistics_table

Key = tuple[str, str]
"""The kind and the identity of an object."""

OF_RELATION = ("column", "constraint", "trigger", "rule", "policy")
TYPES = ("enum", "domain", "composite", "range", "base type")
OWNED_BY = re.compile(r" OWNED BY (?P<column>.*)$")
# How comments, grants and owners name what they are for.
FOR = re.compile(
    r"(?P<what>table column|view column|materialized view column|foreign table column|composite type column"
    r"|column|table constraint|domain constraint|trigger|rule|policy|table|partitioned table|view"
    r"|materialized view|foreign table|sequence|index|statistics object|type|domain|function|procedure"
    r"|aggregate|schema|publication|event trigger|foreign server|foreign-data wrapper|server"
    r"|foreign data wrapper) (?P<name>.*)",
    re.DOTALL,
)
SAME_KIND = {"server": "foreign server", "foreign-data wrapper": "foreign data wrapper",
             "procedure": "function", "aggregate": "function"}  # fmt: skip


class Owners:
    """Finds owners in two catalogs, one before and one after a change."""

    def __init__(self, old: Catalog, new: Catalog) -> None:
        self.catalogs = (new, old)
        self.relations = {*old.get("relation", {}), *new.get("relation", {})}

    def of(self, kind: str, name: str) -> Key:
        """The object that tells of this one; itself when it stands alone."""
        if kind in OF_RELATION:
            return self._parent(name) or (kind, name)
        if kind in ("relation", "sequence"):
            return self._owning_table(name) or ("relation", name)
        if kind == "view" and name in self.relations:
            return ("relation", name)
        if kind in ("index", "statistics"):
            table = (index_table if kind == "index" else statistics_table)(self._definition(kind, name))
            return ("relation", table) if table in self.relations else (kind, name)
        if kind in ("comment", "grant", "owner"):
            return self._subject(name if kind != "grant" else name.rpartition(" to ")[0]) or (kind, name)
        return (kind, name)

    def owned_by(self, name: str) -> str | None:
        """The column that a sequence belongs to."""
        found = OWNED_BY.search(self._definition("sequence", name))
        return plain(found["column"]) if found else None

    def _definition(self, kind: str, name: str) -> str:
        return next((catalog[kind][name] for catalog in self.catalogs if name in catalog.get(kind, {})), "")

    def _owning_table(self, name: str) -> Key | None:
        column = self.owned_by(name)
        return self._parent(column) if column else None

    def _parent(self, name: str) -> Key | None:
        """The relation or the domain that begins a part's identity; names may hold points of their own."""
        begin = name
        while "." in begin:
            begin = begin.rpartition(".")[0]
            if begin in self.relations:
                return ("relation", begin)
            if self._definition("domain", begin):
                return ("domain", begin)
        return None

    def _subject(self, text: str) -> Key | None:
        found = FOR.fullmatch(text)
        if not found:
            return None
        kind, name = found["what"], plain(found["name"])
        if kind in ("table constraint", "domain constraint", "trigger", "rule", "policy"):
            name = name.rpartition(" on ")[2]
        if kind.endswith("column"):
            return self._parent(name)
        if kind in ("index", "statistics object"):
            return self.of(kind.removesuffix(" object"), name)
        if name in self.relations:
            return self.of("relation", name)
        of_type = next(((each, name) for each in TYPES if self._definition(each, name)), None)
        return of_type or (SAME_KIND.get(kind, kind), found["name"] if "function" in kind else name)
