"""The page of one payment: what came, what it was taken for and why, and its history (PAY-03)."""

from typing import Final

from payment_codes.domain.payment import STATEMENT
from payment_codes.pages.codes import SECTION, entries_of
from payment_codes.pages.kit import Kit, use_of
from payment_codes.pages.words import Say, words_of
from payment_codes.schemas import bank_name
from toolkit.entrypoints.http import HttpApp, Reply, Request

READ: Final = "payment_codes:code:read"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of a payment."""

    @app.page("GET", "/payment-codes/payments/{id}", permission=READ)
    def show_payment(request: Request) -> Reply:
        """One payment, wherever it stands."""
        use, words = use_of(request), words_of(request)
        payment = use.store.payment(request.id())
        source = payment.source
        return kit.draw(
            request,
            "payments/payment.html",
            SECTION,
            payment=payment,
            code=use.store.code(payment.code_id) if payment.code_id else None,
            bank=bank_name(source.bank_code, source.bank_name),
            told_by=words.text("a bank statement")
            if payment.provider == STATEMENT
            else words.text("the provider"),
            why=words.whys(payment.why),
            entries=entries_of(
                use.store.history(f"payment:{payment.id}"), Say(words), request.principal.id
            ),
        )
