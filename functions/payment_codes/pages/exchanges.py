"""What the payment network was sent and answered, of one code and of the connection."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError
from kernel.exchange import Exchanges
from payment_codes.domain.disclosure import RevealReason
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.pages.kit import Kit, use_of
from payment_codes.pages.words import words_of
from payment_codes.schemas import RevealExchangeIn
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Option
from webkit.exchanges import keeping_words
from webkit.i18n import mark
from webkit.urls import link

READ: Final = "payment_codes:code:read"
_REVEAL: Final = "payment_codes:payer:reveal"
_CODE: Final = "/payment-codes/{id}/exchanges"
_ORGANISATION: Final = "/payment-codes/organisation/exchanges"
REASONS: Final[Mapping[RevealReason, str]] = {
    RevealReason.PAYER_ASKED: mark("The payer asked"),
    RevealReason.DISPUTE: mark("Dispute about a payment"),
    RevealReason.PROVIDER_INQUIRY: mark("Question of the provider"),
    RevealReason.AUDIT: mark("Audit"),
}
"""Why somebody looks at clear values, in words."""
_OF_A_CODE: Final = mark(
    "Every order to the network is kept, and every answer that said something new, that was no "
    "plain answer, or that somebody asked for with “Update status”."
)
_OF_ALL_CODES: Final = mark(
    "Answers about all codes at once that were no plain answers, and what the network said of "
    "codes that are not ours. Names were hidden before these were kept."
)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of raw exchanges."""

    def draw(
        request: Request,
        found: Exchanges,
        code: PaymentCode | None,
        *,
        clear: bool = False,
        error: KopruError | None = None,
    ) -> Reply:
        words = words_of(request)
        base = link(f"/payment-codes/{code.id}") if code else link("/payment-codes/organisation")
        may_reveal = code is not None and request.principal.may(_REVEAL)
        values: dict[str, Any] = {
            "found": found,
            "message": keeping_words(found, words),
            "clear": clear,
            "subtitle": code.grouped if code is not None else "",
            "back": base,
            "what": words.text(_OF_A_CODE if code is not None else _OF_ALL_CODES),
            "action": f"{base}/exchanges/reveal" if may_reveal else "",
            "reasons": [Option(each.value, words.text(text)) for each, text in REASONS.items()],
        }
        return kit.draw(
            request,
            "exchanges/exchanges.html",
            "payment_codes.codes" if code is not None else "payment_codes.organisation",
            error=error,
            **values,
        )

    @app.page("GET", _ORGANISATION, permission="payment_codes:organisation:read")
    def show_organisation_exchanges(request: Request) -> Reply:
        """Answers of the network that were no ordinary ones."""
        use = use_of(request)
        return draw(request, use.read_exchanges().of_organisation(use.scope.organisation()), None)

    @app.page("GET", _CODE, permission=READ)
    def show_code_exchanges(request: Request) -> Reply:
        """What was said about one code, word for word and masked."""
        use = use_of(request)
        code = use.store.code(request.id())
        return draw(request, use.read_exchanges().of_code(code), code)

    @app.page("POST", _CODE + "/reveal", permission=_REVEAL)
    def reveal_code_exchanges(request: Request) -> Reply:
        """The same in clear; the act is in the history of the code."""
        use = use_of(request)
        code = use.store.code(request.id())
        back = link(f"/payment-codes/{code.id}/exchanges")
        require_fresh(request.principal, use.scope.clock.now(), back)
        read = use.read_exchanges()
        try:
            body = parse_model(RevealExchangeIn, {"reason": request.form().get("reason", "")})
            code, found = read.reveal(code.id, RevealReason(body.reason))
        except KopruError as error:
            return draw(request, read.of_code(code), code, error=error)
        return draw(request, found, code, clear=True)
