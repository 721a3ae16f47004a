"""E-mails after filter policies, alarms that fire, events that reach their targets."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.embedded_metrics import metrics_of
from dbmigrate_local.gaps.deliveries import Delivery
from dbmigrate_local.mailbox import Mail, Mailbox, NoSuchMail


def delivery(to: str, text: str = "", subject: str | None = "Approve", protocol: str = "email") -> Delivery:
    return Delivery("arn:aws:sns:us-east-1:123456789012:Topic", protocol, to, subject, text)


def test_a_filter_policy_chooses_the_reader(cloud: Cloud) -> None:
    cloud.invoke("StoreFunction", {"do": "publish", "text": "for bob", "attributes": {"approver": "bob"}})
    mail = cloud.mailbox.wait_for(lambda mail: mail.body == "for bob")
    assert (mail.recipient, mail.subject, mail.attributes) == ("bob@example.com", "News", {"approver": "bob"})
    assert cloud.mailbox.to("alice@example.com") == []


def test_an_e_mail_is_a_file_that_mail_programs_open(cloud: Cloud) -> None:
    cloud.invoke("StoreFunction", {"do": "publish", "text": "grüße", "attributes": {"approver": "alice"}})
    assert cloud.mailbox.folder is not None
    (file,) = cloud.mailbox.folder.glob("*-alice@example.com.eml")
    read = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert (read["To"], read["Subject"]) == ("alice@example.com", "News")
    assert read.get_content().strip() == "grüße"


def test_the_newest_link_of_a_person_is_found() -> None:
    box = Mailbox()
    for to, link in (("a@x.org", "old"), ("b@x.org", "theirs"), ("a@x.org", "new")):
        box.receive(delivery(to, f"Open http://127.0.0.1:1/approvals/{link} soon.\n"))
    assert box.approval_link("a@x.org") == "http://127.0.0.1:1/approvals/new"
    assert box.approval_link("a@x.org", after=2) == "http://127.0.0.1:1/approvals/new"


def test_only_e_mail_is_mail_and_numbers_go_on(tmp_path: Path) -> None:
    Mailbox(tmp_path).receive(delivery("a@x.org", subject="two\nlines"))
    box = Mailbox(tmp_path)
    box.receive(delivery("+4912345", protocol="sms"))
    box.receive(delivery("a@x.org", subject=None))
    assert [mail.subject for mail in box.mails] == ["AWS Notification"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["001-a@x.org.eml", "002-a@x.org.eml"]


def test_waiting_for_mail_in_vain_says_what_came() -> None:
    box = Mailbox()
    box.receive(delivery("a@x.org"))
    with pytest.raises(NoSuchMail, match=r"within 0.01 s. What came: a@x.org: Approve"):
        box.wait_for(lambda mail: mail.recipient == "b@x.org", timeout=0.01)
    with pytest.raises(NoSuchMail):
        box.approval_link("a@x.org", timeout=0.01)


@pytest.fixture
def alerts(cloud: Cloud) -> Iterator[list[Mail]]:
    before = len(cloud.mailbox.to("team@example.com"))
    yield AlertsAfter(cloud, before)


class AlertsAfter(list[Mail]):
    """The team's e-mails since the test began."""

    def __init__(self, cloud: Cloud, before: int) -> None:
        self._cloud, self._before = cloud, before
        super().__init__()

    def subjects(self) -> list[str]:
        return [mail.subject for mail in self._cloud.mailbox.to("team@example.com")[self._before :]]


def test_an_alarm_tells_its_topic_once(cloud: Cloud, alerts: AlertsAfter) -> None:
    for value in (0, 1, 2):
        cloud.invoke("StoreFunction", {"do": "measure", "namespace": "Small", "value": value})
    assert alerts.subjects() == ['ALARM: "small-staging-failures"']
    alarm = cloud.client("cloudwatch").describe_alarms(AlarmNames=["small-staging-failures"])["MetricAlarms"][
        0
    ]
    assert alarm["StateValue"] == "ALARM"


def test_a_metric_in_the_log_counts(cloud: Cloud) -> None:
    line = {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "Small",
                    "Dimensions": [["Kind"]],
                    "Metrics": [{"Name": "Runs", "Unit": "Count"}],
                }
            ]
        },
        "Kind": "test",
        "Runs": [1.0, 2.0],
    }
    cloud.invoke("EchoFunction", {"say": json.dumps(line)})
    found = cloud.client("cloudwatch").list_metrics(Namespace="Small", MetricName="Runs")["Metrics"]
    assert found[0]["Dimensions"] == [{"Name": "Kind", "Value": "test"}]


@pytest.mark.parametrize("line", ["{", '{"_aws": 1}', '{"_aws": {}}', '"_aws"'])
def test_a_line_that_only_looks_like_metrics_is_none(line: str) -> None:
    assert metrics_of(line) == []


def test_a_failed_run_reaches_its_rule_and_its_alarm(cloud: Cloud, alerts: AlertsAfter) -> None:
    run = cloud.start({"question": "May I?"})
    cloud.fail_task(run, "Rejected", "no")
    cloud.wait(run)
    events = [made.event for made in cloud.invocations if made.logical_id == "EndedFunction"]
    (event,) = [event for event in events if event["detail"]["executionArn"] == run]
    assert event["detail-type"] == "Step Functions Execution Status Change" and event["time"].endswith("Z")
    assert (event["detail"]["status"], event["detail"]["error"]) == ("FAILED", "NotDone")
    assert any("ExecutionAlarm" in subject for subject in alerts.subjects())


def test_a_good_run_reaches_no_rule(cloud: Cloud) -> None:
    run = cloud.start({"question": "May I?"})
    cloud.succeed_task(run, {})
    cloud.wait(run)
    heard = [made.event for made in cloud.invocations if made.logical_id == "EndedFunction"]
    assert run not in [event["detail"]["executionArn"] for event in heard]
