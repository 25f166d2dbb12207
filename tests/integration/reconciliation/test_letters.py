"""Letters made and mailed through the real handlers (REC-02, REC-07; L1, L3, L5, L7, L8, L11)."""

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from kernel.mailing import MailResult
from tests.support.letters_world import PERIOD, SETTINGS, TEXT, LettersDesk, states
from tests.support.reconciliation_builders import OTHER_VKN, VKN
from tests.support.reconciliation_world import OTHER, ReconciliationWorld

PERMANENT: dict[str, Any] = {"bounce": {"bounceType": "Permanent"}}


@pytest.fixture
def desk(world: ReconciliationWorld) -> LettersDesk:
    """A company that may mail, with two counterparties in its books."""
    made = LettersDesk(world)
    made.settings()
    made.text()
    world.counterparty("120.1", emails=["bir@deneme.example"])
    world.counterparty("120.2", tax_no=OTHER_VKN, title="İkinci Şirket", emails=["iki@x.example"])
    made.books("120.1", "120.2")
    return made


def test_a_month_is_mailed_once_whoever_asks_how_often(desk: LettersDesk) -> None:
    job = desk.mailed()
    assert (job["status"], job["result"]["drafted"], job["result"]["queued"]) == (
        "succeeded",
        2,
        2,
    )
    assert len(desk.post.taken) == 2
    assert desk.mailed("run-2")["result"]["known"] == 2
    repeated = desk.start("run-1")
    assert repeated.json()["id"] == job["id"]
    desk.work()
    assert len(desk.post.taken) == 2
    assert states(desk.letters()) == ["sent", "sent"]


def test_letter_texts_come_with_the_settings_and_still_wait_for_a_release(
    desk: LettersDesk,
) -> None:
    parts = {name: text for name, text in TEXT.items() if name != "language"}
    greek = {**parts, "subject": "Συμφωνία {period}"}
    stated = desk.settings(letter_templates={"tr": parts, "el": greek})
    assert stated["letter_templates"] == {"tr": parts, "el": greek}
    texts = desk.world.call("GET", "/letter-templates").json()["items"]
    assert {(one["id"], one["status"]) for one in texts} == {
        ("tr-1", "approved"),
        ("el-1", "draft"),
    }
    newer = desk.settings(letter_templates={"tr": {**parts, "closing": ""}})
    assert newer["letter_templates"]["tr"]["closing"] == ""
    assert newer["letter_templates"]["el"] == greek
    version = newer["version"]
    wrong = {
        **SETTINGS,
        "reminder_days": [0],
        "letter_templates": {"en": {**parts, "opening": "{who}"}},
    }
    refused = desk.world.call("PUT", "/mailing-settings", wrong, headers={"if-match": str(version)})
    assert (refused.status, {one["pointer"] for one in refused.json()["errors"]}) == (
        422,
        {"/reminder_days", "/letter_templates/en/opening"},
    )
    assert desk.world.call("GET", "/mailing-settings").json() == newer


def test_a_letter_says_what_is_reconciled_in_the_terms_of_the_receiver(desk: LettersDesk) -> None:
    desk.books("120.1", net="999.99", document_no="E-1", is_electronic=True)
    desk.mailed()
    letter = next(one for one in desk.letters() if one["counterparty"]["code"] == "120.1")
    assert (letter["form"], letter["their_form"], letter["document_count"]) == ("bs", "ba", 1)
    assert letter["total"] == {"amount": "6000.00", "currency": "TRY"}
    assert letter["edition"]["all"]["document_count"] == 2
    assert letter["sent_to"] == ["b***@deneme.example"]
    paper = next(pdf for mail, _, pdf, _ in desk.post.papers if mail.letter_id == letter["id"])
    assert letter["edition"]["sha256"] == hashlib.sha256(paper).hexdigest()
    shown = desk.world.call("GET", f"/letters/{letter['id']}.pdf")
    assert shown.headers["content-type"] == "application/pdf"
    assert base64.b64decode(shown.raw["body"]) == paper


def test_the_board_counts_what_the_list_shows(desk: LettersDesk) -> None:
    desk.mailed()
    first = desk.mails()[0]
    desk.report(first["id"], "Bounce", **PERMANENT)
    board = desk.world.call("GET", f"/periods/{PERIOD}/letter-board").json()["items"]
    assert [(one["status"], one["letters"], one["total"]["amount"]) for one in board] == [
        ("sent", 1, "6000.00"),
        ("bounced", 1, "6000.00"),
    ]
    assert states(desk.letters()) == ["bounced", "sent"]


