"""Close the run: write its end into the ledger, give the lease back, and let the next environment know of a success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.policy import Policy
from dbmigrate.service.ports import Bundles, Database

CLEAN_ENDINGS = {"Succeeded", "RolledBack"}


def close(
    run: str,
    plan: Mapping[str, Any],
    outcome: str,
    failure: Any,
    policy: Policy,
    database: Database,
    bundles: Bundles,
) -> dict[str, Any]:
    """Returns whether the run had taken the lease. A run that ended before its first step has nothing to give back."""
    detail = f"{failure.get('Error')}: {failure.get('Cause')}" if isinstance(failure, Mapping) else ""
    closed = database.close_run(run, outcome, detail, remember=outcome in CLEAN_ENDINGS)
    if closed and outcome == "Succeeded" and plan.get("direction") == "upgrade":
        bundles.record_success(
            policy.environment, plan["bundle"], {"run": run, "plan": plan["digest"], "to": plan["to"]}
        )
    return {"closed": closed}
