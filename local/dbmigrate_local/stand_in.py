"""The one way in: the template, deployed on this machine for as long as the block lasts."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from moto import mock_aws
from moto.awslambda.utils import get_backend as lambda_backend
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS

from dbmigrate_local.account import ACCOUNT, REGION, RoleCredentials, without_account
from dbmigrate_local.cloud import Clients, Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.database_tokens import database_tokens
from dbmigrate_local.deploy import Deployment, deploy, read_template
from dbmigrate_local.gaps.alarms import alarms
from dbmigrate_local.gaps.botocore_loader import shared_botocore_loader
from dbmigrate_local.gaps.clock import Clock, waiting
from dbmigrate_local.gaps.deliveries import deliveries
from dbmigrate_local.gaps.error_names import error_names
from dbmigrate_local.gaps.events import event_targets, execution_events
from dbmigrate_local.gaps.executions import executions, stop_now
from dbmigrate_local.gaps.function_logs import function_logs
from dbmigrate_local.gaps.jsonata import jsonata
from dbmigrate_local.gaps.lambda_dispatch import lambda_dispatch
from dbmigrate_local.gaps.log_groups import log_groups
from dbmigrate_local.gaps.machine_images import no_machine_images
from dbmigrate_local.gaps.machine_role import machine_role
from dbmigrate_local.gaps.network import no_network
from dbmigrate_local.gaps.no_value import no_value_in_lists
from dbmigrate_local.gaps.parsed_definitions import parsed_definitions
from dbmigrate_local.gaps.physical_names import physical_names
from dbmigrate_local.gaps.rds import rds
from dbmigrate_local.gaps.resource_types import add_resource_types
from dbmigrate_local.gaps.roles import roles
from dbmigrate_local.gaps.started_machines import started_machines
from dbmigrate_local.gaps.state_machines import state_machines
from dbmigrate_local.gaps.task_tokens import new_token_per_attempt, task_tokens
from dbmigrate_local.gaps.template_text import template_text
from dbmigrate_local.gaps.variables import (
    default_assigns_only_for_default,
    escapes_in_definitions,
    no_result_in_catch,
    output_sees_old_variables,
)
from dbmigrate_local.handler_world import worlds
from dbmigrate_local.iam import Judge, enforced
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.lambda_runtime import Handler, Runtime
from dbmigrate_local.mailbox import Mailbox
from dbmigrate_local.parameters import local_parameters
from dbmigrate_local.service_permissions import ask_for_traces, check_function, check_machine, may_log
from dbmigrate_local.snapshots import SnapshotStore
from dbmigrate_local.web import routes_of, served

SIMPLE_GAPS = (
    shared_botocore_loader,
    template_text,
    no_machine_images,
    no_network,
    function_logs,
    log_groups,
    no_value_in_lists,
    roles,
    physical_names,
    state_machines,
    parsed_definitions,
    executions,
    error_names,
    task_tokens,
    new_token_per_attempt,
    output_sees_old_variables,
    default_assigns_only_for_default,
    no_result_in_catch,
    escapes_in_definitions,
    alarms,
    execution_events,
    started_machines,
)
ON_THIS_MACHINE = {"DATABASE_TLS": "off"}
API_ADDRESS = re.compile(r"https://[^/]+\.execute-api\.[^/]+")
_one_at_a_time = threading.Lock()


class AlreadyOpen(RuntimeError):
    """A second stand-in in one process."""

    def __init__(self) -> None:
        super().__init__(
            "A stand-in is open in this process already; close it first, or use another process."
        )


@contextlib.contextmanager
def stand_in(
    template: Path,
    parameters: Mapping[str, str] | None = None,
    database: DatabaseServer | None = None,
    folder: Path | None = None,
    pace: float = 0.0,
    handlers: Mapping[str, Handler] | None = None,
    decide_port: int = 0,
    environment: Mapping[str, str] | None = None,
    limits: Mapping[str, float] | None = None,
) -> Iterator[Cloud]:
    """Deploy a template here; yields the handle on it.

    parameters   of the template; what is not given is this machine's
    database     that the functions reach; without one they reach none, and snapshots hold no data
    folder       for e-mails as files (folder/mailbox); without one they are kept in memory only
    pace         the share of each wait and retry that really passes; 0 none (the state machine's clock moves
                 on instead), 1 all of it
    handlers     by logical id: run instead of the template's code
    decide_port  of the approval page on 127.0.0.1; 0 takes a free one
    environment  variables for every function, on top of the template's
    limits       seconds that an invocation may last, by logical id, where less than the template's Timeout

    Raises AlreadyOpen, RuleBroken, SubstitutionMissing, DeploymentFailed.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise AlreadyOpen()
    try:
        with contextlib.ExitStack() as stack:
            cloud = open_account(stack, database, folder, pace, handlers or {}, environment or {})
            cloud.runtime.limits.update(limits or {})
            deploy_into(stack, cloud, template, parameters or {}, database, decide_port)
            yield cloud
    finally:
        _one_at_a_time.release()


