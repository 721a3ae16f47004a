"""The rules, a module for each family; docs/rules.md is rendered from them."""

from dbmigrate.domain.rules import (
    basic,
    compatibility,
    constraints,
    deadlines,
    enums,
    indexes,
    keys,
    locks,
    names,
    partitions,
    rehearsal,
    rewrites,
    rows,
    storage,
    tables,
    types,
)
from dbmigrate.domain.rules.register import RULES

__all__ = [
    "RULES",
    "basic",
    "compatibility",
    "constraints",
    "deadlines",
    "enums",
    "indexes",
    "keys",
    "locks",
    "names",
    "partitions",
    "rehearsal",
    "rewrites",
    "rows",
    "storage",
    "tables",
    "types",
]
