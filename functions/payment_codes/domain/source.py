"""Documents that ask for a payment code, and when they get one (PAY-02).

Source: ServicePlus: repair orders (*εντολή επισκευής*) and counter invoices (*τιμολόγηση πάγκου*)
by themselves, car orders by a user, bill batches (*πινάκιο αξιογράφων*) when the option is ticked.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SourceKind(StrEnum):
    """What kind of document a code belongs to."""

    REPAIR_ORDER = "repair_order"
    COUNTER_INVOICE = "counter_invoice"
    VEHICLE_ORDER = "vehicle_order"
    BILL_BATCH = "bill_batch"

    @property
    def digit(self) -> str:
        """First digit of the identification."""
        return _DIGITS[self]

    @property
    def is_automatic(self) -> bool:
        """Whether the document's own event issues a code unless somebody switched it off."""
        return self in (SourceKind.REPAIR_ORDER, SourceKind.COUNTER_INVOICE)

    @property
    def may_be_open(self) -> bool:
        """Whether the payer may choose the amount and pay many times."""
        return self in (SourceKind.VEHICLE_ORDER, SourceKind.BILL_BATCH)


_DIGITS: Final = {
    SourceKind.REPAIR_ORDER: "1",
    SourceKind.COUNTER_INVOICE: "2",
    SourceKind.VEHICLE_ORDER: "3",
    SourceKind.BILL_BATCH: "4",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One document, named as its own system names it."""

    kind: SourceKind
    id: str


class DocumentEvent(StrEnum):
    """What happened to a document."""

    REPAIR_ORDER_READY = "repair_order.ready_for_invoicing"
    COUNTER_INVOICE_ISSUED = "counter_invoice.issued"
    BILL_BATCH_CREATED = "bill_batch.created"
    VEHICLE_ORDER_PAYMENT = "vehicle_order.payment_requested"

    @property
    def source_kind(self) -> SourceKind:
        """The kind of document it happened to."""
        return SourceKind(self.value.partition(".")[0])


def reason_not_to_issue(
    event: DocumentEvent,
    *,
    wished: bool | None,
    rule: bool,
    customer_enabled: bool,
) -> str:
    """Why this event leads to no code; empty when it does.

    Shapes: ``wished`` is the option on the document (None: nobody said), ``rule`` is what the
    organisation set for this kind. The customer's own switch is stronger than everything.
    """
    if not customer_enabled:
        return "customer_disabled"
    if wished is False:
        return "not_requested"
    if event is DocumentEvent.VEHICLE_ORDER_PAYMENT or wished:
        return ""
    if not rule:
        return "option_not_ticked" if event is DocumentEvent.BILL_BATCH_CREATED else "rule_off"
    return ""
