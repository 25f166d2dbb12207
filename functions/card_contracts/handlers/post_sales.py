"""SQS: closed sales from the company's own systems, one message per document."""

from card_contracts.bootstrap import application
from card_contracts.schemas import CardSaleIn
from kernel.errors import ValidationError
from kernel.ids import is_id
from toolkit.entrypoints import QueueMessage, queue_handler
from toolkit.entrypoints.http import parse_model


@queue_handler("card_contracts")
def handler(message: QueueMessage) -> None:
    """Post one sale, or open an incident that says why it cannot be posted.

    Shapes: ``{"v": 1, "tenant_id", "event_id", "sale": {…as in the API…}}``. The queue takes
    messages from this account only; a sale always needs a contract of its own company.
    """
    tenant_id, event_id = message.text("tenant_id"), message.text("event_id")
    if not is_id(tenant_id):
        raise KeyError("tenant_id")
    take = application().for_system(tenant_id, "sales").take_sale_event()
    try:
        body = parse_model(CardSaleIn, message.body["sale"])
        if problems := body.problems():
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    except ValidationError as error:
        take.refuse(event_id, error.code)
        return
    take(event_id, body.to_fields())
