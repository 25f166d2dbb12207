"""Pages of processes, proposals and subjects: sound in three languages, and work without script."""

import pytest

from tests.support.processes import (
    AGREEMENT,
    APPLICATION,
    FEES,
    REQUEST,
    command,
    connection,
    decided,
    purchase,
    read,
    started,
    work,
)
from tests.support.rules_world import RulesWorld

LANGUAGES = ("tr", "el", "en")


def form(data: dict[str, object]) -> dict[str, str]:
    return {f"data-{name}": str(value) for name, value in data.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_a_process_is_sound(world: RulesWorld, language: str) -> None:
    made = command(world, purchase(world), "REQUEST", REQUEST)
    waiting = world.page(f"/workflow/processes/{made['id']}", language)
    assert "<svg" in waiting
    made = decided(world, made, "returned", reason="Bütçe yok")
    listed = world.page("/workflow/processes", language)
    assert made["id"] in listed
    one = world.page(f"/workflow/processes/{made['id']}", language)
    assert {"tr": "İstek no", "el": "Αρ. αιτήματος", "en": "Request no"}[language] in one
    for line in made["timeline"]:
        path = f"/workflow/processes/{made['id']}/event"
        world.page(path, language, query=f"event={line['id']}")
    world.page("/workflow/processes/new", language)
    world.page("/workflow/processes/new", language, query="definition=contractor_payment")
    world.page("/workflow/processes", language, query="state=closed")


def test_a_process_goes_from_start_to_end_by_forms(world: RulesWorld) -> None:
    sent = form({**APPLICATION, "connection_fee": "1.250,00"})
    answer = world.post(
        "/workflow/processes/new", definition="connection", subject="B-1001", **sent
    )
    assert answer.status == 303, answer.body
    path = answer.headers["location"].partition("?")[0]
    assert "Collect the fees" in world.page(path)
    fees = form({**FEES, "fees_paid": "1.250,00"})
    assert world.post(f"{path}/complete", command="COLLECT_FEES", **fees).status == 303
    last = world.post(f"{path}/complete", command="PRINT_AGREEMENT", **form(AGREEMENT))
    assert last.status == 303
    shown = world.page(path, query="done=step")
    assert "The step is complete." in shown
    assert "finished" in shown


def test_a_form_shows_everything_that_is_missing_at_its_place(world: RulesWorld) -> None:
    made = connection(world)
    path = f"/workflow/processes/{made['id']}/complete"
    answer = world.post(path, command="COLLECT_FEES", **form({"fees_paid": "1,00"}))
    assert answer.status == 422
    assert 'href="#data-receipt_no"' in answer.body
    assert "Receipt no is missing." in answer.body
    assert "The fees collected are less than the connection fee." in answer.body
    assert 'value="1.00"' in answer.body


def test_what_forbids_the_step_is_said_before_anybody_tries(world: RulesWorld) -> None:
    data = {"contractor_code": "Y-1", "amount": "5000.00"}
    made = started(world, "contractor_payment", "contractor:Y-1", data)
    path = f"/workflow/processes/{made['id']}"
    lines = {"data-progress_payments": "2026-05; hayır"}
    answer = world.post(f"{path}/complete", command="COLLECT_STATEMENTS", **lines)
    assert answer.status == 303
    assert "No payment before the progress payments are approved." in world.page(path)


def test_an_event_is_corrected_and_a_process_cancelled_by_forms(world: RulesWorld) -> None:
    made = command(world, connection(world), "COLLECT_FEES", FEES)
    path = f"/workflow/processes/{made['id']}"
    event = made["timeline"][2]["id"]
    shown = world.page(f"{path}/event", query=f"event={event}")
    assert "What led to it" in shown
    wrong = world.post(f"{path}/correct", event=event, reason="", **form(FEES))
    assert wrong.status == 422
    changed = form({**FEES, "receipt_no": "M-78"})
    done = world.post(f"{path}/correct", event=event, reason="Makbuz no", **changed)
    assert done.status == 303
    assert read(world, made)["data"]["receipt_no"] == "M-78"
    gone = world.post(f"{path}/cancel", reason="Vazgeçti")
    assert gone.status == 303
    assert "cancelled" in world.page(path)
    assert "Cancel the process" not in world.page(path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_proposals_and_subjects_are_sound(world: RulesWorld, language: str) -> None:
    world.page("/workflow/proposals", language)
    world.page("/workflow/subjects", language)
    facts = {"consecutive_unread": 2, "meter_kind": "GAS"}
    body = {"kind": "meter", "subjects": [{"reference": "S-1", "facts": facts}]}
    world.ok("POST", "/subjects", body)
    assert world.post("/workflow/proposals/look").status == 303
    work(world)
    assert "S-1" in world.page("/workflow/subjects", language, query="kind=meter")
    listed = world.page("/workflow/proposals", language)
    assert "S-1" in listed
    for item in world.ok("GET", "/proposals")["items"]:
        world.page(f"/workflow/proposals/{item['id']}", language)


def test_a_proposal_is_accepted_and_another_dismissed_by_forms(world: RulesWorld) -> None:
    body = {
        "kind": "meter",
        "subjects": [{"reference": "S-1", "facts": {"consecutive_unread": 2}}],
    }
    world.ok("POST", "/subjects", body)
    world.ok("POST", "/trigger-runs")
    work(world)
    first, second = world.ok("GET", "/proposals")["items"]
    answer = world.post(f"/workflow/proposals/{first['id']}/accept")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/workflow/processes/")
    path = f"/workflow/proposals/{second['id']}"
    assert world.post(f"{path}/dismiss", reason=" ").status == 422
    assert world.post(f"{path}/dismiss", reason="Sayaç söküldü").status == 303
    assert "Sayaç söküldü" in world.page(path)


def test_a_reader_sees_no_buttons(world: RulesWorld) -> None:
    made = connection(world)
    path = f"/workflow/processes/{made['id']}"
    answer = world.post(f"{path}/complete", role="viewer", command="COLLECT_FEES")
    assert answer.status == 403


def test_cancelling_asks_for_its_own_facts_beside_the_form_of_the_step(world: RulesWorld) -> None:
    """Goods being received is asked twice on one page, in two forms."""
    made = decided(world, command(world, purchase(world), "REQUEST", REQUEST), "approved")
    order = {"order_no": "SP-1", "ordered_on": "2026-06-01"}
    made = command(world, made, "ORDER", order)
    path = f"/workflow/processes/{made['id']}"
    world.page(path)
    received = {"cancel-received_qty": "3", "cancel-invoiced": "false"}
    answer = world.post(f"{path}/cancel", reason="Vazgeçildi", **received)
    assert answer.status == 422
    assert "An order that was received or invoiced cannot be cancelled." in answer.body
    missing = world.post(f"{path}/cancel", reason="Vazgeçildi")
    assert 'href="#cancel-received_qty"' in missing.body
    none = {"cancel-received_qty": "0", "cancel-invoiced": "false"}
    assert world.post(f"{path}/cancel", reason="Vazgeçildi", **none).status == 303
