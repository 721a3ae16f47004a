"""The rules, a module for each family; docs/rules.md is rendered from them."""

from dbmigrate.domain.rules import basic, constraints, indexes, locks, partitions, rehearsal, storage, tables
from dbmigrate.domain.rules.register import RULES

__all__ = [
    "RULES",
    "basic",
    "constraints",
    "indexes",
    "locks",
    "partitions",
    "rehearsal",
    "storage",
    "tables",
]
