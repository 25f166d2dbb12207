"""Where an item of any context is looked at: its page where it has one, its timeline otherwise."""

from collections.abc import Mapping
from typing import Final

from webkit.urls import link

# Items that are dealt with in a list.
_LISTS: Final[Mapping[str, str]] = {
    "card_drift": "/card-contracts/drift",
    "refused_event": "/payment-codes/refused-events",
    "refused_sale_event": "/card-contracts/sale-events",
    "refused_book_event": "/reconciliation/book-events",
    "support_grant": "/support-access",
}
_PAGES: Final[Mapping[str, str]] = {
    "contract": "/pensions/contracts/",
    "employee": "/pensions/employees/",
    "payment_code": "/payment-codes/",
    "payment": "/payment-codes/payments/",
    "counterparty": "/reconciliation/counterparties/",
    "letter": "/reconciliation/letters/",
    "letter_mail": "/reconciliation/mail-matters/",
    "portal_mail": "/reconciliation/mail-matters/",
    "portal_answer": "/reconciliation/replies/",
    "portal_case": "/reconciliation/differences/",
    "card_contract": "/card-contracts/contracts/",
    "card_sale": "/card-contracts/sales/",
    "card_match": "/card-contracts/matches/",
    "process": "/workflow/processes/",
    "proposal": "/workflow/proposals/",
    "decision": "/workflow/decisions/",
    "approval": "/workflow/approvals/",
    "job": "/jobs/",
    "incident": "/incidents/",
    "privacy_request": "/privacy/",
    "webhook_endpoint": "/webhooks/",
    "webhook_delivery": "/webhooks/deliveries/",
}


def item_address(subject: str, parent: str = "") -> str:
    """Address of ``<kind>:<id>``; ``parent`` is the contract or account card that holds it."""
    kind, _, identity = subject.partition(":")
    if kind in _LISTS:
        return _LISTS[kind]
    if kind in _PAGES and identity:
        return link(f"{_PAGES[kind]}{identity}")
    if kind == "e_invoice" and parent:
        return item_address(f"counterparty:{parent}")
    if identity:
        return link(f"/timeline/{kind}/{identity}")
    return f"/pensions/contracts/{parent}" if parent else "/"
