"""What the payment network was sent and answered: masked, or as a logged act in clear (WSP-02)."""

from typing import Final

from payment_codes.domain.disclosure import RevealReason
from payment_codes.handlers.http.app import app, use_of
from payment_codes.pages.words import words_of
from payment_codes.schemas import RevealExchangeIn
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Reply, Request
from webkit.exchanges import exchanges_out

_ROUTE: Final = "/v1/payment-codes/{id}/exchanges"


@app.api(
    "GET",
    "/v1/payment-codes/organisation/exchanges",
    permission="payment_codes:organisation:read",
)
def list_organisation_exchanges(request: Request) -> Reply:
    """Answers of the network that were no ordinary ones, kept thirty days and masked for ever."""
    use = use_of(request)
    found = use.read_exchanges().of_organisation(use.scope.organisation())
    return Reply(exchanges_out(found, words_of(request), reveal=False))


@app.api("GET", _ROUTE, permission="payment_codes:code:read")
def list_code_exchanges(request: Request) -> Reply:
    """What was sent, answered and told about one code, kept thirty days; names are masked."""
    use = use_of(request)
    found = use.read_exchanges().of_code(use.store.code(request.id()))
    return Reply(exchanges_out(found, words_of(request), reveal=False))


@app.api("POST", _ROUTE + "/reveal", permission="payment_codes:payer:reveal")
def reveal_code_exchanges(request: Request) -> Reply:
    """The same in clear; who looked and why is in history and audit of the code."""
    use, reason = use_of(request), RevealReason(request.json(RevealExchangeIn).reason)
    use.store.code(request.id())  # unknown and foreign codes look the same, proof or not
    require_fresh(request.principal, use.scope.clock.now())
    _, found = use.read_exchanges().reveal(request.id(), reason)
    return Reply(exchanges_out(found, words_of(request), reveal=True))
