"""SQS: signed events of the books, sent by ERP systems or brought by the rule on the bus."""

from collections.abc import Mapping
from typing import Any

from reconciliation.bootstrap import application
from reconciliation.schemas import BookEventIn
from toolkit.entrypoints.signed_events import members_of, signed_event_handler
from toolkit.http.fields import parse_model


@signed_event_handler("reconciliation")
def handler(tenant_id: str, headers: Mapping[str, str], payload: str) -> None:
    """Take one event; what its company did not sign ends in the dead-letter queue."""
    application().receive_book_event()(tenant_id, headers, payload, members_of, _stated)


def _stated(members: Mapping[str, Any]) -> Any:
    return parse_model(BookEventIn, members).to_event()
