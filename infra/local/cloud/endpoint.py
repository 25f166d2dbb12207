"""The one AWS endpoint of the local stack: which service answers a request.

The service is named in the signature. Queues, events, mails and item operations are answered by
our own code, function calls go to the runtime, and everything else to moto's own application.
"""

from __future__ import annotations

import io
import json
import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote, unquote_to_bytes
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from infra.local.cloud.bus import BusError, EventBus
from infra.local.cloud.dynamodb.front import ITEM_OPERATIONS, DynamoDbFront
from infra.local.cloud.http_server import Request, Response
from infra.local.cloud.mail import MailRefusedError, MailStore
from infra.local.cloud.model import (
    FunctionNotFoundError,
    Invoker,
    Json,
    Log,
    ThrottledError,
    function_name_of,
)
from infra.local.cloud.presigned import PresignedError, SignedRequest, check_link
from infra.local.cloud.s3_objects import S3Objects
from infra.local.cloud.sqs_queue import SqsError
from infra.local.cloud.sqs_wire import SqsWire

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")
_QUERY_SCOPE: Final = re.compile(r"X-Amz-Credential=[^&]*?%2F([^%&]+)%2Faws4_request", re.I)
_INVOCATION: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations$")
_LOCAL_ORIGIN: Final = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_JSON: Final = "application/x-amz-json-1.0"
_READS: Final = ("Get", "List", "Describe", "BatchGet")


@dataclass(frozen=True, slots=True)
class Services:
    """Who answers what."""

    sqs: SqsWire
    dynamodb: DynamoDbFront
    objects: S3Objects
    bus: EventBus
    mail: MailStore
    invoker: Callable[[], Invoker]
    secrets_changed: Callable[[], None]
    log: Log


