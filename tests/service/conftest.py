"""One environment in memory: three revisions, nothing applied, the staging policy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.domain.evidences import DIGEST, USERS, history, seen
from tests.service.fakes import FakeBundles, FakeDatabase, FakeHistory

from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.policy import Policy
from dbmigrate.service.inspect import ask_the_database
from dbmigrate.service.roll_back import roll_back
from dbmigrate.service.upgrade import upgrade
from dbmigrate.service.validate import validate
from dbmigrate.service.verify import verify

STAGING = Policy("staging", "required", "required", "automatic", "sent", "refused", "with-reason", 1, 1, 1, 1)
THREE = history(
    seen("a1", changes=USERS),
    seen("b2", ("a1",), changes=(("column", "public.users.note", "text"),)),
    seen("c3", ("b2",), changes=(("relation", "public.posts", "r|p"),)),
)


@dataclass
class World:
    """Everything a use case is given, and the use cases themselves, as the handlers call them."""

    evidence: Evidence = THREE
    policy: Policy = STAGING
    bundles: FakeBundles = field(default_factory=FakeBundles)
    history: FakeHistory = field(init=False)
    database: FakeDatabase = field(init=False)

    def __post_init__(self) -> None:
        self.history = FakeHistory(self.evidence)
        self.database = FakeDatabase(self.history)

    def open_bundle(self, digest: str) -> tuple[FakeHistory, Evidence]:
        assert digest == DIGEST
        return self.history, self.evidence

    def validate(self, run: str = "run-1", **request: Any) -> dict[str, Any]:
        asked = {"bundle": DIGEST, "requested_by": "ann@example.com", **request}
        return validate(run, asked, self.policy, self.bundles, self.database, self.open_bundle)

    def upgrade(self, plan: dict[str, Any], run: str = "run-1", **more: Any) -> dict[str, Any]:
        approval = more.get("approval", {"status": "approved", "digest": plan["digest"], "by": "bob"})
        force = more.get("force", {"asked": False})
        return upgrade(run, plan, approval, force, self.policy, self.bundles, self.database, self.open_bundle)

    def upgrade_all(self, plan: dict[str, Any], run: str = "run-1") -> dict[str, Any]:
        while (done := self.upgrade(plan, run))["status"] != "done":
            pass
        return done

    def roll_back(self, plan: dict[str, Any], run: str = "run-1") -> dict[str, Any]:
        return roll_back(run, plan, self.policy, self.bundles, self.database, self.open_bundle)

    def verify(self, plan: dict[str, Any], phase: str = "upgrade") -> dict[str, Any]:
        return verify(plan, phase, self.database, self.open_bundle)

    def ask(self, plan: dict[str, Any], phase: str = "upgrade", run: str = "run-1") -> dict[str, Any]:
        return ask_the_database(run, plan, phase, self.database, self.open_bundle)

    def rule(self, **cells: Any) -> None:
        """Change the policy."""
        self.policy = replace(self.policy, **cells)


@pytest.fixture
def world() -> World:
    return World()
