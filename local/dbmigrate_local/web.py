"""The template's HTTP API on 127.0.0.1: each request becomes an event (payload 2.0) of its function."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

LARGEST_BODY = 10 * 1024 * 1024  # bytes, as API Gateway
TEXT = ("text/", "application/json", "application/x-www-form-urlencoded", "application/xml")


@dataclass(frozen=True)
class Route:
    """One method and path of the API, and the function behind it; method ANY stands for all."""

    method: str
    path: str
    logical_id: str

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path's parameters if this route serves the request."""
        if self.method not in ("ANY", method):
            return None
        pattern = "".join(
            f"(?P<{part[1:-1].rstrip('+')}>{'.+' if part.endswith('+}') else '[^/]+'})"
            if part.startswith("{")
            else re.escape(part)
            for part in re.split(r"(\{[^}]+\})", self.path)
        )
        found = re.fullmatch(pattern, path)
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


Invoke = Callable[[str, dict[str, Any]], tuple[Any, str | None]]
"""Takes a logical id and an event; returns the payload and, for a failed function, its error."""


def routes_of(template: dict[str, Any]) -> list[Route]:
    """The HttpApi events of a SAM template."""
    return [
        Route(event["Properties"]["Method"].upper(), event["Properties"]["Path"], logical_id)
        for logical_id, resource in template["Resources"].items()
        for event in (resource.get("Properties", {}).get("Events") or {}).values()
        if event["Type"] == "HttpApi" and "Path" in event.get("Properties", {})
    ]


@contextlib.contextmanager
def served(invoke: Invoke, routes: list[Route], port: int = 0) -> Iterator[str]:
    """Serve the routes; yields the address. Port 0 takes a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler_class(invoke, routes))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def handler_class(invoke: Invoke, routes: list[Route]) -> type[BaseHTTPRequestHandler]:
    """The request handler of one API."""

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def respond(self) -> None:
            status, headers, body = answer(invoke, routes, self)
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = respond

        def log_message(self, format: str, *args: Any) -> None:
            """The path holds a secret id: it is written nowhere."""

    return Gateway


Response = tuple[int, list[tuple[str, str]], bytes]


def answer(invoke: Invoke, routes: list[Route], request: BaseHTTPRequestHandler) -> Response:
    """What the gateway replies to one request."""
    path = urlsplit(request.path).path
    length = request.headers.get("Content-Length") or "0"
    if not length.isdigit() or int(length) > LARGEST_BODY:
        return plain(413, "Request Entity Too Large")
    body = request.rfile.read(int(length))
    for route in routes:
        parameters = route.match(request.command, path)
        if parameters is not None:
            return reply_of(invoke, route.logical_id, event_of(request, route, parameters, body))
    return plain(404, "Not Found")


def reply_of(invoke: Invoke, logical_id: str, event: dict[str, Any]) -> Response:
    """A function's answer; whatever goes wrong behind the gateway is a 500 without details."""
    try:
        payload, error = invoke(logical_id, event)
        return plain(500, "Internal Server Error") if error else reply(payload)
    except Exception:  # noqa: BLE001
        return plain(500, "Internal Server Error")


def event_of(
    request: BaseHTTPRequestHandler, route: Route, parameters: dict[str, str], body: bytes
) -> dict[str, Any]:
    """The event that API Gateway sends, payload format 2.0."""
    url = urlsplit(request.path)
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
    query: dict[str, str] = {}
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": url.path,
        "rawQueryString": url.query,
        "headers": headers,
        "requestContext": context_of(request, route, url.path),
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
    if parameters:
        event["pathParameters"] = parameters
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";")]
    return event | body_of(body, headers.get("content-type", ""))


def context_of(request: BaseHTTPRequestHandler, route: Route, path: str) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": "anonymous",
        "apiId": "local",
        "domainName": request.headers.get("Host", "127.0.0.1"),
        "domainPrefix": "local",
        "http": {
            "method": request.command,
            "path": path,
            "protocol": request.request_version,
            "sourceIp": request.client_address[0],
            "userAgent": request.headers.get("User-Agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": route.key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }


def body_of(body: bytes, kind: str) -> dict[str, Any]:
    """Text as it is, everything else in base64."""
    if not body:
        return {}
    if kind.startswith(TEXT):
        with contextlib.suppress(UnicodeDecodeError):
            return {"body": body.decode(), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def reply(payload: Any) -> Response:
    """A function's answer as HTTP: a response with a status code, or any JSON."""
    if not isinstance(payload, dict) or "statusCode" not in payload:
        return 200, [("Content-Type", "application/json")], json.dumps(payload).encode()
    headers = [(name, str(value)) for name, value in (payload.get("headers") or {}).items()]
    headers += [("Set-Cookie", cookie) for cookie in payload.get("cookies") or []]
    text = payload.get("body") or ""
    body = base64.b64decode(text) if payload.get("isBase64Encoded") else str(text).encode()
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain;charset=utf-8"))
    return int(payload["statusCode"]), headers, body


def plain(status: int, message: str) -> Response:
    return status, [("Content-Type", "application/json")], json.dumps({"message": message}).encode()
