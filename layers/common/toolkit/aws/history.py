"""Reads the shared history rows of any context: the timeline of one item, in order."""

from dataclasses import dataclass
from typing import Any

from toolkit.aws.dynamodb import CONTEXTS, Database, Item, Keyspace


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to an item: who, when, from which state to which, with which
    facts.
    """

    at: str
    actor: str
    action: str
    from_state: str
    to_state: str
    detail: dict[str, Any]
    correlation_id: str


def read_history(
    database: Database,
    context: str,
    tenant_id: str,
    subject: str,
    *,
    limit: int = 200,
    after: Item | None = None,
) -> tuple[list[HistoryEntry], Item | None]:
    """History of ``subject`` (``<kind>:<id>``) kept by ``context``, oldest first, with the next
    key.
    """
    keyspace = Keyspace(context, tenant_id)
    page = database.query("core", keyspace.key("HIST", subject), limit=limit, after=after)
    entries = [
        HistoryEntry(
            at=row["at"],
            actor=row["actor"],
            action=row["action"],
            from_state=row["from"],
            to_state=row["to"],
            detail=row["detail"],
            correlation_id=row["correlation_id"],
        )
        for row in page.items
    ]
    return entries, page.next_key


def last_state(database: Database, context: str, tenant_id: str, subject: str) -> str:
    """The state in which ``subject`` was left by what happened to it last; empty if unknown."""
    key = Keyspace(context, tenant_id).key("HIST", subject)
    page = database.query("core", key, limit=1, forward=False)
    return str(page.items[0]["to"]) if page.items else ""


# Which context keeps the history of which kind of item; a new context adds its kinds here.
SUBJECT_CONTEXTS: dict[str, str] = {
    "contract": "pen",
    "employee": "pen",
    "contribution": "pen",
    "transmission": "pen",
    "import": "pen",
    "payment_code": "pay",
    "payment": "pay",
    "statement_line": "pay",
    "organisation": "pay",
    "code_mail": "pay",
    "refused_event": "pay",
    "card_contract": "crd",
    "card_sale": "crd",
    "card_refund": "crd",
    "card_calendar": "crd",
    "card": "crd",
    "bank_account": "crd",
    "deduction": "crd",
    "card_match": "crd",
    "card_aside": "crd",
    "card_settings": "crd",
    "refused_sale_event": "crd",
    "rule_version": "wfl",
    "process": "wfl",
    "process_definition": "wfl",
    "subject": "wfl",
    "proposal": "wfl",
    "parameter": "wfl",
    "approval": "wfl",
    "delegation": "wfl",
    "counterparty": "rec",
    "e_invoice": "rec",
    "ledger_batch": "rec",
    "babs_parameters": "rec",
    "letter": "rec",
    "letter_mail": "rec",
    "portal_answer": "rec",
    "portal_case": "rec",
    "portal_mail": "rec",
    "refused_book_event": "rec",
    "tenant": "wsp",
    "user": "wsp",
    "api_key": "wsp",
    "support_grant": "wsp",
    "incident": "wsp",
    "message": "wsp",
    "webhook_endpoint": "wsp",
    "webhook_delivery": "wsp",
    "privacy_request": "wsp",
}


def context_of(subject: str) -> str | None:
    """Context prefix that keeps the history of ``subject``; None for an unknown kind."""
    context = SUBJECT_CONTEXTS.get(subject.partition(":")[0])
    return context if context in CONTEXTS else None
