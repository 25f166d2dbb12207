"""The page of one call to an insurer: what it was, what was said, who looked at it in clear."""

from typing import Any, Final

from kernel.errors import KopruError
from kernel.exchange import Exchanges
from pensions.application.context import provider_of
from pensions.domain.employee import RevealReason
from pensions.domain.transmission import Transmission
from pensions.pages.acts import EXCHANGES, history_entry, prove, reveal_reasons
from pensions.pages.kit import Kit, use_of
from pensions.pages.words import Say, words_of
from pensions.schemas import RevealIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.exchanges import keeping_words

_ROUTE: Final = "/pensions/transmissions/{id}"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of a call."""

    def draw(
        request: Request,
        call: Transmission,
        found: Exchanges,
        *,
        clear: bool = False,
        error: KopruError | None = None,
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        say = Say(words)
        contract = use.store.contract(call.contract_id)
        history = use.store.history(f"transmission:{call.id}")
        values: dict[str, Any] = {
            "call": call,
            "contract": contract,
            "provider_name": provider_of(contract).name_on(use.scope.today()),
            "found": found,
            "message": keeping_words(found, words),
            "clear": clear,
            "reasons": reveal_reasons(request),
            "entries": [history_entry(request, say, line) for line in reversed(history)],
        }
        if error is None:
            return kit.draw(request, "transmissions/detail.html", **values)
        return kit.form(request, "transmissions/detail.html", error, **values)

    @app.page("GET", _ROUTE, permission=EXCHANGES)
    def show_transmission(request: Request) -> Reply:
        """One call to an insurer, word for word and masked."""
        read = use_of(request).read_exchanges()
        call = read.transmission(request.id())
        return draw(request, call, read(call))

    @app.page("POST", _ROUTE + "/reveal", permission="pensions:person:reveal")
    def reveal_exchanges(request: Request) -> Reply:
        """The same in clear; the act is in the history of the call."""
        read = use_of(request).read_exchanges()
        call = read.transmission(request.id())
        prove(request, f"/pensions/transmissions/{call.id}")
        try:
            reason = parse_model(RevealIn, {"reason": request.form().get("reason", "")}).reason
            found = read.reveal(call, RevealReason(reason))
        except KopruError as error:
            return draw(request, call, read(call), error=error)
        return draw(request, read.transmission(call.id), found, clear=True)
