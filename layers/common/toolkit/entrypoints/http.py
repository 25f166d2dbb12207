"""HTTP entry point: routing by Powertools, strict bodies, access, problem answers, security
headers.

A route function takes a ``Request`` and returns a ``Reply``; everything else is decided here, in
one place: who is asking (from the authorizer's context only), whether the permission is held,
whether the body is acceptable, and how an error becomes an answer.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as RouteNotFoundError
from aws_lambda_powertools.shared.cookies import Cookie
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel

from kernel.errors import (
    ForbiddenError,
    KopruError,
    MalformedError,
    NotFoundError,
    PreconditionRequiredError,
    Problem,
    UnauthorizedError,
    ValidationError,
)
from kernel.ids import is_id
from toolkit.auth import (
    ANONYMOUS,
    Principal,
    ProofRequiredError,
    TenantContext,
    require,
    tenant_context,
)
from toolkit.http import json_body
from toolkit.http.fields import Model, parse_model
from toolkit.http.idempotency import Command, body_hash, parse_key
from toolkit.http.problem import (
    PROBLEM_TYPE,
    internal_problem,
    problem_body,
    retry_headers,
    status_of,
)
from toolkit.observability import logger

Kind = Literal["api", "page"]
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_FORM: Final = 256 * 1024
_MAX_LIMIT: Final = 200

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers: a body (model, plain data, text or bytes), a status and headers."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cookies: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request after access checks. ``tenant`` raises for a principal without a company."""

    method: str
    path: str
    route: str
    principal: Principal
    headers: Mapping[str, str]
    query: Mapping[str, str]
    path_values: Mapping[str, str]
    raw_body: bytes
    cookies: Mapping[str, str]
    correlation_id: str
    source_ip: str

    @property
    def tenant(self) -> TenantContext:
        """For whom this request runs."""
        return tenant_context(self.principal, self.correlation_id)

    def id(self, name: str = "id") -> str:
        """A path identifier; anything that is not an id of ours is the same 404 as a foreign
        one.
        """
        value = self.path_values.get(name, "")
        if not is_id(value):
            raise NotFoundError("not_found", "There is no such item.")
        return value

    def json(self, model: type[Model]) -> Model:
        """The body as ``model``.

        Raises: MalformedError, UnsupportedMediaTypeError, TooLargeError, ValidationError with a
        problem per wrong field.
        """
        document = json_body.load_json_object(self.raw_body, self.headers.get("content-type"))
        return parse_model(model, document)

    def form(self) -> dict[str, str]:
        """Fields of a URL-encoded form; the last value wins, surrounding blanks stay."""
        if self.media_type != "application/x-www-form-urlencoded":
            raise MalformedError("form_expected", "A form was expected.")
        if len(self.raw_body) > _MAX_FORM:
            raise MalformedError("form_too_large", "The form is too large.")
        try:
            text = self.raw_body.decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedError("form_encoding", "The form is not UTF-8.") from None
        return dict(parse_qsl(text, keep_blank_values=True))

    def form_list(self, name: str) -> list[str]:
        """All values of a repeated form field, in order."""
        pairs = parse_qsl(self.raw_body.decode("utf-8", "replace"), keep_blank_values=True)
        return [value for key, value in pairs if key == name]

    def expected_version(self) -> int:
        """Version named by ``If-Match``.

        Raises: PreconditionRequiredError without the header, MalformedError when it is not an ETag
        of ours.
        """
        header = self.headers.get("if-match")
        if header is None:
            raise PreconditionRequiredError(
                "if_match_required", "Send the ETag you read in the If-Match header."
            )
        match = re.fullmatch(r'"?v?([0-9]{1,9})"?', header.strip())
        if match is None:
            raise MalformedError("if_match_invalid", "If-Match is not an ETag of this item.")
        return int(match[1])

    def command(self) -> Command:
        """Identity of a command that sends, issues or moves money (needs ``Idempotency-Key``)."""
        key = parse_key(self.headers.get("idempotency-key"))
        return self._command(key)

    def optional_command(self) -> Command | None:
        """The same where the key is optional."""
        header = self.headers.get("idempotency-key")
        return None if header is None else self._command(parse_key(header))

    def _command(self, key: str) -> Command:
        return Command(
            principal=self.principal.id,
            route=f"{self.method} {self.path}",
            key=key,
            body_hash=body_hash(self.raw_body),
        )

    def limit(self, default: int = 50) -> int:
        """Page size from ``?limit=``, 1…200.

        Raises: ValidationError("limit_invalid").
        """
        text = self.query.get("limit")
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _MAX_LIMIT):
            raise ValidationError(
                "limit_invalid",
                "limit is a whole number from 1 to 200.",
                problems=[Problem("/limit", "limit_invalid", "A whole number from 1 to 200.")],
            )
        return int(text)

    @property
    def media_type(self) -> str:
        """Content type of the body without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def wants_html(self) -> bool:
        """Whether a browser asks for a page."""
        return "text/html" in self.headers.get("accept", "")


def accepted(job_id: str, kind: str) -> Reply:
    """202 with the address of a job that starts, and its first state (api.md, jobs)."""
    job = {"id": job_id, "kind": kind, "status": "queued", "total": 0, "done": 0, "failed": 0}
    return Reply(job, 202, {"location": f"/v1/jobs/{job_id}", "retry-after": "1"})


def etag(version: int) -> str:
    """ETag of a version."""
    return f'"v{version}"'


Route = Callable[[Request], Reply]
ErrorPage = Callable[[Request, int, Mapping[str, Any]], Reply]


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One declared route, kept for the API description and the access tests."""

    method: str
    path: str
    kind: Kind
    permission: str | None
    function: Route


