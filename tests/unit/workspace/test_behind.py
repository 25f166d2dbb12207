"""Where the lines of a timeline lead: to raw exchanges and to reasons that really are there."""

import json
import re
from pathlib import Path

import workspace
from workspace.domain import behind
from workspace.domain.behind import Place, exchanges_behind, why_behind

PLACES = re.compile(r"{\w+}")
CALL = "01JXQ60A1B2C3D4E5F6G7H8J9Q"
PERSON = "employee:01JXQ60A1B2C3D4E5F6G7H8J9R"
ROUTES = json.loads(
    (Path(workspace.__file__).parent / "handlers" / "http" / "openapi.json").read_text()
)["paths"]


def test_a_line_that_names_a_call_leads_to_what_was_said() -> None:
    (found,) = exchanges_behind(PERSON, {"transmission_id": CALL, "reason": "x"})
    assert found.page == f"/pensions/transmissions/{CALL}"
    assert found.route == f"/v1/pensions/transmissions/{CALL}/exchanges"
    own = exchanges_behind(f"transmission:{CALL}", {"transmission_id": CALL})
    assert [each.id for each in own] == [CALL], "once, although it names itself"
    assert exchanges_behind(PERSON, {}) == ()


def test_a_line_that_was_computed_leads_to_its_reasons() -> None:
    found = why_behind("card_sale:S1", "sale.posted", {})
    assert found is not None
    assert (found.page, found.route) == ("/card-contracts/sales/S1", "/v1/card-contracts/sales/S1")
    decided = why_behind("proposal:P1", "proposal.made", {"decision_id": CALL})
    assert decided is not None
    assert decided.page == f"/workflow/decisions/{CALL}"
    assert why_behind(PERSON, "employee.added", {}) is None


def test_every_place_is_a_route_that_asks_for_the_named_permission() -> None:
    named = [each for each in vars(behind).values() if isinstance(each, Place)]
    places = [*named, *behind.EXCHANGES.values()]
    assert len(places) > 5
    for place in places:
        path = f"/v1{place.page}{place.part}"
        (route,) = (ROUTES[each]["get"] for each in ROUTES if _same(each, path))
        assert route["x-permission"] == place.permission, path


def _same(template: str, path: str) -> bool:
    """Whether two templates are one but for the names of their places."""
    return PLACES.sub("{}", template) == PLACES.sub("{}", path)
