"""What was sent to insurers and answered: masked by default, in clear as an act that leaves a
trace, gone after thirty days (WSP-02).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.pensions_builders import tckn
from tests.support.pensions_desk import Desk, open_desk, person_body
from toolkit.auth import Principal
from toolkit.platform import Platform

pytestmark = pytest.mark.loopback

DIALECTS: Final = ("garanti", "avivasa", "nn")
# Some insurers want capitals.
NAMES: Final = ("Ayşe", "AYŞE", "Yılmaz", "YILMAZ")
PERSONAL: Final = (*NAMES, tckn(1), "5321234567", "ayse@ornek.example")
REASON: Final = {"reason": "insurer_inquiry"}


@pytest.fixture(params=DIALECTS)
def sent(
    request: pytest.FixtureRequest,
    aws: AwsWorld,
    platform: Platform,
    clock: FixedClock,
    tmp_path: Path,
) -> Iterator[tuple[Desk, str]]:
    """A desk that sent one person, and the address of the call."""
    with open_desk(aws, platform, clock, tmp_path, [request.param]) as desk:
        base = desk.contract(request.param)
        made = desk.call("POST", f"{base}/employees", person_body(tckn(1)))
        desk.command(f"{base}/submissions", {"all": True})
        person = desk.app.for_system("T1", "test").store.employee(made["id"])
        yield desk, f"/v1/pensions/transmissions/{person.transmission_id}"


def _texts(shown: dict[str, Any]) -> str:
    return "\n".join(half["text"] for half in shown["items"])


def _clerk(desk: Desk, role: str) -> Principal:
    return Principal(
        kind="session",
        id="01J0000000000000000000USER",
        tenant_id=desk.principal.tenant_id,
        roles=(role,),
        session_hash="a-session",
        proved_at=desk.clock.now().isoformat(),
    )


def _revealed(desk: Desk, call: str) -> list[dict[str, Any]]:
    use = desk.app.for_system("T1", "test")
    lines = use.store.history(f"transmission:{call.rpartition('/')[2]}")
    return [dict(line.detail) for line in lines if line.action == "exchange.revealed"]


def test_an_exchange_is_masked_until_somebody_says_why(sent: tuple[Desk, str]) -> None:
    desk, call = sent
    shown = desk.call("GET", f"{call}/exchanges")
    assert (shown["keeping"], shown["masked"], shown["left_off"]) == ("kept", True, 0)
    assert {half["direction"] for half in shown["items"]} == {"request", "answer"}
    masked = _texts(shown)
    assert [value for value in PERSONAL if value in masked] == []
    assert f"{tckn(1)[:3]}******{tckn(1)[-2:]}" in masked, "one person is told from another"
    assert "********" in masked
    assert _revealed(desk, call) == []

    answer = desk.ask("POST", f"{call}/exchanges/reveal", {"reason": "merak"})
    assert answer.status == 422
    clear = desk.call("POST", f"{call}/exchanges/reveal", REASON)
    assert clear["masked"] is False
    assert tckn(1) in _texts(clear)
    assert any(name in _texts(clear) for name in NAMES)
    assert "Kanarya-Sifre-9" not in _texts(clear), "a password is not even kept"
    assert _revealed(desk, call) == [REASON]
    chain = desk.aws.rows("audit")
    assert [row["action"] for row in chain].count("exchange.revealed") == 1


def test_looking_in_clear_needs_the_right_a_fresh_proof_and_a_rest(
    sent: tuple[Desk, str],
) -> None:
    from pensions.handlers.http.app import app

    desk, call = sent
    path = f"{call}/exchanges/reveal"
    assert desk.ask("POST", path, REASON, principal=_clerk(desk, "payroll")).status == 403
    assert desk.ask("GET", f"{call}/exchanges", principal=_clerk(desk, "payroll")).status == 200
    assert desk.ask("GET", f"{call}/exchanges", principal=_clerk(desk, "viewer")).status == 403
    stale = replace(_clerk(desk, "owner"), proved_at="2020-01-01T00:00:00+00:00")
    token = {"x-csrf-token": app.csrf_token(stale)}
    refused = desk.ask("POST", path, REASON, principal=stale, headers=token)
    assert (refused.status, refused.json()["code"]) == (403, "proof_required")
    # While a worker holds the call, a note in its history would take its next state from it.
    store = desk.app.for_system("T1", "test").store
    held = store.transmission(call.rpartition("/")[2])
    assert held is not None
    busy = replace(held, lease=desk.clock.now() + timedelta(minutes=1))
    unit = store.unit()
    unit.save_transmission(held, busy, "transmission.claimed", {})
    unit.commit()
    assert desk.ask("POST", path, REASON).json()["code"] == "exchange_under_way"
    assert _revealed(desk, call) == []


def test_a_copy_that_is_gone_is_explained(sent: tuple[Desk, str]) -> None:
    desk, call = sent
    desk.clock.advance(timedelta(days=31))
    shown = desk.call("GET", f"{call}/exchanges", headers={"accept-language": "tr"})
    assert (shown["keeping"], shown["items"]) == ("expired", [])
    assert "30 günden eski" in shown["message"]
    refused = desk.ask("POST", f"{call}/exchanges/reveal", REASON)
    assert (refused.status, refused.json()["code"]) == (409, "exchange_not_kept")
    assert _revealed(desk, call) == [], "nothing was seen, so nothing is noted"
