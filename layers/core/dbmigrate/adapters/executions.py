"""Executions of our state machines, as Step Functions knows them."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


class RecoveryExecutions:
    """``machine`` is the ARN of the state machine."""

    def __init__(self, client: Any, machine: str) -> None:
        self._client, self._machine = client, machine

    def runs(self, name: str) -> bool:
        """Whether the execution of this name is at work; one that is not there is not."""
        arn = f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            return bool(self._client.describe_execution(executionArn=arn)["status"] == "RUNNING")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return False
            raise


class Executions:
    """``machine`` is the ARN of the state machine."""

    def __init__(self, client: Any, machine: str) -> None:
        self._client, self._machine = client, machine

    def running(self) -> list[str]:
        """The names of those that have not ended."""
        pages = self._client.get_paginator("list_executions")
        return [
            execution["name"]
            for page in pages.paginate(stateMachineArn=self._machine, statusFilter="RUNNING")
            for execution in page["executions"]
        ]
