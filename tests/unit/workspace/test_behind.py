"""Where the lines of a timeline lead: to raw exchanges and to reasons that really are there."""

import json
import re
from pathlib import Path

import pytest

import workspace
from webkit.render import Renderer
from workspace.domain import behind
from workspace.domain.behind import Place, exchanges_behind, why_behind

PLACES = re.compile(r"{\w+}")
CALL = "01JXQ60A1B2C3D4E5F6G7H8J9Q"
PERSON = "employee:01JXQ60A1B2C3D4E5F6G7H8J9R"
ROUTES = json.loads(
    (Path(workspace.__file__).parent / "handlers" / "http" / "openapi.json").read_text()
)["paths"]


def test_a_line_that_names_a_call_leads_to_what_was_said() -> None:
    (found,) = exchanges_behind(
        PERSON, "employee.sending", {"transmission_id": CALL, "reason": "x"}
    )
    assert found.page == f"/pensions/transmissions/{CALL}"
    assert found.route == f"/v1/pensions/transmissions/{CALL}/exchanges"
    own = exchanges_behind(
        f"transmission:{CALL}", "transmission.claimed", {"transmission_id": CALL}
    )
    assert [each.id for each in own] == [CALL], "once, although it names itself"
    assert exchanges_behind(PERSON, "employee.added", {}) == ()


def test_only_lines_that_come_from_a_call_lead_to_what_the_payment_network_said() -> None:
    code = f"payment_code:{CALL}"
    (found,) = exchanges_behind(code, "code.registered", {})
    assert found.page == f"/payment-codes/{CALL}/exchanges"
    assert found.route == f"/v1/payment-codes/{CALL}/exchanges"
    assert exchanges_behind(code, "code.issued", {"job_id": CALL}) == ()
    (booked,) = exchanges_behind("payment:P", "payment.under", {"code_id": CALL})
    assert booked.page == found.page
    (stray,) = exchanges_behind("payment:P", "payment.unmatched", {"organisation_id": CALL})
    assert stray.route == "/v1/payment-codes/organisation/exchanges"
    assert exchanges_behind("payment:P", "payment.assigned", {"code_id": CALL}) == ()


def test_a_line_that_was_computed_leads_to_its_reasons() -> None:
    found = why_behind("card_sale:S1", "sale.posted", {})
    assert found is not None
    assert (found.page, found.route) == ("/card-contracts/sales/S1", "/v1/card-contracts/sales/S1")
    decided = why_behind("proposal:P1", "proposal.made", {"decision_id": CALL})
    assert decided is not None
    assert decided.page == f"/workflow/decisions/{CALL}"
    assert why_behind(PERSON, "employee.added", {}) is None
    paid = why_behind("payment_code:C1", "code.payment", {"payment_id": CALL})
    assert paid is not None
    assert paid.page == f"/payment-codes/payments/{CALL}"
    assert why_behind("payment_code:C1", "code.payment", {}) is None, "of old lines"
    room = why_behind("portal_case:L1", "portal_case.compared", {})
    assert room is not None
    assert room.page == "/reconciliation/differences/L1"
    assert room.route == "/v1/reconciliation/letters/L1/differences"


def test_every_place_is_a_route_that_asks_for_the_named_permission() -> None:
    named = [each for each in vars(behind).values() if isinstance(each, Place)]
    places = [*named, *behind.EXCHANGES.values()]
    assert len(places) > 5
    for place in places:
        path = place.route
        (route,) = (ROUTES[each]["get"] for each in ROUTES if _same(each, path))
        assert route["x-permission"] == place.permission, path


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_every_line_that_leads_on_says_in_words_what_happened(language: str) -> None:
    words = Renderer.for_pages(Path(workspace.__file__).parent / "pages").language(language)
    actions = {*behind._WHY, *(each for those in behind._HEARD.values() for each in those)}
    assert sorted(each for each in actions if not words.knows("action", each)) == []


def _same(template: str, path: str) -> bool:
    """Whether two templates are one but for the names of their places."""
    return PLACES.sub("{}", template) == PLACES.sub("{}", path)
