"""Wrong addressees, answers put off, mails of unknown fate, silenced addresses (REC-05, REC-07)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from kernel.mailing import MailOutcome, MailResult
from reconciliation.domain.letter import Letter
from tests.support.letters_world import LettersDesk
from tests.support.reconciliation_builders import OTHER_VKN
from tests.support.reconciliation_world import OTHER, TENANT, ReconciliationWorld

PERMANENT: dict[str, Any] = {"bounce": {"bounceType": "Permanent"}}
RAISED = "reconciliation.AttentionRaised.v1"
CLEARED = "reconciliation.AttentionCleared.v1"


@pytest.fixture
def desk(world: ReconciliationWorld) -> LettersDesk:
    """A company whose letter left for one counterparty, with two reminders to come."""
    made = LettersDesk(world)
    made.settings(automatic=True, reminder_days=[3, 6], ends_day=28)
    made.text()
    world.counterparty("120.1")
    made.books("120.1")
    return made


class LostPost:
    """``PortalMailer`` whose answers are lost, or as told."""

    def __init__(self) -> None:
        self.results = [MailResult.UNKNOWN]
        self.taken = 0

    def send(self, _tenant: str, _mail: Any, _text: Any) -> MailOutcome:
        self.taken += 1
        result = self.results.pop(0) if self.results else MailResult.TAKEN
        return MailOutcome(result, "p-1" if result is MailResult.TAKEN else "", "lost")


@pytest.fixture
def post(desk: LettersDesk) -> Iterator[LostPost]:
    """An invitation whose fate nobody knows."""
    made = LostPost()
    desk.world.app.__dict__["portal_mailer"] = made
    card = desk.world.call("GET", "/counterparties").json()["items"][0]["id"]
    desk.world.work_portal()
    assert desk.world.call("POST", f"/counterparties/{card}/invitations").status < 300
    desk.work()
    assert made.taken == 1
    yield made
    desk.world.app.__dict__.pop("portal_mailer")


def _letter(desk: LettersDesk) -> Letter:
    return desk.world.app.for_system(TENANT, "test").store.letter(desk.letters()[0]["id"])


def _say(desk: LettersDesk, said: str) -> None:
    body = {"outcome": said, "name": "Ali Er"}
    answer = desk.world.call("POST", f"/letters/{_letter(desk).id}/replies", body)
    assert answer.status == 201, answer.body


def _days(desk: LettersDesk, days: int) -> None:
    for _ in range(days):
        desk.world.clock.advance(timedelta(days=1))
        desk.minute()


def _told(desk: LettersDesk, event: str = RAISED) -> list[str]:
    return [one["data"].get("code", "cleared") for one in desk.world.aws.published(event)]


# ------------------------------------------------------------------ not our company, later


def test_who_is_not_the_company_meant_is_not_reminded_until_a_person_looked(
    desk: LettersDesk,
) -> None:
    desk.minute()
    _say(desk, "not_mine")
    letter = _letter(desk)
    assert (letter.remind_on, bool(letter.disowned_at), letter.state.value) == (None, True, "sent")
    assert _told(desk) == ["letter_disowned"]
    _days(desk, 5)
    assert len(desk.post.taken) == 1
    page = desk.world.page(f"/reconciliation/letters/{letter.id}").body
    assert "Is it the right company?" in page

    path, version = f"/letters/{letter.id}/confirm-addressee", {"if-match": str(_version(desk))}
    answer = desk.world.call("POST", path, headers=version)
    assert (answer.status, answer.json()["disowned_at"]) == (200, None)
    # The plan said two days ago; a person who was put in doubt is not reminded the same day.
    assert answer.json()["remind_on"] == "2026-06-07"
    assert _told(desk, CLEARED) == ["cleared"]
    _days(desk, 4)
    assert sorted(one["kind"] for one in desk.mails()) == ["letter", "reminder-1", "reminder-2"]
    again = desk.world.call("POST", path, headers={"if-match": str(_version(desk))})
    assert (again.status, again.json()["code"]) == (409, "not_disowned")


def _version(desk: LettersDesk) -> int:
    return _letter(desk).stamp.version


def test_a_reminder_on_its_way_to_somebody_else_is_taken_back(desk: LettersDesk) -> None:
    desk.minute()
    desk.world.clock.advance(timedelta(days=3))
    desk.world.minute()
    desk.handle("reconciliation-mailing", desk.world.aws.messages("reconciliation-mailing"))
    _say(desk, "not_mine")
    desk.work()
    reminder = next(one for one in desk.mails() if one["kind"] == "reminder-1")
    assert (reminder["status"], reminder["reason"]) == ("withdrawn", "letter_disowned")


def test_an_answer_ends_the_doubt(desk: LettersDesk) -> None:
    desk.minute()
    for said in ("not_mine", "agreed"):
        _say(desk, said)
    assert (_letter(desk).disowned_at, _told(desk, CLEARED)) == ("", ["cleared"])


def test_later_moves_the_whole_plan_of_reminders(desk: LettersDesk) -> None:
    desk.minute()
    _days(desk, 1)
    _say(desk, "later")
    letter = _letter(desk)
    # Sent on 1 June with reminders after 3 and 6 days; on the 2nd it asks for a week.
    assert (str(letter.remind_on), letter.put_off_days) == ("2026-06-09", 5)
    shown = desk.world.call("GET", f"/letters/{letter.id}").json()
    assert shown["remind_on"] == "2026-06-09"
    _days(desk, 6)
    assert len(desk.post.taken) == 1
    _days(desk, 1)
    assert [one["kind"] for one in desk.mails()] == ["letter", "reminder-1"]
    assert str(_letter(desk).remind_on) == "2026-06-12"
    _days(desk, 3)
    assert len(desk.post.taken) == 3


def test_a_report_that_tells_of_a_lost_mail_starts_the_reminders(desk: LettersDesk) -> None:
    desk.post.results = [MailResult.UNKNOWN]
    desk.minute()
    assert _letter(desk).remind_on is None
    desk.report(desk.mails()[0]["id"], "Delivery", message_id="m-9")
    assert str(_letter(desk).remind_on) == "2026-06-04"


# ------------------------------------------------------------------ unknown fate


def test_a_portal_mail_of_unknown_fate_waits_for_a_person_and_is_settled_with_what_is_known(
    desk: LettersDesk, post: LostPost
) -> None:
    assert _told(desk) == ["portal_mail_unknown"]
    (matter,) = desk.world.call("GET", "/mail-matters").json()["items"]
    assert (matter["kind"], matter["status"], matter["about"]) == (
        "invitation",
        "unknown",
        "portal",
    )
    assert "Invitation" in desk.world.page("/reconciliation/mail-matters").body
    path = f"/mail-matters/{matter['id']}/decide"
    refused = desk.world.call("POST", path, {"decision": "perhaps"})
    pointers = {one["pointer"] for one in refused.json()["errors"]}
    assert (refused.status, pointers) == (422, {"/decision", "/note"})
    stranger = desk.world.principal(OTHER)
    told = {"decision": "arrived", "note": "Ali Er telefonda söyledi"}
    assert desk.world.call("POST", path, told, principal=stranger).status == 404
    answer = desk.world.call("POST", path, told)
    assert (answer.status, answer.json()["status"]) == (200, "sent")
    assert answer.json()["note"] == "Ali Er telefonda söyledi"
    assert desk.world.call("GET", "/mail-matters").json()["items"] == []
    assert _told(desk, CLEARED) == ["cleared"]
    again = desk.world.call("POST", path, told)
    assert (again.status, again.json()["code"], post.taken) == (409, "mail_settled", 1)


def test_a_portal_mail_that_did_not_arrive_is_sent_again(desk: LettersDesk, post: LostPost) -> None:
    matter = desk.world.call("GET", "/mail-matters").json()["items"][0]["id"]
    page = f"/reconciliation/mail-matters/{matter}"
    assert "Send it again" in desk.world.page(page).body
    nothing = desk.world.post(f"{page}/decide", decision="send_again", note="")
    assert (nothing.status, "error-list" in nothing.body) == (422, True)
    done = desk.world.post(f"{page}/decide", decision="send_again", note="Gelen kutusunda yok")
    assert done.status == 303
    desk.work()
    assert post.taken == 2
    assert desk.world.call("GET", "/mail-matters").json()["items"] == []


def test_a_letter_given_to_a_person_is_in_the_same_list(desk: LettersDesk) -> None:
    desk.post.results = [MailResult.UNKNOWN] * 2
    desk.minute()
    for _ in range(3):
        desk.world.clock.advance(timedelta(hours=2))
        desk.minute()
    (matter,) = desk.world.call("GET", "/mail-matters").json()["items"]
    assert (matter["kind"], matter["letter_id"]) == ("letter", _letter(desk).id)
    path = f"/mail-matters/{matter['id']}/decide"
    body = {"decision": "send_again", "note": "Ulaşmadığını söylediler"}
    assert desk.world.call("POST", path, body).status == 200
    desk.work()
    assert [one["status"] for one in desk.mails()] == ["sent"]
    assert len(desk.post.taken) == 3
    assert str(_letter(desk).remind_on) == "2026-06-04"


# ------------------------------------------------------------------ silenced addresses


@pytest.fixture
def silenced(desk: LettersDesk) -> str:
    """An account card whose address bounced for good."""
    desk.minute()
    desk.report(desk.mails()[0]["id"], "Bounce", **PERMANENT)
    return str(desk.world.call("GET", "/counterparties").json()["items"][0]["id"])


def test_a_person_lets_mail_through_to_an_address_again(desk: LettersDesk, silenced: str) -> None:
    path = f"/counterparties/{silenced}/silenced-addresses"
    (found,) = desk.world.call("GET", path).json()["items"]
    assert (found["email"], found["reason"]) == ("muhasebe@deneme.example", "bounced")
    page = f"/reconciliation/counterparties/{silenced}"
    assert "came back for good" in desk.world.page(page).body
    body = {"email": found["email"].upper(), "note": "Posta kutusu açıldı, telefonda söylendi"}
    for role in ("viewer", "payroll_clerk"):
        clerk = desk.world.principal(role=role)
        assert desk.world.call("POST", f"{path}/release", body, principal=clerk).status == 403
    assert desk.world.call("POST", f"{path}/release", {**body, "note": "x"}).status == 422
    unknown = {**body, "email": "baska@x.example"}
    assert desk.world.call("POST", f"{path}/release", unknown).status == 404
    assert desk.world.call("POST", f"{path}/release", body).status == 204
    assert desk.world.call("GET", path).json()["items"] == []
    (row,) = [row for row in desk.world.aws.rows("core") if "#SUPPRESSED#" in row["pk"]]
    assert (row["was"], row["note"], "reason" in row) == ("bounced", body["note"], False)
    assert "A silenced address gets mail again" in desk.world.page(page).body
    # A new bounce silences it again.
    use = desk.world.app.for_system(TENANT, "test")
    unit = use.store.unit()
    card = use.store.counterparty(silenced)
    unit.suppress(card.fields.emails[0], "bounced")
    unit.commit()
    assert use.store.is_suppressed(card.fields.emails[0])
    released = desk.world.post(f"{page}/release", email=found["email"], note="Yine açıldı")
    assert released.status == 303


def test_a_suppressed_mail_is_sent_once_its_address_is_let_through(
    desk: LettersDesk, silenced: str
) -> None:
    desk.world.counterparty("120.2", tax_no=OTHER_VKN, emails=["muhasebe@deneme.example"])
    desk.books("120.2")
    desk.mailed("by-hand")
    suppressed = next(one for one in desk.mails() if one["status"] == "suppressed")
    path = f"/mail-matters/{suppressed['id']}/decide"
    arrived = {"decision": "arrived", "note": "olamaz"}
    assert desk.world.call("POST", path, arrived).json()["code"] == "mail_settled"
    body = {"email": "muhasebe@deneme.example", "note": "Adres yeniden açıldı"}
    released = f"/counterparties/{silenced}/silenced-addresses/release"
    assert desk.world.call("POST", released, body).status == 204
    again = {"decision": "send_again", "note": "Adres yeniden açıldı"}
    assert desk.world.call("POST", path, again).status == 200
    desk.work()
    assert sorted(one["status"] for one in desk.mails()) == ["bounced", "sent"]