def test_nothing_leaves_without_a_released_text_or_a_sender(world: ReconciliationWorld) -> None:
    desk = LettersDesk(world)
    assert desk.start().json()["code"] == "sender_missing"
    desk.settings()
    assert desk.start().json()["code"] == "template_missing"
    drafted = world.call("POST", "/letter-templates", TEXT).json()
    assert (drafted["status"], drafted["approved_by"]) == ("draft", None)
    assert desk.start().json()["code"] == "template_missing"
    released = desk.text()
    assert (released["id"], released["status"]) == (drafted["id"], "approved")
    assert released["approved_by"].startswith("key:")
    assert released["approved_at"].startswith("2026-06-01T09:00:00")


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        (
            "closing",
            "7 gün içinde cevap verilmediği takdirde mutabık sayılır.",
            "silence_as_consent",
        ),
        ("closing", "If you do not reply, it is deemed accepted.", "silence_as_consent"),
        ("request", "Αν δεν απαντήσετε, θεωρείται αποδεκτό.", "silence_as_consent"),
        ("opening", "{period} {iban}", "unknown_place"),
        ("subject", " ", "required"),
    ],
)
def test_a_text_that_claims_too_much_is_refused(
    world: ReconciliationWorld, field: str, text: str, code: str
) -> None:
    answer = world.call("POST", "/letter-templates", {**TEXT, field: text})
    assert answer.status == 422
    assert (f"/{field}", code) in [
        (problem["pointer"], problem["code"]) for problem in answer.json()["errors"]
    ]


def test_the_other_language_waits_for_its_text(desk: LettersDesk) -> None:
    desk.world.counterparty("120.3", national_id="10000000146", tax_no=None, language="el")
    desk.books("120.3")
    job = desk.mailed()
    assert (job["status"], job["result"]["without_text"]) == ("partially_succeeded", 1)
    desk.text(language="el", subject="Συμφωνία {period}")
    assert desk.mailed("run-2")["result"]["drafted"] == 1
    paper = desk.post.papers[-1][2]
    assert b"10000000146" not in paper


def test_a_month_that_is_not_over_is_not_reconciled(desk: LettersDesk) -> None:
    answer = desk.world.call(
        "POST", "/periods/2026-06/mailings", {"all": True}, headers={"idempotency-key": "k"}
    )
    assert answer.json()["errors"][0]["code"] == "period_open"
    assert desk.start(all=False).status == 422


def test_a_run_that_is_too_long_for_one_worker_goes_on_in_the_next(desk: LettersDesk) -> None:
    from reconciliation.handlers import run_mailing
    from tests.support.events import queue_event
    from tests.support.lambda_context import LambdaContext

    desk.start()
    (body,) = desk.world.aws.messages("reconciliation-mailing")
    answer = run_mailing.handler(queue_event(body), LambdaContext(remaining_ms=15_000))
    assert answer["batchItemFailures"] == []
    assert desk.letters() == []
    desk.work()
    assert states(desk.letters()) == ["sent", "sent"]


def test_only_the_chosen_get_their_letter(desk: LettersDesk) -> None:
    cards = {
        one["code"]: one["id"] for one in desk.world.call("GET", "/counterparties").json()["items"]
    }
    desk.mailed(counterparty_ids=[cards["120.2"]])
    assert [to for _, to in desk.post.taken] == ["iki@x.example"]


# ---------------------------------------------------------------------------- the window


def test_letters_leave_by_themselves_on_the_first_working_day_of_the_window(
    desk: LettersDesk,
) -> None:
    # Monday 1 June, noon in Istanbul: the window opened this morning.
    desk.settings(automatic=True)
    desk.minute()
    assert len(desk.post.taken) == 2
    for _ in range(3):
        desk.minute()
    assert len(desk.post.taken) == 2
    jobs = [row for row in desk.world.aws.rows("core") if "#JOB#" in row["pk"]]
    assert len(jobs) == 1


def test_a_counterparty_that_comes_later_in_the_window_gets_its_letter_too(
    desk: LettersDesk,
) -> None:
    desk.settings(automatic=True)
    desk.minute()
    desk.world.counterparty("120.3", tax_no="7340047560", emails=["uc@deneme.example"])
    desk.books("120.3")
    desk.world.clock.advance(timedelta(days=1))
    desk.minute()
    assert [to for _, to in desk.post.taken][2:] == ["uc@deneme.example"]


