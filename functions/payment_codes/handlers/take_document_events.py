"""SQS: signed events of documents, sent by ERP systems or brought by the rule on the bus."""

from collections.abc import Mapping
from typing import Any

from payment_codes.bootstrap import application
from payment_codes.schemas import DocumentEventIn
from toolkit.entrypoints.signed_events import members_of, signed_event_handler
from toolkit.http.fields import parse_model


@signed_event_handler("payment_codes")
def handler(tenant_id: str, headers: Mapping[str, str], payload: str) -> None:
    """Take one event; what its company did not sign ends in the dead-letter queue."""
    receive = application().receive_document_event()
    receive(tenant_id, headers, payload, members_of, _stated)


def _stated(members: Mapping[str, Any]) -> Any:
    return parse_model(DocumentEventIn, members).stated()
