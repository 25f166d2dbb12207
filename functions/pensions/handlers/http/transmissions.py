"""Calls to insurers: where one stands and what was said, masked or as a logged act in clear
(WSP-02).
"""

from typing import Final

from pensions.domain.employee import RevealReason
from pensions.handlers.http.app import REVEAL, app, pensions
from pensions.pages.words import words_of
from pensions.schemas import RevealIn, transmission_out
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Reply, Request
from webkit.exchanges import exchanges_out

_ROUTE: Final = "/v1/pensions/transmissions/{id}"
_READ: Final = "pensions:submission:read"


@app.api("GET", _ROUTE, permission=_READ)
def show_transmission(request: Request) -> Reply:
    """One call to an insurer: what it carried and where it stands."""
    return Reply(transmission_out(pensions(request).read_exchanges().transmission(request.id())))


@app.api("GET", _ROUTE + "/exchanges", permission=_READ)
def list_exchanges(request: Request) -> Reply:
    """What was sent and answered, kept thirty days; personal values are masked."""
    read = pensions(request).read_exchanges()
    found = read(read.transmission(request.id()))
    return Reply(exchanges_out(found, words_of(request), reveal=False))


@app.api("POST", _ROUTE + "/exchanges/reveal", permission=REVEAL)
def reveal_exchanges(request: Request) -> Reply:
    """What was sent and answered in clear; who looked and why is in history and audit."""
    use, reason = pensions(request), RevealReason(request.json(RevealIn).reason)
    read = use.read_exchanges()
    call = read.transmission(request.id())
    require_fresh(request.principal, use.scope.clock.now())
    return Reply(exchanges_out(read.reveal(call, reason), words_of(request), reveal=True))
