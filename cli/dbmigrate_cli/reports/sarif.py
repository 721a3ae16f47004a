"""The report as SARIF 2.1.0, which code scanners show at the lines of a pull request.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from dbmigrate.domain.errors import DbMigrateError
from dbmigrate.domain.findings import Finding
from dbmigrate.domain.report import Place, Report
from dbmigrate.domain.report_rules import about
from dbmigrate.domain.report_words import is_code, waiting
from dbmigrate.domain.rules import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"note": "note", "review": "warning", "block": "error"}


def report_sarif(report: Report) -> str:
    """The document. Paths are relative to the repository's top, as GitHub wants them."""
    rules = sorted({*RULES, *(finding.rule for finding in report.findings)})
    places = {rule: place for place, rule in enumerate(rules)}
    results = [_result(finding, places, report) for finding in report.found]
    return _document(rules, results, {"executionSuccessful": True})


def refusal_sarif(error: DbMigrateError) -> str:
    """The document where there is no report: the tool says why it could not finish."""
    said = {"level": "error", "message": {"text": f"{error.message}\nNext: {error.hint}".strip()}}
    return _document([], [], {"executionSuccessful": False, "toolExecutionNotifications": [said]})


def _document(rules: Iterable[str], results: list[dict[str, Any]], invocation: Mapping[str, Any]) -> str:
    from importlib.metadata import version

    driver = {
        "name": "db-migrate",
        "semanticVersion": version("db-migrate"),
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [dict(invocation)],
        "automationDetails": {"id": "db-migrate/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(rule: str) -> dict[str, Any]:
    what = about(rule)
    text = f"{what.hurts[:1].upper()}{what.hurts[1:]}. Write instead: {what.instead}."
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in what.title.split()),
        "shortDescription": {"text": what.title},
        "fullDescription": {"text": text},
        "help": {"text": f"{text} See {what.page}.", "markdown": f"{text}\n\nSee `{what.page}`."},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["postgresql", "migration"]},
    }


def _result(finding: Finding, places: Mapping[str, int], report: Report) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": places[finding.rule],
        # Scanners that know no suppressions would fail the pull request for what a reason lets pass.
        "level": LEVELS[finding.severity] if finding.counts else "note",
        "message": {"text": _message(finding)},
        "locations": [_location(finding, report.found[finding])],
        "partialFingerprints": {"dbMigrate/v1": _same_finding(finding, report)},
        "properties": {"severity": finding.severity, "revision": finding.revision},
    }
    if not finding.counts:
        reason = {"kind": "inSource", "status": "accepted", "justification": finding.suppressed_because}
        result["suppressions"] = [reason]
    return result


def _message(finding: Finding) -> str:
    parts = [finding.message]
    if finding.blocks:
        parts.append(f"Who waits: {waiting([finding])}.")
    between = "\n" if is_code(finding.instead) else " "
    parts.append(f"Write instead:{between}{finding.instead}")
    return "\n".join(parts)


def _location(finding: Finding, place: Place) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.path), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": place.line},
        },
        "logicalLocations": [{"name": finding.revision, "kind": "module"}],
    }


def _same_finding(finding: Finding, report: Report) -> str:
    """The same for the same finding after an edit elsewhere in the file."""
    seen = report.evidence.revisions.get(finding.revision)
    at = finding.statement or 0
    sql = seen.sql[at - 1] if seen and 0 < at <= len(seen.sql) else ""
    parts = (finding.rule, finding.revision, finding.relation or "", sql)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
