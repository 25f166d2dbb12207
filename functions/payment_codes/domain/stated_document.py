"""An event of a document as its own system states it, wherever it came from."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.money import Money
from payment_codes.domain.payment_code import Customer
from payment_codes.domain.source import DocumentEvent, Source

REFUSED_EVENT: Final = "refused_event"
"""What a signed event is called that could not be taken."""


@dataclass(frozen=True, slots=True)
class StatedDocument:
    """What happened to which document, and what it says of its customer.

    Shapes: ``amount`` None is open; ``wished`` is the option on the document, None if nobody said;
    ``customer_enabled`` is the customer's switch as stated, None if nobody said.
    """

    event: DocumentEvent
    source: Source
    customer: Customer
    amount: Money | None
    description: str
    valid_until: date | None
    customer_enabled: bool | None
    wished: bool | None
