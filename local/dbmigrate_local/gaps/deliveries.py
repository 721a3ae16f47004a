"""Gap: moto keeps what a topic was sent, not what each subscription gets after its filter policy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.sns.models import Subscription

from dbmigrate_local.gaps.patching import replaced


@dataclass(frozen=True)
class Delivery:
    """One message to one subscription."""

    topic: str
    protocol: str
    endpoint: str
    subject: str | None
    message: str
    attributes: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def deliveries(receive: Callable[[Delivery], None]) -> Iterator[None]:
    """Give `receive` each delivery. Nobody confirms here: every subscription counts as confirmed."""
    publish = Subscription.publish

    def deliver(
        self: Subscription,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        *more: Any,
        **named: Any,
    ) -> None:
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        attributes = {name: str(value["Value"]) for name, value in (message_attributes or {}).items()}
        receive(Delivery(self.topic.arn, self.protocol, self.endpoint, subject, message, attributes))
        publish(self, message, message_id, subject, message_attributes, *more, **named)

    with replaced((Subscription, "publish", deliver)):
        yield
