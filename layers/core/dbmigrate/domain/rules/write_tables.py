"""Ready replacements that concern whole tables."""

from __future__ import annotations

from dbmigrate.domain.rules.revision_text import execute, outside, revision, sql_name


def refresh(view: str) -> str:
    """Its readers read on; the next refresh is the way back."""
    return revision(outside(execute(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {sql_name(view)}")), "pass")
