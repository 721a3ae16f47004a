"""Tells a waiting run what was decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

GONE = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}


class StepFunctionsTokens:
    """Answers the task token of a run. Both ways return False when the run no longer waits."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def succeed(self, token: str, output: Mapping[str, Any]) -> bool:
        """Let the run go on with this output."""
        return self._answered(
            self._client.send_task_success, taskToken=token, output=json.dumps(dict(output))
        )

    def fail(self, token: str, error: str, cause: str) -> bool:
        """End the wait with an error."""
        return self._answered(self._client.send_task_failure, taskToken=token, error=error, cause=cause)

    @staticmethod
    def _answered(send: Any, **arguments: Any) -> bool:
        try:
            send(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return False
            raise
        return True
