"""Take the news of a document: issue its code when the rule says so, or say why not (PAY-02)."""

from dataclasses import dataclass
from typing import Final

from kernel.storing import CommandIdentity
from kernel.why import Why
from payment_codes.application.context import Scope
from payment_codes.application.issue_code import IssueCode, Wish
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.domain.source import DocumentEvent, reason_not_to_issue
from payment_codes.domain.stated_document import StatedDocument

ISSUED: Final = "issued"
EXISTS: Final = "exists"
OUTDATED: Final = "outdated"


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of an event. ``reason`` names it, ``why`` is the same for people."""

    reason: str
    code: PaymentCode | None = None
    created: bool = False

    @property
    def why(self) -> Why:
        """The reason as a sentence named by key."""
        return Why(f"document_event.{self.reason}", {})


def wish_of(stated: StatedDocument) -> Wish:
    """What a document asks for."""
    return Wish(
        stated.source,
        stated.customer,
        stated.amount,
        stated.description,
        stated.valid_until,
        stated.customer_enabled,
    )


class TakeDocumentEvent:
    """Decide over one event of a document.

    A repeated event gives the same code; an event with a corrected amount replaces an unpaid code.
    Raises: what ``IssueCode`` raises, except for customers without codes, which is an answer here.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._issue = IssueCode(scope)

    def __call__(
        self,
        event: DocumentEvent,
        wish: Wish,
        wished: bool | None,
        command: CommandIdentity | None = None,
    ) -> Decision:
        organisation = self._scope.organisation()
        reason = reason_not_to_issue(
            event,
            wished=wished,
            rule=organisation.issues_for(event.source_kind),
            customer_enabled=self._issue.customer_enabled(wish),
        )
        if reason:
            return Decision(reason)
        issued = self._issue(wish, command, correct=True)
        if not issued.created and wish.is_older_than(issued.code):
            return Decision(OUTDATED)
        return Decision(ISSUED if issued.created else EXISTS, issued.code, issued.created)
