"""SQS: signed events of card sales, sent by ERP systems or brought by the rule on the bus."""

from collections.abc import Mapping
from typing import Any

from card_contracts.bootstrap import application
from card_contracts.schemas import SaleEventIn
from toolkit.entrypoints.signed_events import members_of, signed_event_handler
from toolkit.http.fields import parse_model


@signed_event_handler("card_contracts")
def handler(tenant_id: str, headers: Mapping[str, str], payload: str) -> None:
    """Take one event; what its company did not sign ends in the dead-letter queue."""
    receive = application().receive_sale_event()
    receive(tenant_id, headers, payload, members_of, _stated)


def _stated(members: Mapping[str, Any]) -> Any:
    return parse_model(SaleEventIn, members).to_event()