class Endpoint:
    """Routes requests; a :data:`infra.local.cloud.http_server.Handler`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._s3_lock = threading.RLock()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._calls_lock = threading.Lock()
        self._answers: Mapping[str, Callable[[Request, str], Response]] = {
            "sqs": self._sqs,
            "lambda": self._lambda,
            "dynamodb": self._dynamodb,
            "events": self._events,
            "ses": self._ses,
            "s3": self._s3,
            "secretsmanager": self._secrets,
        }

    def __call__(self, request: Request) -> Response:
        """Answer one request; a mistake of ours is said aloud and answered as a server error."""
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        service = _service_of(request)
        with self._calls_lock:
            self._calls[service, operation or request.method] += 1
        try:
            return self._answers.get(service, self._to_moto)(request, operation)
        except Exception as error:
            self._services.log(
                f"endpoint: {request.method} {request.path} {operation}\n{traceback.format_exc()}"
            )
            return _json(500, {"__type": "InternalServerError", "message": repr(error)})

    def calls(self) -> dict[str, dict[str, int]]:
        """Requests since the start, by service and operation: what AWS would bill."""
        with self._calls_lock:
            counted = sorted(self._calls.items())
        found: dict[str, dict[str, int]] = {}
        for (service, operation), number in counted:
            found.setdefault(service, {})[operation] = number
        return found

    # ------------------------------------------------------------------ services

    def _sqs(self, request: Request, operation: str) -> Response:
        if not operation:
            return _json(
                400, {"__type": "UnsupportedProtocol", "message": "Use the JSON protocol."}
            )
        try:
            return _json(200, self._services.sqs.call(operation, json.loads(request.body or b"{}")))
        except SqsError as error:
            name = error.code.rsplit(".", 1)[-1].replace("NonExistentQueue", "QueueDoesNotExist")
            return _json(
                error.status,
                {"__type": f"com.amazonaws.sqs#{name}", "message": error.message},
                {"x-amzn-query-error": f"{error.code};Sender"},
            )

    def _lambda(self, request: Request, operation: str) -> Response:
        call = _INVOCATION.search(request.path)
        if call is None or request.method != "POST":
            return self._to_moto(request, operation)
        name = function_name_of(unquote(call[1]))
        payload = request.body or b"{}"
        try:
            if request.headers.get("x-amz-invocation-type") == "Event":
                self._services.invoker().invoke_async(name, payload)
                return Response(202)
            outcome = self._services.invoker().invoke(name, payload)
        except FunctionNotFoundError as error:
            return _json(
                404,
                {"Type": "User", "Message": f"Function not found: {error}"},
                {"x-amzn-ErrorType": "ResourceNotFoundException"},
            )
        except ThrottledError:
            return _json(
                429,
                {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"},
                {"x-amzn-ErrorType": "TooManyRequestsException"},
            )
        headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST"}
        if outcome.function_error is not None:
            headers["X-Amz-Function-Error"] = outcome.function_error
        return Response(200, outcome.payload, headers)

    def _dynamodb(self, request: Request, operation: str) -> Response:
        if operation not in ITEM_OPERATIONS:
            return self._to_moto(request, operation)
        status, body = self._services.dynamodb.answer(operation, request.body)
        return Response(status, body, {"Content-Type": _JSON, "x-amzn-RequestId": _request_id()})

    def _events(self, request: Request, operation: str) -> Response:
        if operation != "PutEvents":
            return self._to_moto(request, operation)
        try:
            return _json(200, self._services.bus.put_events(json.loads(request.body)))
        except BusError as error:
            return _json(400, {"__type": error.code, "message": str(error)})

    def _ses(self, request: Request, operation: str) -> Response:
        try:
            if request.path == "/v2/email/outbound-emails" and request.method == "POST":
                return _json(200, {"MessageId": self._services.mail.send(json.loads(request.body))})
            if b"Action=SendEmail" in request.body or b"Action=SendRawEmail" in request.body:
                return self._ses_version_1(parse_qs(request.body.decode()))
        except MailRefusedError as error:
            return _json(400, {"message": str(error)}, {"x-amzn-ErrorType": error.code})
        return self._to_moto(request, operation)

    def _ses_version_1(self, form: Mapping[str, list[str]]) -> Response:
        def every(prefix: str) -> list[str]:
            return [value[0] for name, value in sorted(form.items()) if name.startswith(prefix)]

        def one(name: str) -> str:
            return form.get(name, [""])[0]

        action = one("Action")
        content: Json
        if action == "SendRawEmail":
            content = {"Raw": {"Data": one("RawMessage.Data")}}
            destination = {"ToAddresses": every("Destinations.member.")}
        else:
            content = {
                "Simple": {
                    "Subject": {"Data": one("Message.Subject.Data")},
                    "Body": {
                        "Text": {"Data": one("Message.Body.Text.Data")},
                        "Html": {"Data": one("Message.Body.Html.Data")},
                    },
                }
            }
            destination = {
                f"{kind}Addresses": every(f"Destination.{kind}Addresses.member.")
                for kind in ("To", "Cc", "Bcc")
            }
        message_id = self._services.mail.send(
            {
                "FromEmailAddress": one("Source"),
                "Destination": {name: value for name, value in destination.items() if value},
                "Content": content,
                "ConfigurationSetName": one("ConfigurationSetName"),
                "EmailTags": [
                    {"Name": one(name), "Value": one(name.removesuffix("Name") + "Value")}
                    for name in sorted(form)
                    if name.startswith("Tags.member.") and name.endswith(".Name")
                ],
            }
        )
        body = (
            f'<{action}Response xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><{action}Result>'
            f"<MessageId>{message_id}</MessageId></{action}Result><ResponseMetadata><RequestId>"
            f"{_request_id()}</RequestId></ResponseMetadata></{action}Response>"
        )
        return Response(200, body.encode(), {"Content-Type": "text/xml"})

    def _secrets(self, request: Request, operation: str) -> Response:
        response = self._to_moto(request, operation)
        if response.status == 200 and not operation.startswith(_READS):
            self._services.secrets_changed()
        return response

    # ------------------------------------------------------------------ S3

    def _s3(self, request: Request, operation: str) -> Response:
        if request.method == "OPTIONS":
            return Response(200, headers=_cors(request))
        try:
            if _is_form(request):
                response = self._post_form(request)
            elif "authorization" in request.headers:
                response = self._s3_with_lock(request, operation)
            elif "X-Amz-Signature=" in request.query:
                check_link(
                    SignedRequest(request.method, request.path, request.query, request.headers),
                    datetime.now(UTC),
                )
                response = self._s3_with_lock(request, operation)
            else:
                raise PresignedError(403, "AccessDenied", "Access Denied")
        except PresignedError as error:
            response = _xml_error(error)
        return Response(response.status, response.body, {**response.headers, **_cors(request)})

    def _s3_with_lock(self, request: Request, operation: str) -> Response:
        with self._s3_lock:
            try:
                return self._to_moto(request, operation)
            finally:
                self._services.objects.flush()

    def _post_form(self, request: Request) -> Response:
        kind, options = parse_options_header(request.headers.get("content-type"))
        _, form, files = FormDataParser(max_form_memory_size=2**20).parse(
            io.BytesIO(request.body), kind, len(request.body), options
        )
        uploads = {name: (one.stream.read(), one.filename or "") for name, one in files.items()}
        for one in files.values():
            one.close()
        if "file" in form:
            uploads["file"] = (form["file"].encode(), "")
        if list(uploads) != ["file"]:
            raise PresignedError(400, "InvalidArgument", "POST requires exactly one file upload.")
        content, filename = uploads["file"]
        fields = {name: value for name, value in form.items() if name != "file"}
        bucket = unquote(request.path).strip("/")
        with self._s3_lock:
            try:
                status, headers = self._services.objects.post(
                    bucket, fields, content, filename, datetime.now(UTC)
                )
            finally:
                self._services.objects.flush()
        return Response(status, b"", headers)

    # ------------------------------------------------------------------ moto

    def _to_moto(self, request: Request, _: str) -> Response:
        if "authorization" not in request.headers and "X-Amz-Signature=" not in request.query:
            return _json(403, {"__type": "MissingAuthenticationToken", "message": "Not signed."})
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
            "QUERY_STRING": request.query,
            "REQUEST_URI": f"{request.path}?{request.query}" if request.query else request.path,
            "RAW_URI": f"{request.path}?{request.query}" if request.query else request.path,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            if name not in ("content-type", "content-length", "transfer-encoding"):
                environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        environ["CONTENT_LENGTH"] = str(len(request.body))
        if "content-type" in request.headers:
            environ["CONTENT_TYPE"] = request.headers["content-type"]
        status = 500
        headers: dict[str, str] = {}

        def start_response(line: str, pairs: list[tuple[str, str]], *_: Any) -> None:
            nonlocal status
            status = int(line.split(" ", 1)[0])
            headers.update(pairs)

        application = self._moto.get_application(environ)
        chunks = application(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        for name in [name for name in headers if name.lower() in _HOP_BY_HOP]:
            del headers[name]
        return Response(status, body, headers)


_HOP_BY_HOP: Final = frozenset({"connection", "transfer-encoding", "keep-alive"})


def _service_of(request: Request) -> str:
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    if scope is not None:
        return scope[2].lower()
    query = _QUERY_SCOPE.search(request.query)
    # Browsers send forms and preflights without a signature; only S3 takes any.
    return "s3" if query is None else query[1].lower()


def _is_form(request: Request) -> bool:
    return request.method == "POST" and request.headers.get("content-type", "").startswith(
        "multipart/form-data"
    )


def _cors(request: Request) -> dict[str, str]:
    origin = request.headers.get("origin", "")
    if not _LOCAL_ORIGIN.fullmatch(origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT",
        "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "*"),
        "Access-Control-Expose-Headers": "ETag, Location",
        "Access-Control-Max-Age": "3000",
        "Vary": "Origin",
    }


def _json(status: int, document: Json, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        status,
        json.dumps(document).encode(),
        {"Content-Type": _JSON, "x-amzn-RequestId": _request_id(), **(headers or {})},
    )


def _xml_error(error: PresignedError) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    )
    return Response(error.status, body.encode(), {"Content-Type": "application/xml"})


def _request_id() -> str:
    return f"local-{time.time_ns():x}"
