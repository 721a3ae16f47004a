"""The plan: what a run will do, and the digest that an approver approves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from dbmigrate.domain.errors import BadRequest, PlanOutdated

LATER_FIELDS = (
    "phase",
    "impact",
    "deploy_order",
    "terminate_blockers",
    "predicted_bytes",
    "largest_bytes",
    "accept_loss",
)
ENDS_SESSIONS = (
    "Approving lets db-migrate end sessions of the application and of people whose transactions hold up one "
    "of these revisions (--terminate-blockers): what such a session has not committed is lost."
)
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def digest_of(values: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of these values."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def code_of(digest: str) -> str:
    """Six characters of a digest: few enough to be typed, and none that is mistaken for another."""
    number = int(digest[7:], 16)
    return "".join(CODE_ALPHABET[number >> 5 * place & 31] for place in range(6))


@dataclass(frozen=True)
class Impact:
    """A lock that a statement of a revision, counted from 1, takes on a table that the application uses, and
    for how long; seconds as in prediction.Wait, both None where nobody can tell."""

    statement: int
    relation: str
    lock: str
    seconds_low: float | None = None
    seconds_high: float | None = None


@dataclass(frozen=True)
class Step:
    """One revision as the approver sees it: what it is for, what it does to the catalog, which SQL it ran on
    scratch, who waits for it, and whether it expands, migrates or contracts the schema."""

    revision: str
    doc: str
    sql: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    autocommit: bool = False
    round_trip: bool = False
    phase: str = ""
    impact: tuple[Impact, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Step:
        """The step back from its JSON. Raises TypeError when it is none."""
        lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        given: dict[str, Any] = {**values, **lists}
        given["impact"] = tuple(Impact(**impact) for impact in given.get("impact", ()))
        return cls(**given)


@dataclass(frozen=True)
class Plan:
    """Bundle + environment + from -> to + findings + predicted impact.

    ``start`` and ``end`` are revision ids, "base", or several ids joined by commas where a history has
    branches. ``predicted_seconds`` is an upper estimate of the upgrade itself. ``losses`` names what a way
    back would not bring back. ``deploy_order`` says when the application is deployed. ``terminate_blockers``:
    sessions of others that hold up a revision are ended. ``predicted_bytes`` of storage are needed meanwhile,
    ``largest_bytes`` of them by one statement. ``accept_loss``: whoever asked for the way back knows of the
    losses.
    """

    bundle: str
    environment: str
    direction: str
    start: str
    end: str
    steps: tuple[Step, ...]
    findings: tuple[dict[str, Any], ...] = ()
    losses: tuple[str, ...] = ()
    predicted_seconds: float = 0.0
    requested_by: str = ""
    rollback_of: str | None = None
    deploy_order: str = ""
    terminate_blockers: bool = False
    predicted_bytes: int = 0
    largest_bytes: int = 0
    accept_loss: bool = False
    revisions: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "revisions", tuple(step.revision for step in self.steps))

    @property
    def reversible(self) -> bool:
        """Whether every step went there and back on the scratch database and nothing existing is lost on the
        way."""
        return not self.losses and all(step.round_trip for step in self.steps)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the plan. Approving means approving this."""
        return digest_of(self.to_json())

    @property
    def code(self) -> str:
        """Six characters of the digest, to be typed by hand; letters and digits that are not mistaken for
        each other."""
        return code_of(self.digest)

    def to_json(self) -> dict[str, Any]:
        """The whole plan as JSON values. What it does not say is absent, so that a plan which was made
        before plans could say it keeps its digest."""
        values = asdict(self)
        del values["revisions"]
        for part in (values, *values["steps"]):
            for key in LATER_FIELDS:
                if not part.get(key):
                    part.pop(key, None)
        return json.loads(json.dumps(values))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """The plan back from its JSON. Raises BadRequest when it is none."""
        try:
            known = {field.name for field in fields(cls) if field.init}
            given = {key: value for key, value in values.items() if key in known}
            steps = tuple(Step.from_json(step) for step in given.pop("steps"))
            findings, losses = tuple(given.pop("findings", ())), tuple(given.pop("losses", ()))
            return cls(**given, steps=steps, findings=findings, losses=losses)
        except (AttributeError, KeyError, TypeError) as error:
            hint = "start the run again: db-migrate deploy"
            raise BadRequest(f"This is no plan: {error}.", hint) from error

    def slim(self) -> dict[str, Any]:
        """What travels through the state machine; the whole plan lies in the bucket under its digest."""
        counting = [found for found in self.findings if not found.get("suppressed_because")]
        severities = [finding["severity"] for finding in counting]
        # Absent unless they say something, so that a run which was under way when plans learned them goes on.
        words = ("terminate_blockers", "predicted_bytes", "largest_bytes", "accept_loss")
        later = {word: getattr(self, word) for word in words if getattr(self, word)}
        return {
            "digest": self.digest,
            "code": self.code,
            "bundle": self.bundle,
            "environment": self.environment,
            "direction": self.direction,
            "from": self.start,
            "to": self.end,
            "pending": list(self.revisions),
            "total": len(self.steps),
            "reversible": self.reversible,
            "losses": list(self.losses)[:20],
            "findings": {word: severities.count(word) for word in ("note", "review", "block")},
            "predicted_seconds": self.predicted_seconds,
            "requested_by": self.requested_by,
            "rollback_of": self.rollback_of,
            **later,
        }


def check_unchanged(slim: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    """Raise PlanOutdated unless what travelled with the run is still the plan that lies under its digest."""
    plan = Plan.from_json(whole)
    if plan.digest != slim.get("digest") or plan.slim() != dict(slim):
        raise PlanOutdated(
            f"What the run carries is not the plan {slim.get('digest')} that was made and shown.",
            "start the run again: db-migrate deploy",
        )


def check_approved(
    slim: Mapping[str, Any], approval: Mapping[str, Any], approval_required: bool, forced: bool
) -> None:
    """Raise PlanOutdated unless this plan, and no other, was approved (or needs no approval)."""
    if not approval_required or forced:
        return
    if approval.get("status") != "approved" or approval.get("digest") != slim.get("digest"):
        raise PlanOutdated(
            f"The approval is for plan {approval.get('digest') or 'none'}, "
            f"but the run carries {slim.get('digest')}.",
            "start the run again and have the new plan approved: db-migrate deploy",
        )
