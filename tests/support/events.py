"""Events as AWS sends them, and one way to hand them to a handler with the scanner looking on."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from tests.support.lambda_context import LambdaContext
from tests.support.scanner import SCANNER
from toolkit.auth import Principal

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
FORM: Final = "application/x-www-form-urlencoded"


def authorizer_context(principal: Principal | None) -> dict[str, str]:
    """What the authorizer would have said about this principal."""
    if principal is None:
        return {"kind": "anonymous"}
    return {
        "kind": principal.kind,
        "tenant_id": principal.tenant_id,
        "principal_id": principal.id,
        "roles": ",".join(principal.roles),
        "scopes": ",".join(principal.scopes),
        "session_id_hash": principal.session_hash,
        "language": principal.language,
        "theme": principal.theme,
        "zone": principal.zone,
        "name": principal.name,
        "email": principal.email,
        "tenant_name": principal.tenant_name,
        "barred": principal.barred,
        "proved_at": principal.proved_at,
        "tenants": json.dumps([list(choice) for choice in principal.tenants]),
    }


def http_event(
    method: str,
    path: str,
    *,
    principal: Principal | None = None,
    body: Any = None,
    form: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[str] = (),
    source_ip: str = "203.0.113.7",
) -> dict[str, Any]:
    """An HTTP API event of payload format 2.0. ``body`` is JSON-able, bytes or text."""
    sent = {key.lower(): value for key, value in (headers or {}).items()}
    text: str | None = None
    encoded = False
    if form is not None:
        sent.setdefault("content-type", FORM)
        text = urlencode(form)
    elif isinstance(body, bytes):
        text, encoded = base64.b64encode(body).decode(), True
    elif isinstance(body, str):
        text = body
    elif body is not None:
        sent.setdefault("content-type", "application/json")
        text = json.dumps(body, ensure_ascii=False)
    raw_query = urlencode(query or {})
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": raw_query,
        "headers": {"host": "localhost:8000", **sent},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": sent.get("user-agent", "tests"),
            },
            "requestId": "req-000000000001",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jun/2026:09:00:00 +0000",
            "timeEpoch": 1780304400000,
            "authorizer": {"lambda": authorizer_context(principal)},
        },
        "isBase64Encoded": encoded,
    }
    if query:
        event["queryStringParameters"] = dict(query)
    if cookies:
        event["cookies"] = list(cookies)
    if text is not None:
        event["body"] = text
    return event


@dataclass(frozen=True)
class Answer:
    """What a handler answered to an HTTP event."""

    status: int
    headers: Mapping[str, str]
    body: str
    cookies: Sequence[str]
    raw: Mapping[str, Any]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def location(self) -> str:
        """Where the answer leads."""
        return self.headers.get("location", "")


def invoke(
    handler: Handler,
    event: dict[str, Any],
    *,
    context: LambdaContext | None = None,
    shows: str | None = None,
) -> Answer:
    """Call an HTTP handler and scan its answer for identities, secrets and other tenants' words.

    ``shows`` says why this answer may contain a secret or identity (a key shown once, for example);
    words of other tenants are never allowed, except to somebody without a tenant who holds a link.
    """
    raw = handler(event, context or LambdaContext())
    body = str(raw.get("body") or "")
    if raw.get("isBase64Encoded"):
        body = base64.b64decode(body).decode("utf-8", "replace")
    tenant_id = event["requestContext"]["authorizer"]["lambda"].get("tenant_id", "")
    where = f"{event['requestContext']['http']['method']} {event['rawPath']}"
    by_link = shows is not None and not tenant_id
    strangers = [] if by_link else list(SCANNER.strangers_in(body, tenant_id))
    assert not strangers, f"the answer to {where} contains {strangers}"
    if shows is None:
        SCANNER.check(body, f"the answer to {where}")
    headers = {key.lower(): str(value) for key, value in raw.get("headers", {}).items()}
    return Answer(int(raw["statusCode"]), headers, body, tuple(raw.get("cookies", ())), raw)


def queue_event(*bodies: Mapping[str, Any] | str, receive_count: int = 1) -> dict[str, Any]:
    """An SQS event with one record per body; message ids are ``m1``, ``m2``, …"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": body if isinstance(body, str) else json.dumps(body, ensure_ascii=False),
                "attributes": {
                    "ApproximateReceiveCount": str(receive_count),
                    "SentTimestamp": "1780304400000",
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:kopru-test",
                "awsRegion": "eu-central-1",
            }
            for number, body in enumerate(bodies, 1)
        ]
    }


def bus_event(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """What a bus rule puts into a queue for a published event."""
    return {
        "version": "0",
        "id": "11111111-2222-4333-8444-555555555555",
        "detail-type": envelope["type"],
        "source": envelope["source"],
        "account": "123456789012",
        "time": "2026-06-01T09:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": dict(envelope),
    }


def schedule_event() -> dict[str, Any]:
    """What EventBridge Scheduler sends to a function of ours: nothing anybody reads."""
    return {}