def test_what_the_window_leaves_behind_is_visible_and_goes_with_the_next_run(
    desk: LettersDesk,
) -> None:
    """L1: the run starts inside the window, its mails come up after it closed."""
    desk.settings(automatic=True)
    desk.world.minute()
    desk.handle("reconciliation-mailing", desk.world.aws.messages("reconciliation-mailing"))
    desk.world.clock.advance(timedelta(days=12))
    desk.work()
    assert desk.post.taken == []
    assert [(one["status"], one["reason"]) for one in desk.mails()] == [
        ("withdrawn", "window_closed")
    ] * 2
    assert states(desk.letters()) == ["draft", "draft"]
    assert desk.mailed()["result"]["queued"] == 2
    assert len(desk.post.taken) == 2


def test_reminders_go_to_those_who_have_not_answered(desk: LettersDesk) -> None:
    desk.settings(automatic=True, reminder_days=[2, 4], ends_day=20)
    desk.minute()
    for _ in range(6):
        desk.world.clock.advance(timedelta(days=1))
        desk.minute()
    kinds = sorted(one["kind"] for one in desk.mails())
    assert kinds == ["letter"] * 2 + ["reminder-1"] * 2 + ["reminder-2"] * 2
    assert len(desk.post.taken) == 6


def test_a_letter_without_an_answer_expires(desk: LettersDesk) -> None:
    desk.settings(automatic=True, reminder_days=[], answer_days=5, ends_day=31)
    desk.minute()
    for _ in range(8):
        desk.world.clock.advance(timedelta(days=1))
        desk.minute()
    assert states(desk.letters()) == ["expired", "expired"]


# ---------------------------------------------------------------------------- addresses


def test_an_address_that_changed_meanwhile_gets_nothing_and_the_new_one_does(
    desk: LettersDesk,
) -> None:
    """L7."""
    desk.start()
    desk.handle("reconciliation-mailing", desk.world.aws.messages("reconciliation-mailing"))
    card = desk.world.call("GET", "/counterparties").json()["items"][0]
    changed = {
        "code": card["code"],
        "title": card["title"],
        "tax_no": VKN,
        "emails": ["yeni@deneme.example"],
    }
    answer = desk.world.call(
        "PUT", f"/counterparties/{card['id']}", changed, headers={"if-match": "1"}
    )
    assert answer.status == 200, answer.body
    desk.work()
    assert sorted(to for _, to in desk.post.taken) == ["iki@x.example", "yeni@deneme.example"]
    assert [one["reason"] for one in desk.mails("status=withdrawn")] == ["address_changed"]


def test_a_bounce_for_good_silences_the_address(desk: LettersDesk) -> None:
    desk.mailed()
    first = desk.mails()[0]
    for event in ("Bounce", "Delivery", "Bounce"):
        desk.report(first["id"], event, **(PERMANENT if event == "Bounce" else {}))
    assert states(desk.letters()) == ["bounced", "sent"]
    told = desk.world.aws.published("reconciliation.AttentionRaised.v1")
    assert [(one["data"]["code"], one["data"]["severity"]) for one in told] == [
        ("letter_mail_bounced", "medium")
    ]
    desk.world.clock.advance(timedelta(days=31))
    code = next(one for one in desk.letters() if one["status"] == "bounced")["counterparty"]["code"]
    desk.world.record(
        {
            "counterparty_code": code,
            "document_no": "J-1",
            "document_date": "2026-06-10",
            "kind": "invoice",
            "direction": "sales",
            "net_amount": {"amount": "9000.00", "currency": "TRY"},
        }
    )
    answer = desk.world.call(
        "POST", "/periods/2026-06/mailings", {"all": True}, headers={"idempotency-key": "june"}
    )
    assert answer.status == 202
    before = len(desk.post.taken)
    desk.work()
    assert len(desk.post.taken) == before
    june = desk.world.call("GET", "/reports/mailings", query="period=2026-06").json()["items"]
    assert [one["status"] for one in june] == ["suppressed"]


def test_an_opening_is_told_and_proves_nothing(desk: LettersDesk) -> None:
    desk.mailed()
    first = desk.mails()[0]
    desk.report(first["id"], "Open", open={"userAgent": "scanner"})
    assert states(desk.letters()) == ["opened", "sent"]


def test_reports_about_other_hand_overs_and_companies_are_ignored(desk: LettersDesk) -> None:
    """S30."""
    desk.mailed()
    first = desk.mails()[0]
    desk.report(first["id"], "Complaint", message_id="m-77")
    desk.report("01JXQ60A1B2C3D4E5F6G7H8J9P", "Complaint")
    assert states(desk.letters()) == ["sent", "sent"]


# ---------------------------------------------------------------------------- the mail service


