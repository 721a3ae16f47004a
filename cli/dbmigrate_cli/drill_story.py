"""A drill's history, told as lines: one a state, with what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dbmigrate.domain.drill_words import drill_facts
from dbmigrate_cli.story import SAYINGS, Saying, Story
from dbmigrate_cli.working import told


@dataclass
class DrillStory(Story):
    """Feed it the events in their order. ``report`` is what was recorded."""

    report: dict[str, Any] = field(default_factory=dict)

    repeated: ClassVar[frozenset[str]] = frozenset(
        {
            "Wait for the restore",
            "Check the restore",
            "Verify the copy",
            "Wait for the work",
            "Rehearse the bundle",
        }
    )

    @property
    def sayings(self) -> Mapping[str, Saying]:
        return DRILL_SAYINGS

    def chosen(self, answer: dict[str, Any]) -> str:
        self.plan = answer["plan"]
        backup = drill_facts({"backup": answer["backup"]})["Backup"]
        return f"{backup}, to be restored as {self.plan['restored']}"

    def restoring(self, answer: dict[str, Any]) -> str:
        return f"{answer['id']}: {answer['status']}"

    def verified(self, answer: dict[str, Any]) -> str:
        if answer.get("status") == "working":
            return "reading every row of the copy"
        found = drill_facts(answer)["Found"]
        checks = "the copy is whole: " + ", ".join(answer.get("checks", ()))
        return checks + (f"; {found}" if found else "") + "".join(f"; {note}" for note in answer["notes"])

    def rehearsed(self, answer: dict[str, Any]) -> str:
        if answer["status"] == "none":
            return "nothing is pending on the copy"
        of = f"{answer['completed']}/{answer['total']}"
        if answer["status"] == "working":
            return f"{of}  {told(answer['work'])}"
        if not answer.get("revision"):
            return of
        return f"{of}  {answer['revision']} in {answer['seconds']:.2f} s"

    def recorded(self, answer: dict[str, Any]) -> str:
        self.report = answer
        return "kept for the approvers"


DRILL_SAYINGS: Mapping[str, Any] = {
    "Choose the backup": DrillStory.chosen,
    "Start the restore": DrillStory.restoring,
    "Check the restore": DrillStory.restoring,
    "Verify the copy": DrillStory.verified,
    "Rehearse the bundle": DrillStory.rehearsed,
    "Verify the rehearsal": SAYINGS["Verify"],
    "Discard the copy": lambda story, answer: f"{answer['id']} is deleted",
    "Record the drill": DrillStory.recorded,
    "Notify": SAYINGS["Notify"],
}
