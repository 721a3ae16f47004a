"""What an approver's click meets: the ports it touches, what the browser sent and what it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from dbmigrate.domain.approval import Link, Request


class Approvals(Protocol):
    """Where requests and links are kept."""

    def link(self, secret: str) -> Link | None: ...
    def request(self, run: str) -> Request | None: ...
    def take_try(self, secret: str) -> int: ...
    def decide(self, link: Link, status: str, comment: str, now: int) -> str | None: ...
    def amend(self, link: Link, status: str) -> None: ...


class Plans(Protocol):
    """Where whole plans are kept, and what a drill found of a bundle."""

    def get_plan(self, digest: str) -> dict[str, Any]: ...
    def drill_of(self, bundle_digest: str) -> dict[str, Any] | None: ...


class TaskTokens(Protocol):
    """How a waiting run hears the decision. False: it no longer waits."""

    def succeed(self, token: str, output: Mapping[str, Any]) -> bool: ...
    def fail(self, token: str, error: str, cause: str) -> bool: ...


@dataclass(frozen=True)
class Click:
    """What the browser sent. ``form`` is None when it cannot be read."""

    method: str
    secret: str
    form: Mapping[str, str] | None = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the browser gets. ``log`` says what happened, without the link."""

    status: int
    html: str
    log: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """Everything that a decision touches. ``now`` is epoch seconds."""

    approvals: Approvals
    plans: Plans
    tokens: TaskTokens
    emit: Callable[[str, float], None]
    now: float
