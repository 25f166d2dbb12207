"""HTTP: the public door of the providers; the signature is the only access there is."""

from kernel.errors import KopruError
from kernel.signed_events import SignedMessage
from payment_codes.bootstrap import application
from payment_codes.handlers.http.app import app
from toolkit.entrypoints.http import Reply, Request
from toolkit.http import json_body


def _code_of(body: bytes) -> str:
    """The code a notification claims to be about; empty when it says nothing readable."""
    try:
        found = json_body.load_json_object(body, "application/json").get("data")
    except KopruError:
        return ""
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, str) else ""


@app.api("POST", "/v1/payment-codes/notifications/{provider}", permission=None)
def receive_notification(request: Request) -> Reply:
    """Take a signed notification: it asks for a pull and books nothing."""
    message = SignedMessage(request.headers, request.raw_body)
    received = application().receive_notification()(
        request.path_values["provider"],
        _code_of(request.raw_body),
        request.headers.get("webhook-id", ""),
        message,
    )
    return Reply({"status": received.value}, 202)


handler = app.handler
