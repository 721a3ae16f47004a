"""Logs and metrics of the functions: one JSON line an event, and nothing secret in any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from dbmigrate.runtime.settings import settings

logger = Logger()
# Powertools' Metrics adds its service as a second dimension, which hides the metric from an alarm on
# Environment alone; the ephemeral kind has only ours, and shares nothing with other functions of the process.
metrics = EphemeralMetrics(namespace=settings().metrics_namespace)
metrics.service = ""  # it, too, would take the service from POWERTOOLS_SERVICE_NAME


def begin(verb: str, event: Any) -> None:
    """Start the log keys of one invocation, as far as the event has them."""
    logger.append_keys(verb=verb, environment=settings().environ.get("ENVIRONMENT", ""), **_run_keys(event))
    if keys := _run_keys(event):
        logger.set_correlation_id(keys["run"])


def end() -> None:
    """Forget the invocation's keys and write the metrics that were emitted."""
    logger.remove_keys(["verb", "run", "environment", "revision", "bundle", "correlation_id"])
    if metrics.metric_set:
        metrics.flush_metrics()


UNITS = {
    "Seconds": MetricUnit.Seconds,
    "Percent": MetricUnit.Percent,
    "PerSecond": MetricUnit.CountPerSecond,
}


def emit(name: str, value: float = 1) -> None:
    """Count one event, or measure in the unit that the metric's name ends with."""
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), MetricUnit.Count)
    if not metrics.dimension_set:
        metrics.add_dimension(name="Environment", value=settings().environment)
    metrics.add_metric(name=name, unit=unit, value=value)


def _run_keys(event: Any) -> dict[str, str]:
    run = event.get("run") if isinstance(event, Mapping) else None
    if not isinstance(run, str):
        return {}
    plan = event.get("plan") or event.get("request")
    plan = plan if isinstance(plan, Mapping) else {}
    found = {"run": run, "revision": plan.get("to"), "bundle": plan.get("bundle")}
    return {key: value for key, value in found.items() if isinstance(value, str)}
