"""What stands behind a line of a timeline: the raw exchange it came from, and why a date or an
amount is what it is. Both are kept by the context of the item; here is only where to find them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workspace.domain.subject import items_named


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is shown: a page, and the permission it asks for.

    Shapes: the route of the API is that of the page below ``/v1``, followed by ``part``.
    """

    page: str
    permission: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """The place of one item."""

    place: Place
    id: str

    @property
    def route(self) -> str:
        """Where a program asks."""
        return f"/v1{self.page}{self.place.part}"

    @property
    def page(self) -> str:
        """Where a person looks."""
        return self.place.page.format(id=self.id)


# Contexts that talk to a third party and keep what was said (security.md section 7).
EXCHANGES: Final[Mapping[str, Place]] = {
    "transmission": Place(
        "/pensions/transmissions/{id}", "pensions:submission:read", part="/exchanges"
    ),
}
_MONTH: Final = Place("/pensions/contributions/{id}", "pensions:contribution:read")
_SALE: Final = Place("/card-contracts/sales/{id}", "card_contracts:sale:read")
_MATCH: Final = Place("/card-contracts/matches/{id}", "card_contracts:match:read")
_LETTER: Final = Place("/reconciliation/letters/{id}", "reconciliation:letter:read")
_APPROVAL: Final = Place("/workflow/approvals/{id}", "workflow:approval:read")
_DECISION: Final = Place("/workflow/decisions/{id}", "workflow:decision:read")
# What computed or decided something, and where its reasons are kept (N2).
_WHY: Final[Mapping[str, Place]] = {
    "contribution.added": _MONTH,
    "contribution.calculated": _MONTH,
    "contribution.changed": _MONTH,
    "contribution.excluded": _MONTH,
    "contribution.recalculated": _MONTH,
    "sale.posted": _SALE,
    "sale.refunded": _SALE,
    "match.suggested": _MATCH,
    "match.confirmed": _MATCH,
    "letter.drafted": _LETTER,
    "letter.renewed": _LETTER,
    "approval.submitted": _APPROVAL,
    "approval.not_required": _APPROVAL,
}


def exchanges_behind(subject: str, members: Mapping[str, object]) -> tuple[Behind, ...]:
    """Raw exchanges of the items a line of the history of ``subject`` speaks of, each once."""
    named = dict.fromkeys((subject, *items_named(members)))
    pairs = (item.partition(":") for item in named)
    return tuple(Behind(EXCHANGES[kind], id) for kind, _, id in pairs if kind in EXCHANGES)


def why_behind(subject: str, action: str, members: Mapping[str, object]) -> Behind | None:
    """Where the reasons of what was computed are shown; None when nothing was."""
    decision = members.get("decision_id")
    if isinstance(decision, str) and decision:
        return Behind(_DECISION, decision)
    place = _WHY.get(action)
    return Behind(place, subject.partition(":")[2]) if place is not None else None
