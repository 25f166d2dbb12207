"""What stands behind a line of a timeline: the raw exchange it came from, and why a date or an
amount is what it is. Both are kept by the context of the item; here is only where to find them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from workspace.domain.subject import items_named


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is shown: a page, and the permission it asks for.

    Shapes: ``api`` is the route below ``/v1``, where it is another than the page's; ``by`` is the
    member of a line that names the item, where the reasons are kept with another item than the
    line's own.
    """

    page: str
    permission: str
    api: str = ""
    by: str = ""

    @property
    def route(self) -> str:
        """Route of the API; the item's id is still open."""
        return f"/v1{self.api or self.page}"


@dataclass(frozen=True, slots=True)
class Behind:
    """The place of one item."""

    place: Place
    id: str

    @property
    def route(self) -> str:
        """Where a program asks."""
        return self.place.route.format(id=self.id)

    @property
    def page(self) -> str:
        """Where a person looks."""
        return self.place.page.format(id=self.id)


# Contexts that talk to a third party and keep what was said (security.md section 7).
EXCHANGES: Final[Mapping[str, Place]] = {
    "transmission": Place(
        "/pensions/transmissions/{id}",
        "pensions:submission:read",
        api="/pensions/transmissions/{id}/exchanges",
    ),
    "payment_code": Place("/payment-codes/{id}/exchanges", "payment_codes:code:read"),
    "organisation": Place(
        "/payment-codes/organisation/exchanges", "payment_codes:organisation:read"
    ),
}
# A call to an insurer is an item of its own. Of a payment code only these lines come from a call.
_HEARD: Final[Mapping[str, frozenset[str]]] = {
    "payment_code": frozenset(
        {
            "code.registered",
            "code.differs",
            "code.refused_there",
            "code.cancelled_there",
            "code.payment",
            "code.list_shrank",
            "code.list_whole",
            "exchange.revealed",
            "payment.exact",
            "payment.under",
            "payment.over",
            "payment.late",
            "payment.duplicate",
            "payment.reversal",
            "payment.unmatched",
            "payment.listed",
        }
    ),
    "organisation": frozenset({"organisation.connection_changed", "payment.unmatched"}),
}
_MONTH: Final = Place("/pensions/contributions/{id}", "pensions:contribution:read")
_PAYMENT: Final = Place("/payment-codes/payments/{id}", "payment_codes:code:read")
_PAYMENT_NAMED: Final = replace(_PAYMENT, by="payment_id")
_SALE: Final = Place("/card-contracts/sales/{id}", "card_contracts:sale:read")
_SALE_NAMED: Final = replace(_SALE, by="sale_id")
_MATCH: Final = Place("/card-contracts/matches/{id}", "card_contracts:match:read")
_LETTER: Final = Place("/reconciliation/letters/{id}", "reconciliation:letter:read")
_REPLY: Final = Place("/reconciliation/replies/{id}", "reconciliation:reply:read")
_CASE: Final = Place(
    "/reconciliation/differences/{id}",
    "reconciliation:reply:read",
    api="/reconciliation/letters/{id}/differences",
)
_APPROVAL: Final = Place("/workflow/approvals/{id}", "workflow:approval:read")
_DECISION: Final = Place("/workflow/decisions/{id}", "workflow:decision:read")
# What computed or decided something, and where its reasons are kept (N2).
_WHY: Final[Mapping[str, Place]] = {
    "contribution.added": _MONTH,
    "contribution.calculated": _MONTH,
    "contribution.changed": _MONTH,
    "contribution.excluded": _MONTH,
    "contribution.recalculated": _MONTH,
    "contribution.accepted": _MONTH,
    "contribution.settled": _MONTH,
    "payment.exact": _PAYMENT,
    "payment.under": _PAYMENT,
    "payment.over": _PAYMENT,
    "payment.late": _PAYMENT,
    "payment.duplicate": _PAYMENT,
    "payment.reversal": _PAYMENT,
    "payment.unmatched": _PAYMENT,
    "payment.assigned": _PAYMENT,
    "payment.part_assigned": _PAYMENT,
    "payment.matched": _PAYMENT,
    "code.payment": _PAYMENT_NAMED,
    "sale.posted": _SALE,
    "sale.refunded": _SALE,
    "refund.posted": _SALE_NAMED,
    "match.suggested": _MATCH,
    "match.confirmed": _MATCH,
    "match.settling": _MATCH,
    "letter.drafted": _LETTER,
    "letter.renewed": _LETTER,
    "portal_answer.given": _REPLY,
    "portal_case.compared": _CASE,
    "approval.submitted": _APPROVAL,
    "approval.not_required": _APPROVAL,
}


def exchanges_behind(
    subject: str, action: str, members: Mapping[str, object]
) -> tuple[Behind, ...]:
    """Raw exchanges of the items a line of the history of ``subject`` speaks of, each once."""
    named = dict.fromkeys((subject, *items_named(members)))
    pairs = (item.partition(":") for item in named)
    return tuple(
        Behind(EXCHANGES[kind], id)
        for kind, _, id in pairs
        if kind in EXCHANGES and (kind not in _HEARD or action in _HEARD[kind])
    )


def why_behind(subject: str, action: str, members: Mapping[str, object]) -> Behind | None:
    """Where the reasons of what was computed are shown; None when nothing was."""
    decision = members.get("decision_id")
    if isinstance(decision, str) and decision:
        return Behind(_DECISION, decision)
    place = _WHY.get(action)
    if place is None:
        return None
    named = members.get(place.by) if place.by else subject.partition(":")[2]
    return Behind(place, named) if isinstance(named, str) and named else None
