"""The gateway speaks payload 2.0 and keeps its control pages to this machine."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloud.model import (
    FunctionNotFoundError,
    InvokeOutcome,
    LocalCloudError,
    ThrottledError,
)
from infra.local.gateway import Gateway, is_local_request
from infra.local.http_api import Cors, HttpApi, RouteTable, response_of
from infra.local.static_files import StaticFiles
from infra.local.web import Request, Response, json_response

Run = Callable[[dict[str, Any]], Any]


def uri(function: str) -> str:
    return (
        "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/"
        f"arn:aws:lambda:eu-central-1:123456789012:function:{function}/invocations"
    )


def operation(function: str, *, secured: bool = True) -> dict[str, Any]:
    return {
        "x-amazon-apigateway-integration": {"uri": uri(function), "payloadFormatVersion": "2.0"},
        "security": [{"Identify": []}] if secured else [{"NONE": []}],
    }


BODY: dict[str, Any] = {
    "paths": {
        "/v1/pensions/{proxy+}": {"x-amazon-apigateway-any-method": operation("pensions")},
        "/v1/pensions/contracts/{id}": {"get": operation("contract")},
        "/v1/pensions/contracts/{id}/credentials/test": {"post": operation("test-door")},
        "/v1/pensions/contracts/known": {"x-amazon-apigateway-any-method": operation("known")},
        "/health": {"get": operation("health", secured=False)},
        "$default": {"x-amazon-apigateway-any-method": operation("workspace")},
    },
    "components": {
        "securitySchemes": {
            "Identify": {
                "type": "apiKey",
                "x-amazon-apigateway-authorizer": {
                    "type": "request",
                    "authorizerUri": uri("authorizer"),
                    "authorizerPayloadFormatVersion": "2.0",
                    "enableSimpleResponses": True,
                    "authorizerResultTtlInSeconds": 0,
                    "identitySource": [],
                },
            }
        }
    },
}


class Functions:
    """An invoker over plain callables that remembers every event."""

    def __init__(self, **handlers: Run) -> None:
        self.handlers: dict[str, Run] = {
            "authorizer": lambda _event: {"isAuthorized": True, "context": {"kind": "anonymous"}},
            **{name.replace("_", "-"): handler for name, handler in handlers.items()},
        }
        self.events: list[tuple[str, dict[str, Any]]] = []

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        event = json.loads(payload)
        self.events.append((function_name, event))
        if function_name not in self.handlers:
            raise FunctionNotFoundError(function_name)
        try:
            answer = self.handlers[function_name](event)
        except LookupError:
            return InvokeOutcome(b'{"errorType": "LookupError"}', "Unhandled")
        return InvokeOutcome(json.dumps(answer).encode())

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        raise AssertionError("the gateway never invokes asynchronously")

    def last(self, name: str) -> dict[str, Any]:
        return next(event for function, event in reversed(self.events) if function == name)


def api(functions: Functions, body: dict[str, Any] = BODY, **more: Any) -> HttpApi:
    return HttpApi(RouteTable.from_openapi(body), functions, **more)


def ok(_event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": "ok"}


def request(method: str, target: str, body: bytes = b"", **headers: str) -> Request:
    pairs = [("host", "localhost:8000")]
    pairs += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, target, tuple(pairs), body)


@pytest.mark.parametrize(
    ("method", "path", "function", "values"),
    [
        ("GET", "/v1/pensions/providers", "pensions", {"proxy": "providers"}),
        ("GET", "/v1/pensions/contracts/42", "contract", {"id": "42"}),
        ("DELETE", "/v1/pensions/contracts/42", "pensions", {"proxy": "contracts/42"}),
        ("GET", "/v1/pensions/contracts/known", "known", None),
        ("POST", "/v1/pensions/contracts/a%2Fb/credentials/test", "test-door", {"id": "a/b"}),
        ("GET", "/v1/pensions", "workspace", None),
        ("GET", "/v1/pensions/", "workspace", None),
        ("GET", "/health", "health", None),
        ("POST", "/health", "workspace", None),
        ("HEAD", "/", "workspace", None),
    ],
)
def test_the_most_specific_route_takes_the_request(
    method: str, path: str, function: str, values: dict[str, str] | None
) -> None:
    functions = Functions(**{function: ok})
    assert api(functions).handle(request(method, path)).status == 200
    name, event = functions.events[-1]
    assert name == function
    assert event.get("pathParameters") == values


def test_without_a_default_route_an_unknown_path_is_not_found() -> None:
    body = {**BODY, "paths": {"/health": BODY["paths"]["/health"]}}
    response = api(Functions(), body).handle(request("GET", "/nothing"))
    assert response.status == 404
    assert json.loads(response.body) == {"message": "Not Found"}


def test_the_event_has_the_form_of_payload_2() -> None:
    functions = Functions(contract=ok)
    arrived = Request(
        "GET",
        "/v1/pensions/contracts/%C4%B1%C4%9F?a=1&b=&a=2&c=%20x",
        (
            ("host", "localhost:8000"),
            ("x-many", "one"),
            ("x-many", "two"),
            ("cookie", "a=1; b=2"),
            ("cookie", "c=3"),
            ("user-agent", "test"),
        ),
    )
    api(functions, api_id="abc").handle(arrived)
    event = functions.last("contract")
    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /v1/pensions/contracts/{id}"
    assert event["rawPath"] == "/v1/pensions/contracts/ığ"
    assert event["rawQueryString"] == "a=1&b=&a=2&c=%20x"
    assert event["queryStringParameters"] == {"a": "1,2", "b": "", "c": " x"}
    assert event["headers"]["x-many"] == "one,two"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    context = event["requestContext"]
    assert context["http"]["method"] == "GET"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["apiId"] == "abc"
    assert context["authorizer"] == {"lambda": {"kind": "anonymous"}}
    assert event["isBase64Encoded"] is False
    assert "body" not in event


@pytest.mark.parametrize(
    ("content_type", "body", "text", "encoded"),
    [
        ("application/json; charset=utf-8", b'{"a": 1}', '{"a": 1}', False),
        ("text/csv", "ığ".encode(), "ığ", False),
        ("text/csv", "ığ".encode("cp1254"), None, True),
        ("application/problem+json", b"{}", "{}", False),
        ("application/x-www-form-urlencoded", b"a=1&b=2", None, True),
        ("application/octet-stream", b"\x00\xff", None, True),
        ("", b"plain", None, True),
    ],
)
def test_only_declared_text_arrives_as_text(
    content_type: str, body: bytes, text: str | None, encoded: bool
) -> None:
    functions = Functions(workspace=ok)
    api(functions).handle(request("POST", "/x", body, content_type=content_type))
    event = functions.last("workspace")
    assert event["isBase64Encoded"] is encoded
    if encoded:
        assert base64.b64decode(event["body"]) == body
    else:
        assert event["body"] == text


def test_the_authorizer_decides_before_the_function_and_its_context_is_passed_on() -> None:
    functions = Functions(
        authorizer=lambda event: {
            "isAuthorized": event["rawPath"] != "/closed",
            "context": {"kind": "session", "roles": "a,b"},
        },
        workspace=ok,
    )
    service = api(functions)
    assert service.handle(request("POST", "/open", b"secret body", cookie="s=1")).status == 200
    question = functions.events[0][1]
    assert question["type"] == "REQUEST"
    assert question["cookies"] == ["s=1"]
    assert question["identitySource"] == []
    assert "body" not in question
    context = functions.last("workspace")["requestContext"]["authorizer"]["lambda"]
    assert context == {"kind": "session", "roles": "a,b"}
    functions.events.clear()
    assert service.handle(request("GET", "/closed")).status == 403
    assert [name for name, _ in functions.events] == ["authorizer"]


def test_a_broken_authorizer_is_an_error_and_lets_nobody_in() -> None:
    def broken(_event: dict[str, Any]) -> Any:
        raise LookupError

    functions = Functions(authorizer=broken, workspace=ok)
    assert api(functions).handle(request("GET", "/")).status == 500
    functions = Functions(authorizer=lambda _event: "yes", workspace=ok)
    assert api(functions).handle(request("GET", "/")).status == 500
    assert [name for name, _ in functions.events] == ["authorizer"]


def test_public_routes_skip_the_authorizer() -> None:
    functions = Functions(health=ok)
    assert api(functions).handle(request("GET", "/health")).status == 200
    assert [name for name, _ in functions.events] == ["health"]


def test_authorizers_this_stack_does_not_emulate_are_refused_at_the_start() -> None:
    scheme = {"type": "jwt", "identitySource": "$request.header.Authorization"}
    body = {
        **BODY,
        "components": {"securitySchemes": {"J": {"x-amazon-apigateway-authorizer": scheme}}},
    }
    with pytest.raises(LocalCloudError, match="authorizer J"):
        RouteTable.from_openapi(body)


def test_answers_become_responses() -> None:
    response = response_of(
        {
            "statusCode": 201,
            "headers": {"Location": "/x", "X-Flag": True, "X-N": 3},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": base64.b64encode(b"\x00\x01").decode(),
            "isBase64Encoded": True,
        }
    )
    assert response.status == 201
    assert response.header("location") == "/x"
    assert [v for k, v in response.headers if k == "set-cookie"] == ["a=1; Path=/", "b=2"]
    assert (response.header("x-flag"), response.header("x-n")) == ("true", "3")
    assert response.body == b"\x00\x01"
    inferred = response_of({"hello": "ığ"})
    assert (inferred.status, inferred.header("content-type")) == (200, "application/json")
    assert json.loads(inferred.body) == {"hello": "ığ"}
    assert response_of({"statusCode": 200}).header("content-type").startswith("text/plain")


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "many"},
        {"statusCode": 99},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
    ],
)
def test_an_answer_that_cannot_be_sent_is_an_internal_error(answer: dict[str, Any]) -> None:
    said: list[str] = []
    service = api(Functions(workspace=lambda _event: answer), log=said.append)
    response = service.handle(request("GET", "/"))
    assert response.status == 500
    assert json.loads(response.body) == {"message": "Internal Server Error"}
    assert said


def test_failures_of_functions_have_the_service_s_words() -> None:
    def throttled(_event: dict[str, Any]) -> Any:
        raise ThrottledError("full")

    def failing(_event: dict[str, Any]) -> Any:
        raise LookupError

    def slow(_event: dict[str, Any]) -> Any:
        time.sleep(0.5)
        return {"statusCode": 200}

    def status(handler: Run) -> int:
        service = api(Functions(workspace=handler), integration_seconds=0.1)
        return service.handle(request("GET", "/")).status

    assert status(throttled) == 503
    assert status(failing) == 500
    assert status(slow) == 503
    assert api(Functions()).handle(request("GET", "/")).status == 500, "nobody deployed it"


def test_an_event_above_the_function_s_limit_is_refused() -> None:
    functions = Functions(workspace=ok)
    big = b"x" * (6 * 1024 * 1024)
    response = api(functions).handle(request("POST", "/", big, content_type="text/plain"))
    assert response.status == 413
    assert "workspace" not in [name for name, _ in functions.events]


def test_cors_is_answered_by_the_service_alone() -> None:
    body = {
        **BODY,
        "x-amazon-apigateway-cors": {
            "allowOrigins": ["https://books.example"],
            "allowMethods": ["GET", "POST"],
            "allowHeaders": ["authorization"],
            "exposeHeaders": ["etag"],
            "maxAge": 600,
        },
    }
    functions = Functions(
        workspace=lambda _event: {
            "statusCode": 200,
            "headers": {"Access-Control-Allow-Origin": "*"},
        }
    )
    service = api(functions, body)
    preflight = service.handle(
        request(
            "OPTIONS",
            "/v1/x",
            origin="https://books.example",
            access_control_request_method="POST",
        )
    )
    assert preflight.status == 204
    assert preflight.header("access-control-allow-methods") == "GET,POST"
    assert preflight.header("access-control-max-age") == "600"
    assert functions.events == []
    allowed = service.handle(request("GET", "/", origin="https://books.example"))
    assert allowed.header("access-control-allow-origin") == "https://books.example"
    foreign = service.handle(request("GET", "/", origin="https://evil.example"))
    assert foreign.header("access-control-allow-origin") == ""
    assert Cors(origins=("*",)).allow("https://any.example") == [
        ("access-control-allow-origin", "*")
    ]


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("GET", {"host": "localhost:8000"}, True),
        ("POST", {"host": "127.0.0.1:8000"}, True),
        ("GET", {"host": "[::1]:8000"}, True),
        ("GET", {"host": "rebound.example:8000"}, False),
        ("GET", {"host": "localhost.evil.example"}, False),
        ("GET", {}, False),
        ("POST", {"host": "localhost", "origin": "http://localhost:8000"}, True),
        ("POST", {"host": "localhost", "origin": "https://evil.example"}, False),
        ("POST", {"host": "localhost", "origin": "null"}, False),
        ("POST", {"host": "localhost", "sec-fetch-site": "cross-site"}, False),
        ("GET", {"host": "localhost", "sec-fetch-site": "cross-site"}, True),
    ],
)
def test_control_pages_are_for_this_machine_only(
    method: str, headers: dict[str, str], allowed: bool
) -> None:
    asked = Request(method, "/_local/clock", tuple(headers.items()))
    assert is_local_request(asked) is allowed


# -- over a real socket


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "hub.0123abcd.css").write_text("a{}")
    (folder / "manifest.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def dashboard(asked: Request) -> Response:
    if asked.raw_path.endswith("/broken"):
        raise RuntimeError("page")
    return json_response({"local": asked.raw_path})


@pytest.fixture
def gateway(assets: Path) -> Iterator[Gateway]:
    made = Gateway(
        port=0,
        static=StaticFiles(assets),
        dashboard=dashboard,
        log=lambda _line: None,
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
    )
    made.start()
    yield made
    made.stop()


def fetch(
    gateway: Gateway, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response, response.read()


def echo(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "connection": "close"},
        "cookies": ["a=1", "b=2"],
        "body": json.dumps({"path": event["rawPath"], "body": event.get("body")}),
    }


def test_the_product_answers_once_it_is_connected(gateway: Gateway) -> None:
    response, _ = fetch(gateway, "GET", "/")
    assert (response.status, response.headers["retry-after"]) == (503, "1")
    _, page = fetch(gateway, "GET", "/", None, Accept="text/html")
    assert b'http-equiv="refresh"' in page, "a browser comes back by itself"
    gateway.connect(api(Functions(workspace=echo)))
    response, body = fetch(gateway, "GET", "/today")
    assert response.status == 200
    assert json.loads(body)["path"] == "/today"
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert response.headers["connection"] is None, "functions do not control the connection"
    logged = gateway.requests()
    assert [(entry.path, entry.status) for entry in logged] == [
        ("/today", 200),
        ("/", 503),
        ("/", 503),
    ]


def test_head_has_headers_only_and_the_connection_stays_open(gateway: Gateway) -> None:
    gateway.connect(api(Functions(workspace=echo)))
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as connection:
        connection.request("HEAD", "/x")
        response = connection.getresponse()
        assert response.read() == b""
        assert int(response.headers["content-length"]) > 0
        kept = connection.sock
        connection.request("POST", "/x", iter([b'{"a":', b"1}"]), {"content-type": "text/plain"})
        response = connection.getresponse()
        assert json.loads(response.read())["body"] == '{"a":1}'
        assert connection.sock is kept


def test_ten_megabytes_are_the_limit(gateway: Gateway) -> None:
    functions = Functions(workspace=echo)
    gateway.connect(api(functions))
    response, _ = fetch(gateway, "POST", "/", b"x" * (10 * 1024 * 1024 + 1))
    assert response.status == 413
    assert functions.events == []


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: nine\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_requests_are_refused_without_running_anything(
    gateway: Gateway, head: bytes
) -> None:
    functions = Functions(workspace=echo)
    gateway.connect(api(functions))
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as raw:
        raw.sendall(head)
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")
    assert functions.events == []


def test_assets_are_cached_for_ever_when_their_name_is_hashed(gateway: Gateway) -> None:
    response, body = fetch(gateway, "GET", "/static/hub.0123abcd.css")
    assert (response.status, body) == (200, b"a{}")
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    known = {"If-None-Match": str(response.headers["etag"])}
    again, _ = fetch(gateway, "GET", "/static/hub.0123abcd.css", None, **known)
    assert again.status == 304
    plain, _ = fetch(gateway, "GET", "/static/manifest.json")
    assert plain.headers["cache-control"] == "no-cache"
    assert fetch(gateway, "POST", "/static/manifest.json", b"")[0].status == 405


@pytest.mark.parametrize(
    "path",
    ["/static/../secret.txt", "/static/%2e%2e/secret.txt", "/static//etc/passwd", "/static/"],
)
def test_nothing_outside_the_assets_is_served(gateway: Gateway, path: str) -> None:
    response, body = fetch(gateway, "GET", path)
    assert response.status == 404
    assert b"secret" not in body


def test_the_dashboard_is_reached_by_loopback_names_only(gateway: Gateway) -> None:
    _, body = fetch(gateway, "GET", "/_local/inbox")
    assert json.loads(body) == {"local": "/_local/inbox"}
    assert fetch(gateway, "GET", "/_local", Host="evil.example")[0].status == 403
    assert fetch(gateway, "GET", "/_localx")[0].status == 503, "only the prefix is special"
    assert gateway.requests()[0].path == "/_localx", "control pages are not in the request log"


def test_an_exception_in_a_page_is_an_answer(gateway: Gateway) -> None:
    response, body = fetch(gateway, "GET", "/_local/broken")
    assert response.status == 500
    assert json.loads(body) == {"message": "Internal Server Error"}
    assert fetch(gateway, "GET", "/_local")[0].status == 200
