"""A request for approval, its personal links, and what makes a decision valid."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbmigrate.domain.errors import Misconfigured

MOST_TRIES = 5  # answers through one link, right or wrong
MOST_COMMENT = 500  # characters
DECISIONS = {"approve": "approved", "reject": "rejected"}


@dataclass(frozen=True)
class Request:
    """One run's question to its approvers. Times are epoch seconds, ``plan`` is the digest of what is
    approved.

    ``status`` is pending, approved, rejected, or ended when the run stopped waiting before it heard the
    decision."""

    run: str
    plan: str
    code: str
    environment: str
    requested_by: str
    requested_at: int
    expires_at: int
    backup: Mapping[str, Any] = field(default_factory=dict)
    status: str = "pending"
    decided_by: str = ""
    decided_at: int = 0
    comment: str = ""


@dataclass(frozen=True)
class Link:
    """One approver's link to one run's plan. Only the hash of its secret is ever stored."""

    run: str
    plan: str
    approver: str
    expires_at: int
    tries: int = 0

    @property
    def locked(self) -> bool:
        return self.tries >= MOST_TRIES


def new_secret() -> str:
    """The unguessable part of a link."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is stored in place of the secret: whoever reads the table cannot make a link of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_same_person(requester: str, approver: str) -> bool:
    """Whether the requester, a mail address or the name before its @, is this approver."""
    asked, answers = requester.strip().lower(), approver.strip().lower()
    return asked == (answers if "@" in asked else answers.partition("@")[0])


def approvers_for(requester: str, approvers: Iterable[str]) -> list[str]:
    """Who may approve: everyone but the requester. Raises Misconfigured when nobody is left."""
    different = dict.fromkeys(approver.strip() for approver in approvers)
    left = [approver for approver in different if approver and not is_same_person(requester, approver)]
    if left:
        return left
    why = f"{requester} asked and is the only approver" if different else "there are no approvers"
    raise Misconfigured(
        f"Nobody can approve in this environment: {why}.",
        "set FirstApprover and SecondApprover in samconfig.toml to two people and deploy the stack again",
    )


def typed_code(text: str) -> str:
    """The code as people type it: spaces, dashes and case do not matter."""
    return "".join(character for character in text.upper() if character.isalnum())
