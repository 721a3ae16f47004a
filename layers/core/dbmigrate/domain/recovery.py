"""The plan of a recovery, which an approver approves, and the record of how far it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from dbmigrate.domain.errors import BadRequest, PlanOutdated
from dbmigrate.domain.plan import Plan, code_of, digest_of

PHASES = (
    "planned",
    "fenced",
    "restoring",
    "verified",
    "compared",
    "swapping",
    "swapped",
    "opened",
    "abandoned",
)
ENDED = ("opened", "abandoned")
BEHIND_SWAP = ("swapping", "swapped", "opened")
"""In these the old instance may bear another name, so that a recovery only goes on."""
FOUND = ("only_on_old", "recovered", "changed")
"""What a comparison counts in every table: rows that only the old instance has, which a swap leaves behind;
rows that only the copy has, which it brings back; rows that both have with different values."""
DIRECTION = "recovery"


@dataclass(frozen=True)
class RecoveryPlan:
    """Which database goes back to when, by which instance, and what that costs.

    Either ``time`` (ISO 8601) or ``snapshot`` (RDS identifier) says to when. ``kind`` is "recovery", or
    "drill" where nothing is swapped. ``restored`` is the identifier of the copy, ``kept`` the one that the
    old instance gets. ``before_run`` is the run to just before which ``time`` leads. ``report`` is what the
    comparison found (domain.comparison): with it the digest is another, and that one is approved.
    """

    recovery: str
    environment: str
    database: str
    restored: str
    kept: str
    cluster: bool = False
    time: str | None = None
    snapshot: str | None = None
    before_run: str | None = None
    reason: str = ""
    requested_by: str = ""
    kind: str = DIRECTION
    report: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the plan. Approving means approving this."""
        return digest_of(self.to_json())

    @property
    def code(self) -> str:
        """Six characters of the digest, to be typed by hand."""
        return code_of(self.digest)

    @property
    def found(self) -> dict[str, int]:
        """Rows of the whole database, by the words of FOUND; empty before the comparison."""
        totals = (self.report or {}).get("totals") or {}
        return {word: int(totals[word]) for word in FOUND if word in totals}

    def with_report(self, report: Mapping[str, Any]) -> RecoveryPlan:
        """The final plan: the same with what the comparison found."""
        return replace(self, report=report)

    def to_json(self) -> dict[str, Any]:
        """The whole plan as JSON values."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RecoveryPlan:
        """The plan back from its JSON. Raises BadRequest when it is none."""
        known = {field.name for field in fields(cls)}
        try:
            plan = cls(**{key: value for key, value in values.items() if key in known})
        except (AttributeError, TypeError) as error:
            raise BadRequest(f"This is no plan of a recovery: {error}.", "db-migrate recover") from error
        if (plan.time is None) == (plan.snapshot is None):
            message = f"The plan of {plan.recovery} must name either a time or a snapshot."
            raise BadRequest(message, "db-migrate recover")
        return plan

    def slim(self) -> dict[str, Any]:
        """What travels through the state machine, with the keys of every plan (domain.shape.PLAN); the whole
        one lies in the bucket under its digest."""
        whole = self.to_json()
        del whole["report"]
        return {
            **whole,
            "digest": self.digest,
            "code": self.code,
            "bundle": "",
            "direction": DIRECTION,
            "from": "",
            "to": "",
            "pending": [],
            "total": 0,
            "reversible": False,
            "losses": [],
            "predicted_seconds": 0,
            "found": self.found,
        }


def is_recovery(values: Mapping[str, Any]) -> bool:
    """Whether a plan, slim or whole, is that of a recovery or of a drill."""
    return bool(values.get("kind"))


def plan_from_json(values: Mapping[str, Any]) -> Plan | RecoveryPlan:
    """Whichever plan lies under a digest. Raises BadRequest when it is none."""
    return RecoveryPlan.from_json(values) if is_recovery(values) else Plan.from_json(values)


def check_recovery_unchanged(slim: Mapping[str, Any], whole: Mapping[str, Any]) -> RecoveryPlan:
    """The plan under the digest that travelled. Raises PlanOutdated unless both are the same."""
    plan = RecoveryPlan.from_json(whole)
    if plan.digest != slim.get("digest") or plan.slim() != dict(slim):
        raise PlanOutdated(
            f"What the recovery carries is not the plan {slim.get('digest')} that was made and shown.",
            f"db-migrate recover --resume {plan.recovery}",
        )
    return plan


@dataclass(frozen=True)
class Record:
    """How far a recovery is. ``plan`` is its slim plan, ``times`` are epoch seconds at which it came into
    each phase, ``facts`` what its steps want to be known."""

    recovery: str
    phase: str
    plan: Mapping[str, Any]
    times: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def behind_swap(self) -> bool:
        """Whether the old instance may bear another name by now, so that nothing leads back."""
        return self.phase in BEHIND_SWAP

    @property
    def over(self) -> bool:
        """Whether nothing is left to do: opened, or given up with everything put back and no copy left."""
        return self.phase == "opened" or self.phase == "abandoned" and bool(self.facts.get("discarded"))

    def reached(self, phase: str, now: float, **facts: Any) -> Record:
        """The record with a phase that a step has come to, and the facts that it adds; one that is resumed
        passes the early phases again, but never goes back behind a swap, and what was given up stays so."""
        return replace(
            self,
            phase=self.phase if self.outweighs(phase) else phase,
            times={**self.times, phase: self.times.get(phase, now)},
            facts={**self.facts, **facts},
        )

    def outweighs(self, phase: str) -> bool:
        """Whether a step that comes to this phase must not change the record's: nothing leads back from
        behind a swap, and nothing on from what was given up."""
        if self.behind_swap:
            return phase == "abandoned" or PHASES.index(phase) < PHASES.index(self.phase)
        return self.phase == "abandoned" and phase != "abandoned"

    def beside(self, current: Record) -> Record:
        """The record to keep where another step has kept ``current`` since this one was read: what that has
        settled stands, with what this one adds."""
        if not current.outweighs(self.phase):
            return self
        return replace(current, facts={**self.facts, **current.facts}, times={**self.times, **current.times})

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """The opposite of to_json. Raises BadRequest for anything else."""
        try:
            record = cls(**values)
        except TypeError as error:
            raise BadRequest(f"This is no record of a recovery: {error}.") from error
        if record.phase not in PHASES:
            raise BadRequest(f"A recovery has no phase '{record.phase}'.")
        return record
