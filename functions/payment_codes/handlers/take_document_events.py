"""SQS: signed events of documents, sent by ERP systems or brought by the rule on the bus."""

from collections.abc import Mapping
from typing import Any

from kernel.errors import UnauthorizedError
from payment_codes.bootstrap import application
from payment_codes.schemas import DocumentEventIn
from toolkit.entrypoints import QueueMessage, queue_handler
from toolkit.entrypoints.http import parse_model
from toolkit.entrypoints.queue import RetryLaterError
from toolkit.http import json_body

_PAYLOAD = "payload"
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@queue_handler("payment_codes", foreign=True)
def handler(message: QueueMessage) -> None:
    """Take one event; what its company did not sign ends in the dead-letter queue."""
    headers = message.body.get("headers")
    if not isinstance(headers, dict):
        raise KeyError("headers")
    signed = {name: str(headers.get(name, "")) for name in _HEADERS}
    receive = application().receive_document_event()
    try:
        receive(message.text("tenant_id"), signed, message.text(_PAYLOAD), _members, _stated)
    except UnauthorizedError as error:
        raise RetryLaterError from error


def _members(payload: str) -> Mapping[str, Any]:
    return json_body.load_json_object(payload.encode(), "application/json")


def _stated(members: Mapping[str, Any]) -> Any:
    return parse_model(DocumentEventIn, members).stated()
