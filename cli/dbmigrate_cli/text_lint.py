"""squawk, where it is installed, over the SQL that the rehearsal saw."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from dbmigrate.adapters.squawk import SquawkFailed, lint
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.findings import Finding
from dbmigrate.domain.report_rules import about
from dbmigrate.domain.text_rules import unused, with_text_findings

UNUSED = "DM167"
VARIABLE = "DB_MIGRATE_SQUAWK"
ABSENT = "squawk is not installed, so nothing reads the SQL's text: pip install 'db-migrate[squawk]'"


def add_text_findings(
    findings: Sequence[Finding], evidence: Evidence, revisions: Sequence[str]
) -> tuple[list[Finding], str | None]:
    """The findings with squawk's, and what is to be said where it could not be asked."""
    allows = {revision: evidence.revisions[revision].allows for revision in revisions}
    squawk = find_squawk()
    if squawk is None:
        return list(findings), ABSENT
    statements = {revision: evidence.revisions[revision].statements for revision in revisions}
    try:
        said = lint(squawk, statements, evidence.server_major)
    except SquawkFailed as error:
        return list(findings), f"{error}. Nothing has read the SQL's text."
    found = with_text_findings(findings, said, allows)
    return found + [_unused(revision, rule) for revision, rule in unused(found, allows)], None


def find_squawk() -> Path | None:
    """The binary that DB_MIGRATE_SQUAWK names, else that on PATH, else that beside this Python."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).resolve()
    found = shutil.which("squawk") or shutil.which("squawk", path=str(Path(sys.executable).parent))
    return Path(found) if found else None


def _unused(revision: str, rule: str) -> Finding:
    return Finding(
        UNUSED, revision, "review", f"it allows {rule}, which finds nothing here.", about(UNUSED).instead
    )
