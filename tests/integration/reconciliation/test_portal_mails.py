"""Mails of the portal: invitations, confirmations, our statement; nobody's relay (S26, S27)."""

import re
from datetime import timedelta
from typing import Any

import pytest

from kernel.mail_delivery import MailState
from kernel.mailing import MailOutcome, MailResult
from reconciliation.domain.portal_mail import PortalMail, PortalMailKind
from reconciliation.ports import PortalMailText
from tests.support.reconciliation_world import PASSWORD, TENANT, Browser, ReconciliationWorld


class Post:
    """A mail service that takes everything, and remembers it."""

    def __init__(self) -> None:
        self.taken: list[tuple[PortalMail, PortalMailText]] = []
        self.outcomes: list[MailResult] = []

    def send(self, _tenant: str, mail: PortalMail, text: PortalMailText) -> MailOutcome:
        result = self.outcomes.pop(0) if self.outcomes else MailResult.TAKEN
        if result in (MailResult.TAKEN, MailResult.UNKNOWN):
            self.taken.append((mail, text))
        return MailOutcome(result, provider_id=f"m-{len(self.taken)}", code="test")


@pytest.fixture
def post(world: ReconciliationWorld) -> Post:
    """The mail service of this test."""
    made = Post()
    world.app.portal_mailer = made
    return made


def _mail(world: ReconciliationWorld) -> None:
    from reconciliation.handlers import send_mail
    from tests.support.events import queue_event
    from tests.support.lambda_context import LambdaContext

    for body in world.aws.messages("reconciliation-mail"):
        answer = send_mail.handler(queue_event(body), LambdaContext(remaining_ms=60_000))
        assert answer["batchItemFailures"] == []


