"""The state machine's definition as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.template.template import ROOT

FILE = ROOT / "statemachine/migration.asl.json"
TEXT = FILE.read_text()
MACHINE: dict[str, Any] = json.loads(TEXT)
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
CHOICES = {name: state for name, state in STATES.items() if state["Type"] == "Choice"}


def strings(value: Any) -> list[str]:
    """Every string at or below a value, without keys and comments."""
    if isinstance(value, dict):
        return [text for key, item in value.items() if key != "Comment" for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def expressions(value: Any) -> list[str]:
    """The JSONata at or below a value, string literals emptied: a name in a message is no variable."""
    found = [text[3:-3] for text in strings(value) if text.startswith("{%")]
    return [re.sub(r"'[^']*'", "''", text) for text in found]


def assigned(value: Any) -> list[dict[str, Any]]:
    """Every Assign at or below a value: of states, of rules and of Catch alike."""
    if isinstance(value, list):
        return [found for item in value for found in assigned(item)]
    if not isinstance(value, dict):
        return []
    below = [found for key, item in value.items() if key != "Assign" for found in assigned(item)]
    return [*([value["Assign"]] if "Assign" in value else []), *below]


def variables(value: Any) -> set[str]:
    """The variables that a value reads."""
    read = re.findall(r"\$([a-z_]+)\b(?!\()", " ".join(expressions(value)))
    return set(read) - {"states"}


def arrows() -> Iterator[tuple[str, str]]:
    """Every way from one state to the next."""
    for name, state in STATES.items():
        branches = [*state.get("Choices", []), *state.get("Catch", [])]
        for target in (state.get("Next"), state.get("Default"), *(branch["Next"] for branch in branches)):
            if target:
                yield name, target


def outcomes() -> set[str]:
    """Every word that a run can end with."""
    given = [found["outcome"] for found in assigned(STATES) if found.get("outcome")]
    computed = {word for text in given for word in re.findall(r"[?:] '(\w+)'", text)}
    # one rule passes the failure's own name on, and lists which names it takes
    passed_on = {
        word
        for choice in STATES["Choose the remedy"]["Choices"]
        for names in re.findall(r"\$failure\.Error in \[([^]]*)\]", choice["Condition"])
        for word in re.findall(r"'(\w+)'", names)
    }
    return {text for text in given if not text.startswith("{%")} | computed | passed_on
