"""The statements that take long, let others work meanwhile, and that PostgreSQL brings to their end alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ONE = r'(?:"(?:[^"]|"")+"|[\w$]+)'
NAME = rf"{ONE}(?:\s*\.\s*{ONE})*"
ALTER = rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?P<table>{NAME})\s+"
REINDEX = r"(?P<what>INDEX|TABLE|SCHEMA|DATABASE|SYSTEM)"
FORMS = {
    "CREATE INDEX CONCURRENTLY": rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"(?:(?P<name>{ONE})\s+)?ON\s+(?:ONLY\s+)?(?P<table>{NAME})",
    "DROP INDEX CONCURRENTLY": rf"DROP\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+EXISTS\s+)?(?P<name>{NAME})"
    r"(?:\s+(?:CASCADE|RESTRICT))?\s*$",
    "REINDEX CONCURRENTLY": rf"REINDEX\s+(?:(?:\([^)]*\)\s*)?{REINDEX}\s+CONCURRENTLY|"
    rf"\([^)]*\bCONCURRENTLY\b[^)]*\)\s*{REINDEX.replace('what', 'which')})\s+(?P<name>{NAME})",
    "VALIDATE CONSTRAINT": rf"{ALTER}VALIDATE\s+CONSTRAINT\s+(?P<name>{ONE})\s*$",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY": rf"REFRESH\s+MATERIALIZED\s+VIEW\s+CONCURRENTLY\s+"
    rf"(?P<name>{NAME})",
    "DETACH PARTITION CONCURRENTLY": rf"{ALTER}DETACH\s+PARTITION\s+(?P<name>{NAME})\s+"
    r"(?:CONCURRENTLY|FINALIZE)\s*$",
}
PATTERNS = {verb: re.compile(pattern, re.IGNORECASE) for verb, pattern in FORMS.items()}
BEFORE = re.compile(r"^(?:\s+|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
ATOMIC = ("VALIDATE CONSTRAINT", "REFRESH MATERIALIZED VIEW CONCURRENTLY")
"""Those that run in a transaction too, and so together with the journal's word that they are done."""


@dataclass(frozen=True)
class Long:
    """One of them. ``table`` and ``name`` are as the statement writes them, "" where it does not; ``what`` is
    INDEX, TABLE and so on of a REINDEX."""

    verb: str
    sql: str
    table: str
    name: str
    what: str = ""

    @property
    def shown(self) -> str:
        """What it works on, for people."""
        return self.table or self.name


def long_statement(statement: str, parameters: Sequence[object] | None = None) -> Long | None:
    """The statement as one of these; None for any other, and for one with parameters, which none of them
    takes."""
    sql = BEFORE.sub("", statement).rstrip().rstrip(";").rstrip()
    if parameters or ";" in sql:
        return None
    for verb, pattern in PATTERNS.items():
        if found := pattern.match(sql):
            parts = {key: value for key, value in found.groupdict().items() if value}
            what = parts.get("what", parts.get("which", "")).upper()
            return Long(verb, sql, parts.get("table", ""), parts.get("name", ""), what)
    return None


def folded(name: str) -> str:
    """One identifier as the catalog has it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