def test_a_service_that_refuses_or_is_away_is_seen(desk: LettersDesk) -> None:
    desk.post.results = [MailResult.REFUSED, MailResult.NOT_SENT]
    desk.mailed()
    assert states(desk.mails()) == ["queued", "refused"]
    desk.world.clock.advance(timedelta(minutes=20))
    desk.minute()
    assert states(desk.mails()) == ["refused", "sent"]


def test_an_unknown_mail_is_repeated_once_and_then_belongs_to_a_person(desk: LettersDesk) -> None:
    """L4."""
    desk.post.results = [MailResult.UNKNOWN] * 4
    desk.mailed()
    assert states(desk.letters()) == ["queued", "queued"]
    assert states(desk.mails()) == ["unknown", "unknown"]
    for _ in range(4):
        desk.world.clock.advance(timedelta(hours=2))
        desk.minute()
    assert states(desk.mails()) == ["unknown", "unknown"]
    assert len(desk.post.taken) == 4
    told = desk.world.aws.published("reconciliation.AttentionRaised.v1")
    assert {one["data"]["code"] for one in told} == {"letter_mail_unknown"}


def test_a_report_settles_an_unknown_mail(desk: LettersDesk) -> None:
    desk.post.results = [MailResult.UNKNOWN]
    desk.mailed()
    unknown = desk.mails("status=unknown")[0]
    desk.report(unknown["id"], "Delivery", message_id="m-9")
    desk.world.clock.advance(timedelta(hours=2))
    desk.minute()
    assert states(desk.mails()) == ["delivered", "sent"]
    assert len(desk.post.taken) == 2


# ---------------------------------------------------------------------------- later changes


def test_figures_that_change_make_a_new_edition_when_a_person_says_so(desk: LettersDesk) -> None:
    """L9."""
    desk.mailed()
    desk.books("120.1", net="500.00", document_no="GEC-1")
    assert desk.mailed("run-2")["result"]["outdated"] == 1
    letter = next(one for one in desk.letters() if one["counterparty"]["code"] == "120.1")
    answer = desk.world.call(
        "POST", f"/letters/{letter['id']}/renew", headers={"if-match": str(letter["version"])}
    )
    assert answer.status == 200, answer.body
    assert answer.json()["edition"]["number"] == 2
    assert answer.json()["total"]["amount"] == "6500.00"
    desk.work()
    assert sorted(one["kind"] for one in desk.mails()) == ["correction-2", "letter", "letter"]
    editions = desk.world.call("GET", f"/letters/{letter['id']}/editions").json()["items"]
    assert [one["all"]["total"]["amount"] for one in editions] == ["6000.00", "6500.00"]


def test_figures_that_change_before_anything_left_are_simply_the_letters(desk: LettersDesk) -> None:
    desk.world.counterparty("120.4", tax_no="7340047560", emails=[])
    desk.books("120.4")
    desk.mailed()
    assert states(desk.letters()) == ["draft", "sent", "sent"]
    desk.books("120.4", net="1.00", document_no="YENI")
    desk.mailed("run-2")
    draft = desk.letters("status=draft")[0]
    assert (draft["edition"]["number"], draft["total"]["amount"]) == (2, "6001.00")


def test_a_letter_taken_back_sends_nothing_more(desk: LettersDesk) -> None:
    desk.mailed()
    letter = desk.letters()[0]
    answer = desk.world.call(
        "POST", f"/letters/{letter['id']}/withdraw", headers={"if-match": str(letter["version"])}
    )
    assert answer.json()["status"] == "withdrawn"
    assert desk.mailed("run-2")["result"].get("queued", 0) == 0


def test_another_company_sees_nothing_of_it(desk: LettersDesk) -> None:
    desk.mailed()
    letter = desk.letters()[0]
    stranger = desk.world.principal(OTHER)
    for path in (f"/letters/{letter['id']}", f"/letters/{letter['id']}.pdf"):
        assert desk.world.call("GET", path, principal=stranger).status == 404
    listed: Any = desk.world.call(
        "GET", "/reports/mailings", query=f"period={PERIOD}", principal=stranger
    )
    assert listed.json()["items"] == []


def test_the_report_is_a_file_too(desk: LettersDesk) -> None:
    desk.mailed()
    answer = desk.world.call("GET", "/reports/mailings", query=f"period={PERIOD}&format=xlsx")
    assert answer.status == 200
    assert base64.b64decode(answer.raw["body"])[:2] == b"PK"
    assert len(desk.mails("q=ikinci")) == 1
    assert desk.mails("kind=reminder") == []
