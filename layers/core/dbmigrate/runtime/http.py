"""API Gateway's HTTP events by hand: a resolver would cost more than the rest of the page's cold start."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any
from urllib.parse import parse_qsl

from dbmigrate.domain.approval_page import message_page
from dbmigrate.domain.approval_style import STYLE_HASH
from dbmigrate.domain.shape import OPTIONAL_OBJECT, OPTIONAL_TEXT, Shape
from dbmigrate.runtime.telemetry import logger
from dbmigrate.service.desk import Answer, Click

HTTP_EVENT: Shape = {
    "requestContext": {"http": {"method": str}},
    "pathParameters": OPTIONAL_OBJECT,
    "headers": OPTIONAL_OBJECT,
    "body": OPTIONAL_TEXT,
    "isBase64Encoded": (bool, NoneType),
}
MOST_BODY = 16_384
FORM = "application/x-www-form-urlencoded"
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src '{STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


def serve(event: Mapping[str, Any], work: Callable[[Click], Answer]) -> dict[str, Any]:
    """The response of API Gateway. An error of ours becomes a page that says so, and nothing else."""
    try:
        answer = work(read_click(event))
    except Exception:
        logger.exception("decide broke")
        text = "Something on our side did not work, and nothing was decided. Try again in a minute."
        answer = Answer(500, message_page("That did not work", text, "warn"))
    if answer.log:
        logger.info("click", extra={**answer.log, "status": answer.status})
    more = {"Allow": "GET, POST"} if answer.status == 405 else {}
    return {
        "statusCode": answer.status,
        "headers": HEADERS | more,
        "body": answer.html,
        "isBase64Encoded": False,
    }


def read_click(event: Mapping[str, Any]) -> Click:
    """What the browser sent: the method, the link's secret and the form."""
    method = event["requestContext"]["http"]["method"].upper()
    secret = str((event.get("pathParameters") or {}).get("id") or "")
    return Click(method, secret, read_form(event) if method == "POST" else {})


def read_form(event: Mapping[str, Any]) -> dict[str, str] | None:
    """The fields of a form as browsers send it; None when it is none."""
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    body = event.get("body") or ""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM or len(body) > MOST_BODY:
        return None
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=10, errors="strict"))
    except (binascii.Error, ValueError):
        return None
