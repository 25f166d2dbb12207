"""The page of a call to an insurer: what was said, who looked at it, and the way to it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.exchange import Direction
from pensions.bootstrap import exchange_archive
from pensions.domain.employee import EmployeeStatus
from pensions.domain.outcome import TransmissionKind
from pensions.domain.transmission import Transmission, TransmissionState
from tests.pages.pensions.conftest import Site, person
from tests.support.page_checks import assert_sound
from tests.support.pensions_builders import tckn

REASON = {"reason": "audit"}
ASKED = f"<a><nationalId>{tckn(2)}</nationalId><lastName>Örnek</lastName><code>OK</code></a>"


@pytest.fixture
def call(site: Site) -> str:
    """The address of a call that was answered a minute ago."""
    scope = site.use.scope
    sent = Transmission(
        id=scope.ids.new(),
        contract_id=site.contract.id,
        provider_code="aegon",
        kind=TransmissionKind.ENROLMENT,
        state=TransmissionState.WITH_PERSON,
        job_id=scope.ids.new(),
        line_count=1,
        attempts=1,
        sent_at=scope.clock.now(),
    )
    unit = scope.store.unit()
    unit.add_transmission(sent, "transmission.opened")
    unit.commit()
    archive = exchange_archive(site.use.application.platform, site.use.context)
    archive.record(sent.id, Direction.REQUEST, ASKED.encode())
    archive.record(sent.id, Direction.ANSWER, b"upstream broke; TCKN " + tckn(2).encode())
    return f"/pensions/transmissions/{sent.id}"


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_a_call_is_shown_masked(site: Site, call: str, language: str) -> None:
    shown = site.speaking(language).get(call)
    assert shown.status == 200
    assert_sound(shown.body, language)
    assert f"{tckn(2)[:3]}******{tckn(2)[-2:]}" in shown.body
    assert "&gt;OK&lt;" in shown.body, "codes are harmless"
    assert "Örnek" not in shown.body.partition('id="exchange"')[2].partition("<form")[0]
    assert "upstream" not in shown.body, "what cannot be read as fields is not shown at all"


def test_looking_in_clear_is_an_act_of_the_history(site: Site, call: str) -> None:
    assert site.post(f"{call}/reveal").status == 422
    clear = site.post(f"{call}/reveal", REASON, shows="revealed on request")
    assert tckn(2) in clear.body
    assert "upstream broke" in clear.body
    assert "What was sent and answered was shown in clear" in clear.body
    again = site.get(call)
    assert tckn(2) not in again.body
    assert "Audit" in again.body, "why somebody looked"
    payroll = site.acting_as("payroll")
    assert f"{call}/reveal" not in payroll.get(call).body
    assert payroll.post(f"{call}/reveal", REASON).status == 403
    assert site.acting_as("viewer").get(call).status == 403
    stale = replace(site, principal=replace(site.principal, proved_at="2020-01-01T00:00:00+00:00"))
    asked = stale.post(f"{call}/reveal", REASON)
    assert asked.status == 303, "a fresh proof is asked for first"
    assert "return_to" in asked.location or "/confirm" in asked.location


def test_the_copies_of_an_old_call_are_said_to_be_gone(site: Site, call: str) -> None:
    site.use.application.platform.clock.advance(timedelta(days=31))  # type: ignore[attr-defined]
    fresh = replace(
        site,
        principal=replace(
            site.principal, proved_at=site.use.scope.clock.now().isoformat(), language="en"
        ),
    )
    shown = fresh.get(call)
    assert "older than 30 days" in shown.body
    assert fresh.post(f"{call}/reveal", REASON).status == 409


def test_the_history_of_a_person_leads_to_the_call(site: Site, call: str) -> None:
    someone = person(site, 2, EmployeeStatus.READY)
    unit = site.use.store.unit()
    identity = call.rpartition("/")[2]
    unit.save_employee(someone, someone, "employee.sending", {"transmission_id": identity})
    unit.commit()
    page = f"/pensions/employees/{someone.id}"
    assert call in site.get(page).body
    assert call not in site.acting_as("viewer").get(page).body
