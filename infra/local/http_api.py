"""API Gateway's HTTP API on a laptop: payload format 2.0 between HTTP and functions.

Routes, the authorizer and CORS come from the OpenAPI document that SAM generates from
``template.yaml``, so a route that works here is a route that was deployed. Everything in this
module that does not run a function is a pure translation, the part that handlers depend on.

Source: API Gateway developer guide, "Working with AWS Lambda proxy integrations for HTTP APIs".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from infra.local.cloud.model import (
    ACCOUNT_ID,
    FunctionNotFoundError,
    InvokeOutcome,
    Invoker,
    Json,
    LocalCloudError,
    Log,
    ThrottledError,
    function_name_of,
)
from infra.local.web import Request, Response

INTEGRATION_SECONDS: Final = 30.0
MAX_EVENT_BYTES: Final = 6 * 1024 * 1024
DEFAULT_ROUTE: Final = "$default"
_ANY_METHOD: Final = "x-amazon-apigateway-any-method"
_FUNCTION_IN_URI: Final = re.compile(r"functions/(arn:[^/]+)/invocations")
_TEXT_TYPES: Final = frozenset({"application/json", "application/xml", "application/javascript"})


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A Lambda authorizer with simple responses; ``headers`` are its identity sources."""

    function: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One route: ``segments`` of its path, an empty tuple for ``$default``."""

    key: str
    method: str
    segments: tuple[str, ...]
    function: str
    authorizer: Authorizer | None

    @property
    def specificity(self) -> tuple[tuple[int, ...], bool]:
        """Sort key: literal before parameter before greedy, a named method before ANY."""
        kinds = tuple(2 if "+" in s else 1 if s.startswith("{") else 0 for s in self.segments)
        return (kinds or (3,), self.method == "ANY")

    def match(self, method: str, segments: Sequence[str]) -> dict[str, str] | None:
        """Path parameters when this route takes the request, else None."""
        if self.method not in (method, "ANY"):
            return None
        if self.key == DEFAULT_ROUTE:
            return {}
        values: dict[str, str] = {}
        for index, wanted in enumerate(self.segments):
            if wanted.endswith("+}"):
                rest = "/".join(segments[index:])
                return {**values, wanted[1:-2]: rest} if rest else None
            if index >= len(segments):
                return None
            if wanted.startswith("{"):
                if not segments[index]:
                    return None
                values[wanted[1:-1]] = segments[index]
            elif wanted != segments[index]:
                return None
        return values if len(segments) == len(self.segments) else None


@dataclass(frozen=True, slots=True)
class Cors:
    """What the HTTP API answers to other origins, instead of the functions."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False

    def allow(self, origin: str) -> list[tuple[str, str]]:
        """Headers for an origin; none when it is not allowed."""
        if not origin or not ("*" in self.origins or origin in self.origins):
            return []
        headers = [("access-control-allow-origin", "*" if "*" in self.origins else origin)]
        if self.credentials:
            headers.append(("access-control-allow-credentials", "true"))
        if self.exposed:
            headers.append(("access-control-expose-headers", ",".join(self.exposed)))
        if "*" not in self.origins:
            headers.append(("vary", "origin"))
        return headers

    def preflight(self) -> list[tuple[str, str]]:
        """What a preflight request is told besides :meth:`allow`."""
        headers = [
            ("access-control-allow-methods", ",".join(self.methods)),
            ("access-control-allow-headers", ",".join(self.headers)),
        ]
        if self.max_age is not None:
            headers.append(("access-control-max-age", str(self.max_age)))
        return headers


