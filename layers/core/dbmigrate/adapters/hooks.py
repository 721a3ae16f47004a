"""The user's own hooks: a Lambda function, or a Systems Manager automation document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.errors import HookFailed

MOST_SAID = 1_000


class AwsHooks:
    """Raises botocore's ClientError when AWS refuses the call itself."""

    def __init__(self, functions: Any, automation: Any) -> None:
        self._functions, self._automation = functions, automation

    def invoke(self, function: str, payload: Mapping[str, Any]) -> None:
        """Call the function and wait for its answer. Raises HookFailed when it fails."""
        answer = self._functions.invoke(
            FunctionName=function,
            InvocationType="RequestResponse",
            Payload=json.dumps(dict(payload)).encode(),
        )
        if answer.get("FunctionError"):
            said = answer["Payload"].read().decode(errors="replace")[:MOST_SAID]
            raise HookFailed(f"The hook {function} failed: {said}", "look at its log, and mend it")

    def start(self, document: str) -> str:
        """Start the document, which takes no parameters of ours; the id of its execution."""
        return str(
            self._automation.start_automation_execution(DocumentName=document)["AutomationExecutionId"]
        )

    def status(self, job: str) -> tuple[str, str]:
        """Systems Manager's word for how far it is, and why it failed."""
        answer = self._automation.get_automation_execution(AutomationExecutionId=job)
        found = answer["AutomationExecution"]
        return found["AutomationExecutionStatus"], str(found.get("FailureMessage") or "")
