"""E-mails by SNS: a personal one to each approver, one notice to everyone."""

from __future__ import annotations

from typing import Any

from dbmigrate.domain.errors import Misconfigured
from dbmigrate.domain.notice import subject_line

MOST_CHARACTERS = 60_000  # a quarter of what SNS takes; nobody reads more


class SnsMessages:
    """A topic that the function does not write to may be None."""

    def __init__(self, client: Any, approvals_topic: str | None, notifications_topic: str | None) -> None:
        self._client, self._approvals, self._notifications = client, approvals_topic, notifications_topic

    def send_link(self, approver: str, subject: str, text: str) -> None:
        """Send to one approver: the filter policy of each subscription lets its own address through, no
        other."""
        attributes = {"approver": {"DataType": "String", "StringValue": approver}}
        self._publish("APPROVALS_TOPIC_ARN", self._approvals, subject, text, MessageAttributes=attributes)

    def announce(self, subject: str, text: str) -> None:
        """Send to everyone who subscribed to the environment's notices."""
        self._publish("NOTIFICATIONS_TOPIC_ARN", self._notifications, subject, text)

    def _publish(self, name: str, topic: str | None, subject: str, text: str, **more: Any) -> None:
        if not topic:
            raise Misconfigured(
                f"The function's environment variable {name} is not set.", "deploy the stack again"
            )
        self._client.publish(
            TopicArn=topic, Subject=subject_line(subject), Message=text[:MOST_CHARACTERS], **more
        )
