"""The state machine's definition as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.template.template import ROOT


class Definition:
    """One state machine's file, and its parts."""

    def __init__(self, name: str) -> None:
        self.file = ROOT / f"statemachine/{name}.asl.json"
        self.text = self.file.read_text()
        self.machine: dict[str, Any] = json.loads(self.text)
        self.states: dict[str, dict[str, Any]] = self.machine["States"]
        self.tasks = self._of_type("Task")
        self.calls = {name: task for name, task in self.tasks.items() if "FunctionName" in task["Arguments"]}
        self.choices = self._of_type("Choice")

    def _of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: state for name, state in self.states.items() if state["Type"] == kind}

    def arrows(self) -> Iterator[tuple[str, str]]:
        """Every way from one state to the next."""
        for name, state in self.states.items():
            branches = [*state.get("Choices", []), *state.get("Catch", [])]
            for target in (state.get("Next"), state.get("Default"), *(branch["Next"] for branch in branches)):
                if target:
                    yield name, target

    def outcomes(self) -> set[str]:
        """Every word that an execution can end with."""
        given = [found["outcome"] for found in assigned(self.states) if found.get("outcome")]
        computed = {word for text in given for word in re.findall(r"[?:] '(\w+)'", text)}
        # one rule passes the failure's own name on, and lists which names it takes
        passed_on = {
            word
            for choice in self.states.get("Choose the remedy", {}).get("Choices", [])
            for names in re.findall(r"\$failure\.Error in \[([^]]*)\]", choice["Condition"])
            for word in re.findall(r"'(\w+)'", names)
        }
        return {text for text in given if not text.startswith("{%")} | computed | passed_on


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


MIGRATION, RECOVERY, DRILL = Definition("migration"), Definition("recovery"), Definition("drill")
FILE, TEXT, MACHINE, STATES = MIGRATION.file, MIGRATION.text, MIGRATION.machine, MIGRATION.states
TASKS, CALLS, CHOICES = MIGRATION.tasks, MIGRATION.calls, MIGRATION.choices
arrows, outcomes = MIGRATION.arrows, MIGRATION.outcomes
