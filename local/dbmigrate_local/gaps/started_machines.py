"""Gap: moto gives boto the arguments of `states:startExecution` under the names that a definition has."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def started_machines() -> Iterator[None]:
    """A machine starts another; names begin with a capital there and back."""
    normalise = StateTaskServiceSfn._normalise_parameters

    def as_boto_has_them(self: StateTaskServiceSfn, parameters: dict[str, Any], *given: Any) -> None:
        normalise(self, parameters, *given)
        for name in list(parameters):
            parameters[name[0].lower() + name[1:]] = parameters.pop(name)

    def as_the_service_has_them(self: StateTaskServiceSfn, response: Any, *given: Any) -> None:
        response["ExecutionArn"] = response.pop("executionArn")
        response["StartDate"] = response.pop("startDate").timestamp()

    with replaced(
        (StateTaskServiceSfn, "_normalise_parameters", as_boto_has_them),
        (StateTaskServiceSfn, "_normalise_response", as_the_service_has_them),
    ):
        yield