def _path(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


@pytest.fixture
def card(world: ReconciliationWorld) -> str:
    """One account card with its access."""
    made = str(world.counterparty()["id"])
    world.work_portal()
    return made


def test_an_invitation_is_mailed_and_seen_by_nobody_else(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    answer = world.call("POST", f"/counterparties/{card}/invitations")
    assert answer.status == 202
    assert "portal/invitations" not in answer.body
    _mail(world)
    ((mail, text),) = post.taken
    assert mail.kind is PortalMailKind.INVITATION
    browser = Browser()
    assert browser.ask("POST", _path(text.link), {"password": PASSWORD}).status == 303
    report = world.call("GET", "/reports/users").json()["items"]
    assert [one["status"] for one in report] == ["active"]
    assert PASSWORD not in str(report)
    assert "/portal/invitations/" not in str(report)
    listed = world.call("GET", "/reports/users", query="format=csv")
    assert listed.status == 200
    assert "invitations" not in listed.body


def test_a_newer_invitation_makes_the_mail_of_the_older_one_worthless(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    for _ in range(2):
        assert world.call("POST", f"/counterparties/{card}/invitations").status == 202
    _mail(world)
    assert len(post.taken) == 1, "the first one was withdrawn: its link is over"


def test_whoever_cannot_be_reached_is_on_the_report(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    silent = world.counterparty("120.2", tax_no="4540536920", emails=[])["id"]
    refused = world.call("POST", f"/counterparties/{silent}/invitations")
    assert (refused.status, refused.json()["code"]) == (409, "no_address")
    found = world.call("GET", "/reports/users", query="state=no_address").json()["items"]
    assert [one["counterparty_id"] for one in found] == [silent]
    assert world.call("POST", f"/counterparties/{card}/invitations").status == 202
    _mail(world)
    states = {"invited": Browser(agent="Mimecast", language=""), "opened": Browser()}
    for expected, browser in states.items():
        browser.get(_path(post.taken[0][1].link))
        users = world.call("GET", "/reports/users", query="q=120.01").json()["items"]
        assert users[0]["status"] == expected
    world.clock.advance(timedelta(hours=73))
    users = world.call("GET", "/reports/users", query="q=120.01").json()["items"]
    assert users[0]["status"] == "expired"


def test_a_forgotten_password_is_asked_for_by_name_and_answered_alike(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    world.enter(card)
    access = world.app.for_system(TENANT, "test").access.access(card)
    assert access is not None
    browser = Browser()
    known = browser.ask("POST", "/portal/forgotten", {"user": access.user_name})
    unknown = browser.ask("POST", "/portal/forgotten", {"user": "23456789ABCD"})
    assert (known.status, known.location) == (unknown.status, unknown.location)
    world.work_portal()
    _mail(world)
    assert [mail.kind for mail, _ in post.taken] == [PortalMailKind.INVITATION]
    assert browser.sign_in(access.user_name, PASSWORD).status == 303, "until a new one is chosen"
    for _ in range(3):
        last = browser.ask("POST", "/portal/forgotten", {"user": access.user_name})
    assert last.status == 429


def test_nothing_is_mailed_to_an_address_that_did_not_agree(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    letter = world.letter(card)
    browser = world.enter(card)
    page = f"/portal/months/{letter.id}"
    own = browser.post(f"{page}/mail", email="muhasebe@deneme.example")
    assert own.location == f"{page}?done=mailed"
    new = browser.post(f"{page}/mail", email="someone@else.example")
    assert new.location == f"{page}?done=confirm"
    use = world.app.for_system(TENANT, "test")
    world.work_portal()
    kinds = [mail.kind for mail in use.store.letter(letter.id).mails.values()]
    assert kinds == ["copy-20260601"]
    world.aws.messages("reconciliation-mail")  # what was ordered; the sweep orders it again
    world.clock.advance(timedelta(minutes=11))
    from reconciliation.handlers import relay_outbox
    from tests.support.lambda_context import LambdaContext

    relay_outbox.handler({}, LambdaContext())
    orders = world.aws.messages("reconciliation-mail")
    mine = [body for body in orders if "portal_mail_id" in body]
    assert len(mine) == 1
    use.send_portal_mail()(mine[0]["portal_mail_id"], remaining=lambda: 60.0)
    ((mail, text),) = post.taken
    assert mail.to.reveal("test") == "someone@else.example"
    link = _path(text.link)
    stranger = Browser(language="en")
    shown = stranger.get(link)
    assert shown.status == 200
    assert len(use.store.letter(letter.id).mails) == 1, "opening it sends nothing"
    token = shown.body.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert stranger.ask("POST", link, {"csrf_token": token}).status == 303
    world.work_portal()
    assert len(use.store.letter(letter.id).mails) == 2
    again = browser.post(f"{page}/mail", email="SOMEONE@else.example")
    assert again.location == f"{page}?done=mailed"


def test_the_monthly_mail_needs_a_yes_and_ends_with_one_click(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    browser = world.enter(card)
    path = "/portal/mails"
    assert browser.post(f"{path}/subscriptions", email="x").status == 422
    ordered = browser.post(f"{path}/subscriptions", email="a@b.example")
    assert ordered.location == f"{path}?done=confirm"
    use = world.app.for_system(TENANT, "test")
    assert use.store.contacts(card).subscribers() == ()
    _mail(world)
    link = _path(post.taken[0][1].link)
    token = Browser().get(link).body.partition('name="csrf_token" value="')[2].partition('"')[0]
    Browser().ask("POST", link, {"csrf_token": token})
    (email,) = use.store.contacts(card).subscribers()
    listed = world.call("GET", f"/counterparties/{card}/subscriptions").json()["items"]
    assert listed[0]["subscribed_at"]
    world.counterparty("120.9", tax_no="4540536920")
    everyone = world.call("GET", "/subscriptions").json()
    assert everyone["next_cursor"] is None
    assert [one["counterparty_id"] for one in everyone["items"]] == [card]
    assert listed[0].items() <= everyone["items"][0].items()
    end = _path(use.access_links.unsubscribe_for(use.store.counterparty(card), email))
    assert Browser().get(end).status == 200
    assert use.store.contacts(card).subscribers() == (email,)
    program = Browser(agent="Google-Mail", language="")
    clicked = program.ask("POST", end, {"List-Unsubscribe": "One-Click"})
    assert clicked.status == 200
    assert use.store.contacts(card).subscribers() == ()


def test_a_counterparty_asks_for_twenty_mails_a_day_at_most(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    browser = world.enter(card)
    paths = [browser.post("/portal/mails/subscriptions", email="a@b.example") for _ in range(21)]
    assert [answer.status for answer in paths][-2:] == [303, 429]
    _mail(world)
    assert len(post.taken) == 1, "the same wish twice is one mail"


def test_our_statement_goes_out_with_the_first_disagreement_once(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    letter = world.letter(card)
    said: dict[str, Any] = {"outcome": "disagreed", "name": "Ali Er"}
    for _ in range(2):
        assert world.call("POST", f"/letters/{letter.id}/replies", said).status == 201
    _mail(world)
    ((mail, text),) = post.taken
    assert (mail.kind, mail.ref) == (PortalMailKind.STATEMENT, letter.id)
    assert text.file is not None
    assert text.file.content.startswith(b"PK")


def test_a_lost_answer_is_unknown_and_a_bounce_silences_the_address(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    post.outcomes = [MailResult.UNKNOWN]
    assert world.call("POST", f"/counterparties/{card}/invitations").status == 202
    _mail(world)
    use = world.app.for_system(TENANT, "test")
    mail = use.store.portal_mail(post.taken[0][0].id)
    assert mail is not None
    assert mail.state is MailState.UNKNOWN
    from kernel.mail_delivery import MailNews
    from kernel.mail_reports import MailReport

    report = MailReport(MailNews.BOUNCED, TENANT, mail.id, "m-1", permanent=True)
    for _ in range(2):
        assert world.app.record_portal_mail_report()(report)
    after = use.store.portal_mail(mail.id)
    assert after is not None
    assert after.state is MailState.BOUNCED
    assert world.call("POST", f"/counterparties/{card}/invitations").status == 202
    _mail(world)
    assert len(post.taken) == 1, "nothing more goes to this address"


def test_whoever_subscribed_gets_every_months_letter_until_it_ends(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    from tests.support.letters_world import LettersDesk

    desk = LettersDesk(world)
    desk.settings()
    desk.text()
    desk.books("120.01.001")
    use = world.app.for_system(TENANT, "test")
    wishes, known = use.wishes(), use.store.counterparty(card)
    assert not wishes.subscribe(known, "reader@else.example")
    (contact,) = use.store.contacts(card).items
    wishes.confirm(known, contact.key)
    assert wishes.subscribe(known, "muhasebe@deneme.example"), "the books name this one"
    desk.start()
    from reconciliation.handlers import run_mailing
    from tests.support.events import queue_event
    from tests.support.lambda_context import LambdaContext

    for body in world.aws.messages("reconciliation-mailing"):
        run_mailing.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
    rows = [row for row in world.aws.rows("core") if row.get("kind") == "letter_mail"]
    assert sorted(row["to"] for row in rows) == ["muhasebe@deneme.example", "reader@else.example"]
    wishes.unsubscribe(card, contact.key)
    desk.work()
    assert [to for _, to in desk.post.taken] == ["muhasebe@deneme.example"]


OWN_ROWS = re.compile(rf"rec#T#{TENANT}#(PORTAL-|HIST#portal_|VISITS#)")


def test_the_door_of_counterparties_writes_its_own_rows_only(
    world: ReconciliationWorld, post: Post, card: str
) -> None:
    """What its role may write (infra/data.yaml): everything else is ordered from a worker."""
    letter = world.letter(card)
    browser = world.enter(card)
    world.work_portal()
    link = world.letter_link(letter)
    page = f"/portal/months/{letter.id}"
    hidden = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', browser.get(page).body)
    )
    before = {(row["pk"], row["sk"]): row for row in world.aws.rows("core")}
    own = {"email": "muhasebe@deneme.example"}
    said = {**hidden, "said": "disagreed", "name": "Ali Er"}
    acts: list[tuple[str, dict[str, str]]] = [
        (f"{page}/mail", {**hidden, **own}),
        (f"{page}/mail", {**hidden, "email": "yeni@x.example"}),
        ("/portal/mails/subscriptions", {**hidden, **own}),
        (f"{page}/answer", said),
    ]
    for path, form in acts:
        assert browser.ask("POST", path, form).status == 303, path
    assert Browser().get(link).status == 200
    use = world.app.for_system(TENANT, "test")
    waiting = next(one for one in use.store.contacts(card).items if not one.confirmed_at)
    confirmation = use.access_links.confirm_for(use.store.counterparty(card), waiting.key)
    assert Browser().ask("POST", confirmation, {}).status == 303
    written = {
        row["pk"] for row in world.aws.rows("core") if before.get((row["pk"], row["sk"])) != row
    }
    assert len(written) >= 6
    assert [pk for pk in written if not OWN_ROWS.match(pk)] == []