class HttpApp:
    """The HTTP door of one context: ``handler`` is what Lambda calls."""

    def __init__(
        self,
        service: str,
        *,
        base_url: Callable[[], str],
        csrf_key: Callable[[], bytes],
        error_page: ErrorPage | None = None,
        translate: Callable[[KopruError, str], str] | None = None,
    ) -> None:
        self._service = service
        self._base_url = base_url
        self._csrf_key = csrf_key
        self._error_page = error_page
        self._translate = translate
        self._resolver = APIGatewayHttpResolver()
        self._resolver.not_found(self._route_missing)
        self.routes: list[RouteSpec] = []
        self._sleeping: dict[tuple[str, int], list[RouteSpec]] = {}

    # ------------------------------------------------------------------ declaration

    def route(
        self, method: str, path: str, *, permission: str | None, kind: Kind = "api"
    ) -> Callable[[Route], Route]:
        """Declare a route. ``permission`` None means public: the list of such routes is a test's
        subject.
        """

        def declare(function: Route) -> Route:
            spec = RouteSpec(method, path, kind, permission, function)
            self.routes.append(spec)
            self._sleeping.setdefault((method, path.count("/")), []).append(spec)
            return function

        return declare

    def api(self, method: str, path: str, *, permission: str | None) -> Callable[[Route], Route]:
        """Declare an API route (JSON, problem answers)."""
        return self.route(method, path, permission=permission, kind="api")

    def page(self, method: str, path: str, *, permission: str | None) -> Callable[[Route], Route]:
        """Declare a page route (HTML, redirects to sign-in, CSRF token on every non-GET)."""
        return self.route(method, path, permission=permission, kind="page")

    # ------------------------------------------------------------------ invocation

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Lambda entry point for payload format 2.0."""
        log = logger(self._service)
        log.clear_state()
        if event.get("requestContext", {}).get("http", {}).get("method") == "HEAD":
            event = {**event, "requestContext": {**event["requestContext"]}}
            event["requestContext"]["http"] = {**event["requestContext"]["http"], "method": "GET"}
        asked = APIGatewayProxyEventV2(event)
        self._wake(asked.http_method, asked.path)
        return self._resolver.resolve(event, context)

    def _wake(self, method: str, path: str) -> None:
        """Tell the resolver about the routes that can answer this path: those as long as it.

        It compiles a pattern for each; a hundred of them were a tenth of a cold start.
        """
        for spec in self._sleeping.pop((method, path.count("/")), ()):
            pattern = re.sub(r"\{([a-z_]+)\}", r"<\1>", spec.path)
            self._resolver.route(pattern, method=[method])(self._caller(spec))

    def _caller(self, spec: RouteSpec) -> Callable[..., Response[str]]:
        def call(**values: str) -> Response[str]:
            return self._call(spec.path, spec.kind, spec.permission, spec.function, values)

        return call

    def _request(self, route: str, values: Mapping[str, str]) -> Request:
        event: dict[str, Any] = dict(self._resolver.current_event.raw_event)
        http = event["requestContext"]["http"]
        headers = {key.lower(): value for key, value in (event.get("headers") or {}).items()}
        body = event.get("body") or ""
        raw = (
            base64.b64decode(body)
            if event.get("isBase64Encoded")
            else body.encode("utf-8", "surrogatepass")
        )
        cookies: dict[str, str] = {}
        for cookie in event.get("cookies") or []:
            name, _, value = cookie.partition("=")
            cookies.setdefault(name.strip(), value)
        return Request(
            method=http["method"],
            path=event["rawPath"],
            route=route,
            principal=principal_of(event),
            headers=headers,
            query=dict(parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)),
            path_values=values,
            raw_body=raw,
            cookies=cookies,
            correlation_id=event["requestContext"].get("requestId", ""),
            source_ip=http.get("sourceIp", ""),
        )

    def _call(
        self,
        route: str,
        kind: Kind,
        permission: str | None,
        function: Route,
        values: Mapping[str, str],
    ) -> Response[str]:
        request = self._request(route, values)
        log = logger(self._service)
        log.append_keys(
            correlation_id=request.correlation_id, tenant_id=request.principal.tenant_id
        )
        try:
            if permission is not None:
                require(request.principal, permission)
            if request.method not in _SAFE_METHODS and request.principal.kind == "session":
                self._check_csrf(request)
            reply = function(request)
        except UnauthorizedError as error:
            if kind == "page":
                return self._respond(_sign_in_redirect(request))
            return self._problem(request, kind, error)
        except ProofRequiredError as error:
            if kind == "page" and error.return_to:
                return self._respond(_led_to("/confirm", error.return_to))
            return self._problem(request, kind, error)
        except KopruError as error:
            return self._problem(request, kind, error)
        except Exception as error:
            # Only the class is logged with the trace: messages of libraries may carry bodies.
            log.exception("unexpected error", extra={"error_class": type(error).__name__})
            body = internal_problem(base_url=self._base_url(), trace_id=request.correlation_id)
            return self._failure(request, kind, 500, body, {})
        return self._respond(reply)

    def csrf_token(self, principal: Principal) -> str:
        """Token that forms of this session carry."""
        return hmac.new(
            self._csrf_key(), principal.session_hash.encode(), hashlib.sha256
        ).hexdigest()

    def _check_csrf(self, request: Request) -> None:
        sent = request.headers.get("x-csrf-token")
        if sent is None:
            content_type = request.headers.get("content-type", "")
            if content_type.startswith("application/x-www-form-urlencoded"):
                sent = request.form().get("csrf_token")
        if sent is None or not hmac.compare_digest(
            sent.encode("utf-8", "replace"), self.csrf_token(request.principal).encode()
        ):
            raise ForbiddenError(
                "csrf_token_invalid", "The form is too old. Reload the page and try again."
            )

    def _route_missing(self, _error: RouteNotFoundError) -> Response[str]:
        request = self._request("", {})
        kind: Kind = "page" if request.wants_html and not request.path.startswith("/v1/") else "api"
        return self._problem(request, kind, NotFoundError("not_found", "There is no such item."))

    def _problem(self, request: Request, kind: Kind, error: KopruError) -> Response[str]:
        if error.detail:
            logger(self._service).info("refused", extra={"code": error.code, "why": error.detail})
        detail = None
        if self._translate is not None:
            language = request.principal.language or request.headers.get("accept-language", "")
            detail = self._translate(error, language)
        body = problem_body(
            error, base_url=self._base_url(), trace_id=request.correlation_id, detail=detail
        )
        return self._failure(request, kind, status_of(error), body, retry_headers(error))

    def _failure(
        self,
        request: Request,
        kind: Kind,
        status: int,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Response[str]:
        if kind == "page" and self._error_page is not None:
            return self._respond(self._error_page(request, status, body))
        return self._respond(Reply(body, status, headers, PROBLEM_TYPE))

    @staticmethod
    def _respond(reply: Reply) -> Response[str]:
        headers: dict[str, Any] = {
            **SECURITY_HEADERS,
            **{k.lower(): v for k, v in reply.headers.items()},
        }
        body: Any = reply.body
        if isinstance(body, BaseModel):
            body = body.model_dump_json(by_alias=True)
        elif body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        headers["content-type"] = reply.content_type
        is_bytes = isinstance(body, bytes)
        # The content type travels in our own headers; given to Response it would be sent twice.
        response: Response[str] = Response(
            reply.status,
            None,
            base64.b64encode(body).decode() if is_bytes else body or "",
            headers,
            cookies=[_SetCookie(text) for text in reply.cookies],
        )
        response.base64_encoded = is_bytes
        return response


class _SetCookie(Cookie):
    """A finished ``Set-Cookie`` value: payload 2.0 wants one list entry per cookie."""

    def __init__(self, text: str) -> None:
        super().__init__(name=text.partition("=")[0], value="")
        self._text = text

    def __str__(self) -> str:
        return self._text


def principal_of(event: Mapping[str, Any]) -> Principal:
    """Who is asking, from the authorizer's context and from nothing else."""
    context = (event.get("requestContext", {}).get("authorizer") or {}).get("lambda") or {}
    kind = context.get("kind")
    if kind not in ("api_key", "session"):
        return ANONYMOUS
    return Principal(
        kind=kind,
        id=str(context.get("principal_id", "")),
        tenant_id=str(context.get("tenant_id", "")),
        roles=tuple(filter(None, str(context.get("roles", "")).split(","))),
        scopes=tuple(filter(None, str(context.get("scopes", "")).split(","))),
        session_hash=str(context.get("session_id_hash", "")),
        language=str(context.get("language", "")),
        theme=str(context.get("theme", "")),
        zone=str(context.get("zone", "")),
        name=str(context.get("name", "")),
        email=str(context.get("email", "")),
        tenant_name=str(context.get("tenant_name", "")),
        tenants=_choices(str(context.get("tenants", ""))),
        barred=str(context.get("barred", "")),
        proved_at=str(context.get("proved_at", "")),
    )


def _choices(text: str) -> tuple[tuple[str, str], ...]:
    """Companies of a person as the authorizer wrote them: JSON pairs of id and name."""
    return tuple((str(identity), str(name)) for identity, name in json.loads(text or "[]"))


def _sign_in_redirect(request: Request) -> Reply:
    if request.method in _SAFE_METHODS:
        return _led_to("/sign-in", request.path)
    return redirect("/sign-in")


def _led_to(door: str, return_to: str) -> Reply:
    from urllib.parse import quote

    return redirect(f"{door}?return_to={quote(return_to, safe='/')}")


def redirect(location: str, *, cookies: Sequence[str] = ()) -> Reply:
    """See-other answer after a form, so that a reload repeats nothing."""
    return Reply("", 303, {"location": location}, "text/html; charset=utf-8", cookies)