class RouteTable:
    """The routes of one HTTP API, most specific first."""

    def __init__(self, routes: Sequence[Route], cors: Cors | None = None) -> None:
        self.routes = tuple(sorted(routes, key=lambda route: route.specificity))
        self.cors = cors

    @classmethod
    def from_openapi(cls, body: Json) -> RouteTable:
        """Routes, authorizers and CORS of the document.

        Raises: LocalCloudError for an authorizer or integration this stack does not emulate.
        """
        schemes = (body.get("components") or {}).get("securitySchemes") or {}
        authorizers = {
            name: _authorizer(name, scheme["x-amazon-apigateway-authorizer"])
            for name, scheme in schemes.items()
            if "x-amazon-apigateway-authorizer" in scheme
        }
        routes = []
        for path, operations in (body.get("paths") or {}).items():
            for verb, operation in operations.items():
                integration = operation.get("x-amazon-apigateway-integration")
                if integration is None:
                    continue
                routes.append(_route(path, verb, operation, integration, authorizers))
        return cls(routes, _cors(body.get("x-amazon-apigateway-cors")))

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a request with its decoded path parameters."""
        segments = [unquote(segment) for segment in raw_path.split("/")[1:]]
        for route in self.routes:
            values = route.match(method, segments)
            if values is not None:
                return route, values
        return None


class HttpApi:
    """Runs requests through authorizer and function, with the limits of the real service."""

    def __init__(
        self,
        table: RouteTable,
        invoker: Invoker,
        *,
        api_id: str = "local",
        log: Log = lambda _line: None,
        integration_seconds: float = INTEGRATION_SECONDS,
    ) -> None:
        self._table = table
        self._invoker = invoker
        self._api_id = api_id
        self._log = log
        self._limit = integration_seconds

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        request_id = secrets.token_urlsafe(11)
        cors = self._table.cors
        allowed = cors.allow(request.header("origin")) if cors else []
        if (
            cors
            and request.method == "OPTIONS"
            and request.header("origin")
            and request.header("access-control-request-method")
        ):
            headers = [*allowed, *(cors.preflight() if allowed else ())]
            return Response(204, tuple(headers))
        response = self._dispatch(request, request_id)
        if cors:
            # The service replaces what a function says about other origins.
            own = [h for h in response.headers if not h[0].startswith("access-control-")]
            response = Response(response.status, (*own, *allowed), response.body)
        return response.with_headers([("apigw-requestid", request_id)])

    def _dispatch(self, request: Request, request_id: str) -> Response:
        found = self._table.find(request.method, request.raw_path)
        if found is None:
            return message(404, "Not Found")
        route, values = found
        event = build_event(request, route, values, api_id=self._api_id, request_id=request_id)
        if route.authorizer is not None:
            refusal = self._authorize(route.authorizer, event, request)
            if refusal is not None:
                return refusal
        payload = json.dumps(event, ensure_ascii=False).encode()
        if len(payload) > MAX_EVENT_BYTES:
            return message(413, "Request Entity Too Large")
        outcome = self._invoke(route.function, payload)
        if isinstance(outcome, Response):
            return outcome
        try:
            return response_of(json.loads(outcome.payload))
        except (ValueError, TypeError) as error:
            self._log(f"{route.key}: the function's answer is not a response: {error}")
            return message(500, "Internal Server Error")

    def _authorize(
        self, authorizer: Authorizer, event: dict[str, Any], request: Request
    ) -> Response | None:
        identity = [request.header(name) for name in authorizer.headers]
        if not all(identity):
            return message(401, "Unauthorized")
        question = {key: value for key, value in event.items() if key != "isBase64Encoded"}
        question.pop("body", None)
        question |= {
            "type": "REQUEST",
            "routeArn": f"arn:aws:execute-api:local:{ACCOUNT_ID}:{self._api_id}/$default/"
            f"{request.method}{request.raw_path}",
            "identitySource": identity,
        }
        outcome = self._invoke(authorizer.function, json.dumps(question).encode())
        if isinstance(outcome, Response):
            return message(500, "Internal Server Error")
        try:
            answer = json.loads(outcome.payload)
            allowed = answer.get("isAuthorized")
        except (ValueError, AttributeError):
            return message(500, "Internal Server Error")
        if allowed is not True:
            return message(403, "Forbidden")
        event["requestContext"]["authorizer"] = {"lambda": answer.get("context") or None}
        return None

    def _invoke(self, function: str, payload: bytes) -> InvokeOutcome | Response:
        """The outcome of a function that answered, or what the service says instead."""
        result: list[InvokeOutcome | Exception] = []

        def run() -> None:
            try:
                result.append(self._invoker.invoke(function, payload))
            except Exception as error:
                result.append(error)

        worker = threading.Thread(target=run, name="integration", daemon=True)
        worker.start()
        worker.join(self._limit)
        if not result:
            self._log(f"{function} did not answer within {self._limit:.0f} s")
            return message(503, "Service Unavailable")
        outcome = result[0]
        if isinstance(outcome, ThrottledError):
            return message(503, "Service Unavailable")
        if isinstance(outcome, Exception):
            reason = "is not deployed" if isinstance(outcome, FunctionNotFoundError) else outcome
            self._log(f"{function} could not be run: {reason}")
            return message(500, "Internal Server Error")
        if outcome.function_error is not None:
            return message(500, "Internal Server Error")
        return outcome


def message(status: int, text: str) -> Response:
    """The short JSON answers of the service itself."""
    body = json.dumps({"message": text}).encode()
    return Response(status, (("content-type", "application/json"),), body)


def build_event(
    request: Request,
    route: Route,
    path_values: Mapping[str, str],
    *,
    api_id: str,
    request_id: str,
) -> dict[str, Any]:
    """The event of payload format 2.0.

    Shapes: repeated headers and query values are joined by commas; cookies are a list of their
    own; a body that is not declared as text arrives as Base64, form posts included.
    """
    path = unquote(request.raw_path)
    headers = _event_headers(request)
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": request.raw_query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": api_id,
            "domainName": headers.get("host", ""),
            "domainPrefix": headers.get("host", "").split(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route.key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    cookies = [
        piece.strip()
        for name, value in request.headers
        if name == "cookie"
        for piece in value.split(";")
        if piece.strip()
    ]
    if cookies:
        event["cookies"] = cookies
    query: dict[str, str] = {}
    for name, value in parse_qsl(request.raw_query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    if query:
        event["queryStringParameters"] = query
    if path_values:
        event["pathParameters"] = dict(path_values)
    if request.body:
        event["body"], event["isBase64Encoded"] = _event_body(
            request.body, headers.get("content-type", "")
        )
    return event


def response_of(answer: Json) -> Response:
    """The HTTP response of a function's answer.

    Raises: ValueError or TypeError for an answer that the service could not send.
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return Response(200, (("content-type", "application/json"),), text.encode())
    status = int(answer["statusCode"])
    if not 200 <= status <= 599:
        raise ValueError(f"status {status}")
    headers = {
        str(name).lower(): _header_value(value)
        for name, value in (answer.get("headers") or {}).items()
    }
    headers.setdefault("content-type", "text/plain; charset=utf-8")
    cookies = [("set-cookie", _header_value(cookie)) for cookie in answer.get("cookies") or ()]
    body = answer.get("body")
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    if answer.get("isBase64Encoded"):
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(f"body is not Base64: {error}") from None
    else:
        data = text.encode()
    return Response(status, (*headers.items(), *cookies), data)


