"""Mails with codes: asked for once, handed over once, in the customer's language (PAY-05)."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.mailing import MailOutcome, MailResult
from kernel.sensitive import Email
from payment_codes.application.send_code import SendMail
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PaymentCode
from tests.support.payment_world import BASE, CUSTOMER, PaymentWorld


class Mailer:
    """Answers as it is told and remembers what it was given."""

    def __init__(self, *results: MailResult) -> None:
        self.results = list(results)
        self.sent: list[str] = []

    def send(
        self, mail: CodeMail, code: PaymentCode, organisation: Organisation, link: str
    ) -> MailOutcome:
        self.sent.append(link)
        assert isinstance(mail.to, Email)
        assert code.org_code == organisation.org_code
        return MailOutcome(self.results.pop(0) if self.results else MailResult.TAKEN, "m-1")


@pytest.mark.parametrize(
    ("language", "subject"),
    [("tr", "ödeme kodu"), ("el", "Κωδικός πληρωμής"), ("en", "Payment code of")],
)
def test_the_mail_carries_code_and_link(world: PaymentWorld, language: str, subject: str) -> None:
    world.organisation("offline")
    code = world.issue(customer={**CUSTOMER, "language": language})
    answer = world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    assert (answer.status, answer.json()["status"]) == (202, "queued")
    assert world.code(code["id"])["status"] == "issued"
    world.work()
    (mail,) = world.aws.mails()
    assert mail["to"] == [CUSTOMER["email"]]
    assert subject in mail["subject"]
    assert code["code_grouped"] in mail["body"]
    assert code["pay_url"] in mail["body"]
    assert world.code(code["id"])["status"] == "sent"


def test_a_command_is_one_mail(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue()
    path = f"{BASE}/{code['id']}/send"
    first = world.call("POST", path, {"channel": "email"}, key="s")
    again = world.call("POST", path, {"channel": "email"}, key="s")
    assert first.json()["mail_id"] == again.json()["mail_id"]
    world.work()
    assert len(world.aws.mails()) == 1


def test_codes_are_mailed_at_once_where_the_organisation_wants_it(world: PaymentWorld) -> None:
    world.organisation("offline", mail_on_issue=True)
    code = world.issue()
    assert world.code(code["id"])["status"] == "sent"
    silent = world.issue(customer={"id": "C-2", "name": "Χωρίς Διεύθυνση"})
    assert world.code(silent["id"])["status"] == "issued"
    refused = world.call("POST", f"{BASE}/{silent['id']}/send", {"channel": "email"})
    assert (refused.status, refused.json()["code"]) == (422, "email_missing")
    assert world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "sms"}).status == 422


@pytest.mark.parametrize(
    ("result", "calls", "status"),
    [
        (MailResult.UNKNOWN, 1, "issued"),
        (MailResult.REFUSED, 1, "issued"),
        (MailResult.NOT_SENT, 2, "sent"),
    ],
)
def test_what_is_known_after_a_hand_over_decides_what_happens_next(
    world: PaymentWorld, result: MailResult, calls: int, status: str
) -> None:
    mailer = Mailer(result)
    world.app.own_mailer = mailer
    world.app.__dict__.pop("mailer", None)
    world.organisation("offline")
    code = world.issue()
    world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    world.work()
    for _ in range(3):
        world.clock.advance(timedelta(hours=7))
        world.minute()
    assert len(mailer.sent) == calls
    assert world.code(code["id"])["status"] == status
    assert len(set(mailer.sent)) == 1  # the link stays the same


def test_a_code_that_is_not_payable_is_not_mailed(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue()
    world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    world.call("POST", f"{BASE}/{code['id']}/cancel")
    world.work()
    assert world.aws.mails() == []
    assert world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"}).status == 409


def test_a_code_that_is_cancelled_while_its_mail_is_claimed_is_not_mailed(
    world: PaymentWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.organisation("offline")
    code = world.issue()
    world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    claim, raced = SendMail._claim, list[int]()

    def too_late(use: SendMail, before: CodeMail, after: CodeMail, read: PaymentCode) -> Any:
        if not raced:
            raced.append(world.call("POST", f"{BASE}/{code['id']}/cancel").status)
        return claim(use, before, after, read)

    monkeypatch.setattr(SendMail, "_claim", too_late)
    world.work()
    assert raced == [200]
    assert world.aws.mails() == []


def test_nobody_is_told_a_code_that_the_banks_do_not_know(world: PaymentWorld) -> None:
    world.organisation(mail_on_issue=True)
    world.network.queue({"kind": "drop_request", "operation": "create"})
    code = world.issue()
    asked = world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    assert asked.status == 202
    world.work()
    assert (world.code(code["id"])["registration"], world.aws.mails()) == ("pending", [])
    for _ in range(2):
        world.clock.advance(timedelta(minutes=2))
        world.minute()
    assert world.code(code["id"])["status"] == "sent"
    assert {mail["to"][0] for mail in world.aws.mails()} == {CUSTOMER["email"]}


def test_a_code_is_mailed_by_itself_once_it_is_registered(world: PaymentWorld) -> None:
    world.organisation(mail_on_issue=True)
    code = world.issue()
    assert world.code(code["id"])["status"] == "sent"
    assert len(world.aws.mails()) == 1


def test_a_code_that_the_provider_made_differently_is_never_mailed(world: PaymentWorld) -> None:
    world.organisation(mail_on_issue=True)
    world.network.queue({"kind": "wrong_code", "operation": "create"})
    code = world.issue()
    answer = world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    assert (answer.status, answer.json()["code"]) == (409, "code_not_payable")
    assert world.aws.mails() == []
