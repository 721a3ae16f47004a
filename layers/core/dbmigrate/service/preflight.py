"""Before a revision is tried: what in the live database is in its way, and what the policy says of that."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbmigrate.domain.blockers import Blocker, Foretold, endable, foretell, told
from dbmigrate.domain.errors import BlockersFound, LockNotFree
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.policy import Policy
from dbmigrate.service.ports import Database

LOOKS = 20
SECONDS_BETWEEN_LOOKS = 0.5
"""Transactions come and go: one that is there at the first look may be gone a moment later, and asking
holds up nobody. Longer waits are the state machine's."""
Ending = Callable[[Sequence[Blocker]], list[str]]


def preflight(
    evidence: Evidence,
    revision: str,
    direction: str,
    policy: Policy,
    database: Database,
    ending: Ending | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, list[str]]:
    """Look for what would hold the revision up; ``ending`` ends sessions, None where nobody approved that.

    Returns what is still in the way (``blockers``, by a policy that only reports) and what was ended
    (``terminated``), without the keys that would be empty. Nothing of ours has queued for a lock yet. Raises
    LockNotFree where the policy waits and BlockersFound where it refuses; the way back always waits.

    A revision that has begun is tried whoever is there, as its steps wait for their locks by themselves; what
    may be ended for it are transactions older than a minute.
    """
    foretold = _foretold(evidence, revision, direction, database)
    found = database.blockers(foretold)
    begun = bool(found) and bool(database.unfinished())
    if begun:
        foretold = foretold.patient()
        found = database.blockers(foretold)
    victims = list(endable(found)) if ending else []
    terminated = ending(victims) if ending and victims else []
    found = database.blockers(foretold) if terminated else found
    if found and policy.blockers != "reported" and not begun:
        found = _outwait(found, foretold, database, pause)
        if found:
            raise _in_the_way(found, revision, direction, policy, terminated)
    answer = {"blockers": [blocker.text for blocker in found], "terminated": terminated}
    return {key: texts for key, texts in answer.items() if texts}


def may_end_sessions(plan: Mapping[str, Any], approval: Mapping[str, Any], policy: Policy) -> bool:
    """Whether ending sessions is part of this plan, and somebody approved it or nobody is asked here. A force
    skips the question, and so does not answer it."""
    approved = approval.get("status") == "approved" and approval.get("digest") == plan.get("digest")
    return plan.get("terminate_blockers") is True and (approved or policy.approval != "required")


def _foretold(evidence: Evidence, revision: str, direction: str, database: Database) -> Foretold:
    seen = evidence.revisions[revision]
    writes = direction == "upgrade" and any(
        statement.rewrites or statement.builds or statement.writes for statement in seen.statements
    )
    return foretell(seen, direction, database.stats().sizes if writes else None)


def _outwait(
    found: list[Blocker], foretold: Foretold, database: Database, pause: Callable[[float], None]
) -> list[Blocker]:
    for _ in range(LOOKS):
        pause(SECONDS_BETWEEN_LOOKS)
        found = database.blockers(foretold)
        if not found:
            break
    return found


def _in_the_way(
    found: Sequence[Blocker], revision: str, direction: str, policy: Policy, terminated: Sequence[str]
) -> LockNotFree | BlockersFound:
    seconds = LOOKS * SECONDS_BETWEEN_LOOKS
    ended = f" Ended: {'; '.join(terminated)}." if terminated else ""
    looked = f"looked {LOOKS + 1} times in {seconds:.0f} s"
    message = f"Revision {revision} was not tried ({looked}). In its way: {told(found)}.{ended}"
    command = f"db-migrate --environment {policy.environment} deploy"
    if policy.blockers == "refused" and direction == "upgrade":
        return BlockersFound(message, f"wait for their end, or end them, then: {command}")
    hint = f"end them, or have them ended by a run that is approved for it: {command} --terminate-blockers"
    return LockNotFree(message, hint)
