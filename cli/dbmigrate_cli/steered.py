"""How pause, resume and stop reach a run: in its database, through its stack, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbmigrate.adapters.steering import Steering
from dbmigrate.domain.errors import Misconfigured
from dbmigrate.domain.handle import place_of
from dbmigrate.service.steer import steer
from dbmigrate_cli.context import database_of, handles, who_asks
from dbmigrate_cli.options import Options

if TYPE_CHECKING:
    from dbmigrate_cli.stack import Stack


def steered(options: Options, run: str, wish: str, name: str | None) -> dict[str, Any]:
    """What came of the wish. With --database the run is reached there, else through the environment's stack.

    ``execution`` in the answer is the state in which a stop found the run's execution; None without one.
    """
    place_of(run)
    by = who_asks(options, None)
    if options.environment == "development":
        return _here(options, run, wish, by) | {"execution": None}
    from dbmigrate_cli.stack import aws_errors

    with aws_errors(options):
        stack = _stack(options, name)
        execution = stack.end_execution(run, by) if stack and wish == "stop" else None
        if options.direct or stack is None:
            return _here(options, run, wish, by) | {"execution": execution}
        return stack.steer(run, wish, by) | {"execution": execution}


def _here(options: Options, run: str, wish: str, by: str) -> dict[str, Any]:
    database = database_of(options, join=True)
    return steer(run, wish, by, Steering(database, handles()))


def _stack(options: Options, name: str | None) -> Stack | None:
    """The environment's stack; None where it cannot be asked, and need not be."""
    from dbmigrate_cli.stack import aws_errors, open_stack

    stack = open_stack(options, name)
    try:
        with aws_errors(options):
            stack.output("StateMachineArn")
    except Misconfigured as error:
        if not options.direct:
            raise
        options.output.complain(f"warning: no execution of the run was looked for: {error.message}")
        return None
    return stack
