"""The HTTP API on this machine: routes of the template, events of API Gateway, answers of functions."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.web import Route, reply


def fetch(
    cloud: Cloud, path: str, data: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and parsed body of one request."""
    request = urllib.request.Request(f"{cloud.approval_url}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, dict(refused.headers), json.loads(refused.read())


def test_a_get_becomes_an_event(cloud: Cloud) -> None:
    status, headers, event = fetch(cloud, "/pages/a%20b?x=1&x=2&y=", Cookie="c=1; d=2")
    assert status == 201 and headers["X-Page"] == "yes" and headers["Set-Cookie"] == "a=1"
    assert event["version"] == "2.0" and event["routeKey"] == "GET /pages/{id}"
    assert event["pathParameters"] == {"id": "a b"} and event["cookies"] == ["c=1", "d=2"]
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert "body" not in event


def test_a_form_is_text(cloud: Cloud) -> None:
    _, _, event = fetch(
        cloud,
        "/pages/1",
        b"code=A1&comment=gr%C3%BC",
        **{"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (event["body"], event["isBase64Encoded"]) == ("code=A1&comment=gr%C3%BC", False)
    assert event["routeKey"] == "POST /pages/{id}"


def test_bytes_are_base64(cloud: Cloud) -> None:
    _, _, event = fetch(cloud, "/pages/1", b"\xff\x00", **{"Content-Type": "application/octet-stream"})
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\xff\x00", True)


def test_any_answer_is_json(cloud: Cloud) -> None:
    assert fetch(cloud, "/pages/plain")[::2] == (200, {"any": "answer"})


def test_a_failed_function_says_nothing_of_why(cloud: Cloud) -> None:
    assert fetch(cloud, "/pages/broken")[::2] == (500, {"message": "Internal Server Error"})


@pytest.mark.parametrize("path", ["/", "/pages", "/pages/1/2", "/../pages"])
def test_what_no_route_serves_is_not_found(cloud: Cloud, path: str) -> None:
    assert fetch(cloud, path)[0] == 404


def test_a_body_that_is_too_large_is_refused(cloud: Cloud) -> None:
    assert fetch(cloud, "/pages/1", b"", **{"Content-Length": str(11 * 1024 * 1024)})[0] == 413


def test_routes_take_what_their_path_says() -> None:
    assert Route("ANY", "/{all+}", "F").match("PUT", "/a/b") == {"all": "a/b"}
    assert Route("GET", "/a.b", "F").match("GET", "/axb") is None
    assert Route("GET", "/a", "F").match("POST", "/a") is None


def test_a_binary_answer_is_decoded() -> None:
    answer = {"statusCode": 200, "body": base64.b64encode(b"\x89PNG").decode(), "isBase64Encoded": True}
    assert reply(answer)[2] == b"\x89PNG"
