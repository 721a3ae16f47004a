"""An approver's way through the page: open the link from the mail, read the plan, type its code, decide."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.pipeline.histories import NOTES, ORDERS
from tests.pipeline.pipeline import Pipeline


def test_the_page_shows_the_plan_and_its_sql(staging: Pipeline, page: Page) -> None:
    arn = staging.start(staging.bundle([ORDERS, NOTES]))
    page.goto(staging.link(arn))
    body = page.locator("body")
    for words in ("staging", "developer@example.com", "0001", "0002", "Keep orders", staging.plan(arn).code):
        expect(body).to_contain_text(words)
    assert "ALTER TABLE orders ADD note text" in page.content()
    assert staging.asks(arn)
    staging.finish(arn)


def test_approve_with_the_typed_code(staging: Pipeline, page: Page) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    page.goto(staging.link(arn))
    page.get_by_label("code").fill(staging.plan(arn).code)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("body")).to_contain_text("approved")
    assert staging.end(arn).outcome == "Succeeded"


def test_a_wrong_code_changes_nothing_and_may_be_corrected(staging: Pipeline, page: Page) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    page.goto(staging.link(arn))
    page.get_by_label("code").fill("AAAAAA")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("body")).to_contain_text("code")
    assert staging.asks(arn) and staging.revision is None
    page.get_by_label("code").fill(staging.plan(arn).code)
    page.get_by_role("button", name="Approve").click()
    assert staging.end(arn).outcome == "Succeeded"


def test_reject_with_a_reason(staging: Pipeline, page: Page) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    page.goto(staging.link(arn))
    page.get_by_label("code").fill(staging.plan(arn).code)
    page.get_by_label("comment").fill("Friday evening")
    page.get_by_role("button", name="Reject").click()
    ending = staging.end(arn)
    assert ending.outcome == "ApprovalRejected" and "Friday evening" in ending.cause


def test_the_page_runs_no_script_and_asks_nobody_else(staging: Pipeline, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    arn = staging.start(staging.bundle([ORDERS]))
    page.goto(staging.link(arn))
    assert {url.split("/approvals/")[0] for url in asked if "favicon" not in url} == {
        staging.cloud.approval_url
    }
    assert page.locator("script").count() == 0
    assert [text for text in troubles if "Content Security Policy" in text] == []
    staging.finish(arn)
