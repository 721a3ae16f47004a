"""Every e-mail that a topic sends, kept in memory and as files that any mail program opens."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from dbmigrate_local.gaps.deliveries import Delivery

LINK = re.compile(r"https?://[^\s<>\"']+/approvals/[^\s<>\"'.,)]+")


class NoSuchMail(Exception):
    """The awaited e-mail did not come in time; the message lists what came."""

    def __init__(self, seconds: float, came: list[Mail]) -> None:
        heard = "; ".join(f"{mail.recipient}: {mail.subject}" for mail in came) or "none"
        super().__init__(f"No such e-mail within {seconds:g} s. What came: {heard}")


@dataclass(frozen=True)
class Mail:
    """One e-mail to one recipient."""

    recipient: str
    subject: str
    body: str
    topic: str
    attributes: dict[str, str]

    @property
    def link(self) -> str | None:
        """The approval link in it, if any."""
        found = LINK.search(self.body)
        return found.group() if found else None


class Mailbox:
    """What was delivered so far; `folder` holds each e-mail as NNN-recipient.eml."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._mails: list[Mail] = []
        self._news = threading.Condition()
        self._first_number = 1
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._first_number += len(list(folder.glob("*.eml")))

    @property
    def mails(self) -> list[Mail]:
        with self._news:
            return list(self._mails)

    def to(self, recipient: str) -> list[Mail]:
        """What one person got."""
        return [mail for mail in self.mails if mail.recipient == recipient]

    def receive(self, delivery: Delivery) -> None:
        """Take a delivery in; what is no e-mail is not ours."""
        if not delivery.protocol.startswith("email"):
            return
        topic = delivery.topic.rsplit(":", 1)[-1]
        mail = Mail(
            delivery.endpoint,
            delivery.subject or "AWS Notification",
            delivery.message,
            topic,
            delivery.attributes,
        )
        with self._news:
            self._mails.append(mail)
            self._keep(mail, len(self._mails))
            self._news.notify_all()

    def wait_for(self, predicate: Callable[[Mail], object], timeout: float = 30) -> Mail:
        """The first e-mail that the predicate accepts, past or coming; seconds. Raises NoSuchMail."""

        def found() -> Mail | None:
            return next((mail for mail in self._mails if predicate(mail)), None)

        with self._news:
            mail = self._news.wait_for(found, timeout)
            if mail is None:
                raise NoSuchMail(timeout, list(self._mails))
            return mail

    def approval_link(self, recipient: str, timeout: float = 30, after: int = 0) -> str:
        """An approver's newest personal link, the first `after` e-mails left out. Raises NoSuchMail."""

        def newest() -> str | None:
            links = [mail.link for mail in self._mails[after:] if mail.recipient == recipient and mail.link]
            return links[-1] if links else None

        with self._news:
            link = self._news.wait_for(newest, timeout)
            if link is None:
                raise NoSuchMail(timeout, list(self._mails))
            return link

    def _keep(self, mail: Mail, number: int) -> None:
        if self.folder is None:
            return
        message = EmailMessage()
        message["From"], message["To"] = f"{mail.topic}@local.invalid", mail.recipient
        message["Subject"] = " ".join(mail.subject.split())
        message.set_content(mail.body)
        readable = re.sub(r"[^\w.@-]", "_", mail.recipient)
        name = f"{self._first_number + number - 1:03d}-{readable}.eml"
        (self.folder / name).write_bytes(bytes(message))
