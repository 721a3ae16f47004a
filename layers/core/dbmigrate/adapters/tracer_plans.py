"""Whether a query reads a table in full because it must, or only because on scratch the table is tiny."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

QUERY = re.compile(r"^\s*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)
EXPLAIN = "EXPLAIN (FORMAT JSON, VERBOSE) "
# A planner that may not read in full takes any index that serves.
UNWILLING = "SAVEPOINT dbmigrate_plan; SET LOCAL enable_seqscan = off"
BACK = "ROLLBACK TO SAVEPOINT dbmigrate_plan; RELEASE SAVEPOINT dbmigrate_plan"


def full_scans(plan: Any) -> set[str]:
    """The tables that the plan (EXPLAIN's JSON) reads in full, as schema.table."""
    found = json.loads(plan) if isinstance(plan, str) else plan
    return set(_full_scans(found[0]["Plan"], None))


def _full_scans(node: Mapping[str, Any], above: Mapping[str, Any] | None) -> Iterator[str]:
    if "Relation Name" in node and _reads_all(node) and not _is_cut(node, above):
        yield f"{node['Schema']}.{node['Relation Name']}"
    for below in node.get("Plans", ()):
        yield from _full_scans(below, node)


def _reads_all(node: Mapping[str, Any]) -> bool:
    kind = node["Node Type"]
    by_index = kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    return kind == "Seq Scan" or by_index or (kind == "Bitmap Heap Scan" and "Recheck Cond" not in node)


def _is_cut(node: Mapping[str, Any], above: Mapping[str, Any] | None) -> bool:
    """LIMIT takes the first rows that come; with a filter they may come late."""
    return above is not None and above["Node Type"] == "Limit" and "Filter" not in node


def scans_it_must(ask: Callable[[str], Any], explain: Callable[[str], Any]) -> set[str] | None:
    """The tables that the query must read in full, None when it cannot be explained. ``ask`` runs statements
    of our own in the open transaction, ``explain`` the query with words before it and with its own values."""
    ask(UNWILLING)
    try:
        return full_scans(explain(EXPLAIN).rows[0][0])
    except Exception:  # whatever is wrong with the question, the revision goes on
        return None
    finally:
        ask(BACK)