def _event_headers(request: Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        if name != "cookie":
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.client}" if forwarded else request.client
    headers["x-forwarded-proto"] = "http"
    headers["x-forwarded-port"] = headers.get("host", "").rpartition(":")[2] or "80"
    headers.setdefault("x-amzn-trace-id", f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}")
    return headers


def _event_body(body: bytes, content_type: str) -> tuple[str, bool]:
    kind = content_type.partition(";")[0].strip().lower()
    textual = kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
    if textual:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def _header_value(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise ValueError("a header value contains a line break")
    return text


def _function_of(uri: object) -> str:
    found = _FUNCTION_IN_URI.search(str(uri))
    if found is None:
        raise LocalCloudError(f"the HTTP API integration {uri!r} is not a Lambda function")
    return function_name_of(found.group(1))


def _authorizer(name: str, definition: Json) -> Authorizer:
    if definition.get("type") != "request" or not definition.get("enableSimpleResponses"):
        raise LocalCloudError(
            f"authorizer {name}: the local stack knows Lambda authorizers with simple responses "
            "only"
        )
    sources = definition.get("identitySource") or []
    if isinstance(sources, str):
        sources = sources.split(",")
    headers = []
    for source in sources:
        kind, _, header = source.strip().rpartition(".")
        if kind != "$request.header":
            raise LocalCloudError(f"authorizer {name}: identity source {source} is not a header")
        headers.append(header.lower())
    return Authorizer(_function_of(definition.get("authorizerUri")), tuple(headers))


def _route(
    path: str,
    verb: str,
    operation: Json,
    integration: Json,
    authorizers: Mapping[str, Authorizer],
) -> Route:
    method = "ANY" if verb == _ANY_METHOD else verb.upper()
    names = [name for entry in operation.get("security") or () for name in entry]
    authorizer = next((authorizers[name] for name in names if name in authorizers), None)
    default = path.lstrip("/") == DEFAULT_ROUTE
    return Route(
        key=DEFAULT_ROUTE if default else f"{method} {path}",
        method=method,
        segments=() if default else tuple(path.split("/")[1:]),
        function=_function_of(integration.get("uri")),
        authorizer=authorizer,
    )


def _cors(definition: Json) -> Cors | None:
    if not definition:
        return None

    def listed(name: str) -> tuple[str, ...]:
        return tuple(definition.get(name) or ())

    return Cors(
        origins=listed("allowOrigins"),
        methods=listed("allowMethods"),
        headers=listed("allowHeaders"),
        exposed=listed("exposeHeaders"),
        max_age=definition.get("maxAge"),
        credentials=bool(definition.get("allowCredentials")),
    )
