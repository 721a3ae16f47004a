"""The whole pipeline in a test's hands: the real template, machine and handlers against a real database."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pg8000.dbapi
import pg8000.exceptions
from tests.pipeline.histories import Change, bundle_of, write_history

from dbmigrate.domain.plan import Plan
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.mailbox import Mail

APPROVER = "approver@example.com"
DEVELOPER = "developer@example.com"
NUMBERS = itertools.count(1)


class Pipeline:
    """One deployed environment and its database."""

    def __init__(self, cloud: Cloud, server: DatabaseServer, folder: Path) -> None:
        self.cloud = cloud
        self.server = server
        self.folder = folder
        self.earlier_mails = len(cloud.mailbox.mails)

    @property
    def bucket(self) -> str:
        return self.cloud.outputs["BundleBucketName"]

    # ---- what CI does
    def bundle(self, changes: Sequence[Change]) -> str:
        """Rehearse, pack and upload; returns the digest."""
        number = next(NUMBERS)
        assert self.server.embedded is not None
        location = write_history(self.folder / f"history-{number}", changes)
        digest, content = bundle_of(location, self.server.embedded, f"scratch_{number}")
        self.upload(digest, content)
        return digest

    def upload(self, digest: str, content: bytes) -> None:
        key = f"bundles/{digest.removeprefix('sha256:')}.tar.gz"
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)

    def start(self, digest: str, name: str | None = None, **request: Any) -> str:
        """Start a run; returns its ARN."""
        return self.cloud.start({"bundle": digest, "requested_by": DEVELOPER, **request}, name)

    def deploy(self, changes: Sequence[Change], **request: Any) -> Ending:
        """Bundle, start, approve when asked, and wait for the end."""
        return self.finish(self.start(self.bundle(changes), **request))

    def finish(self, arn: str) -> Ending:
        """Approve when asked, and wait for the end."""
        if self.asks(arn):
            self.decide(arn, "approve")
        return self.end(arn)

    def asks(self, arn: str) -> bool:
        """Whether the run waits for a person; False when it ended without asking."""
        execution = self.cloud.execution(arn)
        self.cloud.until(
            lambda: self.cloud.waits_for_a_person(arn) or getattr(execution, "settled", False),
            60,
            lambda: self.cloud.story(arn),
        )
        return not getattr(execution, "settled", False)

    def end(self, arn: str) -> Ending:
        return Ending(self.cloud.wait(arn), self.cloud.states(arn))

    # ---- what the approver does
    def link(self, arn: str) -> str:
        """The newest personal link of a run that asks."""
        run = arn.rsplit(":", 1)[-1]
        assert self.asks(arn)
        mails = [mail for mail in self.mails(APPROVER) if mail.link and run in mail.body + mail.subject]
        return str(mails[-1].link)

    def plan(self, arn: str) -> Plan:
        """The whole plan of a run, as its approvers see it."""
        assert self.asks(arn)
        run = arn.rsplit(":", 1)[-1]
        event = next(
            i.event for i in self.cloud.invocations if i.event.get("run") == run and "token" in i.event
        )
        key = f"plans/{event['plan']['digest'].removeprefix('sha256:')}.json"
        body = self.cloud.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"]
        return Plan.from_json(json.loads(body.read()))

    def decide(self, arn: str, decision: str, comment: str = "", code: str | None = None) -> tuple[int, str]:
        """Answer on the page as a person would: read the code there, type it."""
        link = self.link(arn)
        shown = re.search(r"[A-Z2-9]{6}(?=</)", get(link)[1])
        assert shown, "the page shows no code"
        return post(link, decision=decision, code=shown[0] if code is None else code, comment=comment)

    # ---- what the application does
    @contextmanager
    def every_connection_taken(self) -> Iterator[Callable[[], None]]:
        """Leave the server without a free connection, until what is yielded is called."""
        taken: list[Any] = []

        def give_back() -> None:
            while taken:
                taken.pop().close()

        try:
            with suppress(pg8000.exceptions.DatabaseError):
                while True:
                    taken.append(self.connect())
            yield give_back
        finally:
            give_back()

    # ---- what the database says
    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL as somebody else than the migrator would."""
        connection = self.connect()
        connection.autocommit = True
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def connect(self) -> Any:
        """A session of somebody else."""
        where = self.server.endpoint
        return pg8000.dbapi.connect(
            user=where.user,
            host=where.host,
            port=where.port,
            database=where.database,
            password=where.password,
            ssl_context=False,
        )

    @property
    def revision(self) -> str | None:
        """Where the database stands; None when it was never migrated."""
        if self.query("SELECT to_regclass('alembic_version')") == [(None,)]:
            return None
        return next((row[0] for row in self.query("SELECT version_num FROM alembic_version")), None)

    def columns(self, table: str) -> set[str]:
        return {
            row[0]
            for row in self.query(
                f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'"
            )
        }

    def mails(self, recipient: str) -> list[Mail]:
        """What one person got since the test began."""
        return [
            mail for mail in self.cloud.mailbox.mails[self.earlier_mails :] if mail.recipient == recipient
        ]

    def notice(self) -> str:
        """The newest notice whole; alarms are mails, too, and come when they like."""
        mails = self.mails("team@example.com")
        return next(mail.body for mail in reversed(mails) if mail.subject.startswith("[db-migrate]"))

    def notices(self) -> list[str]:
        """Subjects of what everyone was told."""
        return [mail.subject for mail in self.mails("team@example.com")]


class Ending:
    """How a run ended: its outcome, what it said, which states it went through."""

    def __init__(self, described: dict[str, Any], states: list[str]) -> None:
        self.status = described["status"]
        self.states = states
        succeeded = self.status == "SUCCEEDED"
        self.outcome = json.loads(described["output"])["outcome"] if succeeded else described.get("error")
        self.cause = described.get("cause") or ""

    def __repr__(self) -> str:
        return f"{self.outcome}: {self.cause} ({' > '.join(self.states)})"


def get(url: str) -> tuple[int, str]:
    return _ask(Request(url))


def post(url: str, **form: str) -> tuple[int, str]:
    return _ask(Request(url, data=urlencode(form).encode(), method="POST"))


def _ask(request: Request) -> tuple[int, str]:
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
