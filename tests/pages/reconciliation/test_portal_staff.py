"""Pages of staff about the portal: users, answers, differences, in three languages."""

import pytest

from tests.support.page_checks import assert_sound
from tests.support.reconciliation_builders import api_entry
from tests.support.reconciliation_world import TENANT, ReconciliationWorld
from toolkit.auth import Principal

STATEMENT = b"Tarih;Belge No;Alacak\r\n15.01.2026;S-1;900,00\r\n20.01.2026;X-1;5,00\r\n"


def _person(language: str) -> Principal:
    return Principal(
        "session",
        "01JXQ60A1B2C3D4E5F6G7H8J9Q",
        TENANT,
        roles=("owner",),
        session_hash="s" * 64,
        language=language,
        name="Test Person",
        email="test@deneme.example",
        tenant_name="Deneme",
    )


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_pages_about_the_portal_are_sound(world: ReconciliationWorld, language: str) -> None:
    from reconciliation.handlers import api
    from tests.support.events import http_event, invoke

    card = str(world.counterparty()["id"])
    world.counterparty("120.2", tax_no="4540536920", emails=[])
    world.work_portal()
    world.record(api_entry("S-1", "1000.00", direction="sales"))
    letter = world.letter(card)
    said = {"outcome": "disagreed", "name": "Ali Er", "their_count": 5}
    world.call("POST", f"/letters/{letter.id}/replies", said)
    headers = {"content-type": "text/csv"}
    world.call("POST", f"/letters/{letter.id}/statements", STATEMENT, headers=headers)
    world.work_portal()
    person = _person(language)

    def page(path: str, query: dict[str, str] | None = None) -> str:
        answer = invoke(api.handler, http_event("GET", path, principal=person, query=query or {}))
        assert answer.status == 200, answer.body[:300]
        return answer.body

    users = page("/reconciliation/users")
    assert "Deneme Yedek" in users
    assert "password_hash" not in users
    answers = page("/reconciliation/replies", {"period": "2026-01"})
    assert "Ali Er" in answers
    cases = page("/reconciliation/differences")
    room = page(f"/reconciliation/differences/{letter.id}")
    assert "X-1" in room
    for body in (users, answers, cases, room):
        assert_sound(body, language)
    token = room.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "text": "Looks like ours", "line": ""}
    path = f"/reconciliation/differences/{letter.id}"
    sent = invoke(api.handler, http_event("POST", f"{path}/notes", principal=person, form=form))
    assert sent.location == f"{path}?done=note"
    empty = invoke(
        api.handler,
        http_event("POST", f"{path}/close", principal=person, form={"csrf_token": token}),
    )
    assert empty.status == 422
