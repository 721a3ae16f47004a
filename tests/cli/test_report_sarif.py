"""SARIF 2.1.0: what the standard asks of a document, and what a code scanner needs to show a finding."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from tests.cli.reports import evil_report, finding, report

from dbmigrate.domain.errors import RehearsalFailed
from dbmigrate.domain.report import Place
from dbmigrate_cli.reports.sarif import refusal_sarif, report_sarif

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "required": ["uri"],
                    "properties": {"uri": {"pattern": r"^[^\s\\/:][^\s\\:]*$"}},
                },
                "region": {
                    "required": ["startLine"],
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        }
    },
}
RESULT = {
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "items": PLACE},
        "partialFingerprints": {"additionalProperties": {"type": "string"}},
        "suppressions": {
            "items": {
                "required": ["kind"],
                "properties": {
                    "kind": {"enum": ["inSource", "external"]},
                    "status": {"enum": ["accepted", "underReview", "rejected"]},
                    "justification": {"type": "string", "minLength": 1},
                },
                "additionalProperties": False,
            }
        },
    },
}
RULE = {
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"properties": {"level": LEVEL}},
    },
}
ESSENTIALS = {
    "$comment": "Of section 3 of the standard: what must be there, and the values that are allowed.",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "pattern": "sarif-schema-2.1.0.json$"},
        "runs": {
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {"required": ["name"], "properties": {"rules": {"items": RULE}}}
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {
                        "items": {
                            "required": ["executionSuccessful"],
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "toolExecutionNotifications": {
                                    "items": {"required": ["message"], "properties": {"message": TEXT}}
                                },
                            },
                        }
                    },
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}


def checked(text: str) -> dict[str, Any]:
    document = json.loads(text)
    jsonschema.validate(document, ESSENTIALS)
    (run,) = document["runs"]
    assert len({rule["id"] for rule in run["tool"]["driver"]["rules"]}) == len(run["tool"]["driver"]["rules"])
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


@pytest.mark.parametrize(("severity", "level"), [("note", "note"), ("review", "warning"), ("block", "error")])
def test_a_finding_stands_at_its_line_with_its_level(severity: str, level: str) -> None:
    run = checked(report_sarif(report(finding(severity=severity))))
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("DM104", level)
    where = result["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "migrations/versions/a1.py"
    assert where["region"] == {"startLine": 12}
    text = result["message"]["text"]
    assert "Who waits: inserts, updates and deletes, for 3 to 40 s." in text and "op.create_index" in text


def test_every_rule_explains_itself() -> None:
    rules = checked(report_sarif(report()))["tool"]["driver"]["rules"]
    found = {rule["id"]: rule for rule in rules}["DM104"]
    assert "as long as" in found["help"]["text"] and "docs/rules.md#dm104" in found["help"]["markdown"]
    assert "squawk/x" not in {rule["id"] for rule in rules}
    squawk = report(finding(rule="squawk/x"))
    assert "squawk/x" in {rule["id"] for rule in checked(report_sarif(squawk))["tool"]["driver"]["rules"]}


def test_what_is_let_pass_is_suppressed_and_fails_no_scan() -> None:
    (result,) = checked(report_sarif(report(finding(suppressed_because="nobody writes"))))["results"]
    assert result["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "nobody writes"}
    ]
    assert (result["level"], result["properties"]["severity"]) == ("note", "block")


def test_a_finding_is_known_again_after_an_edit_elsewhere() -> None:
    def prints(line: int, **more: Any) -> dict[str, str]:
        found = finding(**more)
        text = report_sarif(report(found={found: Place("migrations/versions/a1.py", line)}))
        return checked(text)["results"][0]["partialFingerprints"]

    assert prints(12) == prints(99, severity="note") != prints(12, relation="public.users")


def test_odd_names_are_still_a_document() -> None:
    run = checked(report_sarif(evil_report()))
    assert len(run["results"]) == 3


def test_a_revision_that_did_not_run_is_no_clean_bill() -> None:
    run = checked(refusal_sarif(RehearsalFailed("It failed.", "mend the revision")))
    (said,) = run["invocations"]
    assert said["executionSuccessful"] is False and run["results"] == []
    assert said["toolExecutionNotifications"][0]["message"]["text"] == "It failed.\nNext: mend the revision"