def open_account(
    stack: contextlib.ExitStack,
    database: DatabaseServer | None,
    folder: Path | None,
    pace: float,
    handlers: Mapping[str, Handler],
    environment: Mapping[str, str],
) -> Cloud:
    """An empty local account, its gaps closed."""
    add_resource_types()
    stack.enter_context(quiet())
    stack.enter_context(without_account())
    stack.enter_context(mock_aws(config={"stepfunctions": {"execute_state_machine": True}}))
    for gap in SIMPLE_GAPS:
        stack.enter_context(gap())
    stack.enter_context(worlds())
    judge, credentials = Judge(), RoleCredentials()
    instances = InstanceStore(database.embedded if database else None, settles=pace == 0)
    stack.callback(instances.close)
    snapshots = SnapshotStore(instances.main)
    stack.callback(snapshots.close)
    cloud = Cloud(
        client=Clients(),
        mailbox=Mailbox(folder / "mailbox" if folder else None),
        clock=Clock(),
        waits=[],
        judge=judge,
        runtime=Runtime(handlers, {**ON_THIS_MACHINE, **environment}, credentials),
        snapshots=snapshots,
        instances=instances,
    )
    stack.enter_context(waiting(cloud.clock, cloud.waits, pace))
    stack.enter_context(jsonata(cloud.clock))
    stack.enter_context(rds(instances, snapshots))
    stack.enter_context(deliveries(cloud.mailbox.receive))
    stack.enter_context(lambda_dispatch(cloud.runtime.run))
    stack.enter_context(machine_role(credentials))
    stack.enter_context(enforced(judge))
    stack.enter_context(event_targets(judge.may_invoke, judge.may))
    stack.callback(end_executions)
    return cloud


def deploy_into(
    stack: contextlib.ExitStack,
    cloud: Cloud,
    template: Path,
    parameters: Mapping[str, str],
    database: DatabaseServer | None,
    port: int,
) -> None:
    """Deploy the template, serve its HTTP API, and ask what AWS would ask of its roles."""
    written = read_template(template)
    cloud.parameters = local_parameters(parameters, written.get("Parameters", {}), database, cloud.client)
    cloud.approval_url = stack.enter_context(served(cloud.invoke, routes_of(written), port))
    cloud.runtime.localised = lambda text: API_ADDRESS.sub(cloud.approval_url, text)
    cloud.runtime.may_log = lambda function: may_log(cloud.judge, function)
    known = cloud.parameters.get("DatabaseResourceId", "")
    stack.enter_context(database_tokens(cloud.judge, lambda port: cloud.instances.resource_at(port) or known))
    name = f"db-migrate-{cloud.parameters.get('Environment', 'local')}"
    made = deploy(template, cloud.parameters, name, cloud.client)
    cloud.deployment, cloud.resources, cloud.runtime.codes = made, made.resources, made.codes
    cloud.outputs = {key: cloud.runtime.localised(value) for key, value in made.outputs.items()}
    check_roles(cloud.judge, made)
    cloud.snapshots.settle()  # from here on every moment can be restored


def check_roles(judge: Judge, made: Deployment) -> None:
    """Raises DeploymentFailed when AWS would refuse a role of the stack."""
    for machine in stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
        check_machine(judge, machine)
    ask_for_traces(judge, made.translated, made.resources)
    for name in made.codes:
        check_function(judge, lambda_backend(ACCOUNT, REGION).get_function(name))


def end_executions() -> None:
    """Stop what still runs: it would call AWS after the local one is gone."""
    for execution in stepfunctions_parser_backends[ACCOUNT][REGION]._get_executions():
        stop_now(execution)
    for thread in list(TMP_THREADS):
        thread.join(5)
    TMP_THREADS.clear()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """moto logs every failed state as its own trouble, and the translator its missing telemetry."""
    loggers = [logging.getLogger("moto"), logging.getLogger("samtranslator")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
