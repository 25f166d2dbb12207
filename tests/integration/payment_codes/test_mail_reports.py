"""What became of mails with codes: shown, joined in any order, and silent addresses (L4-L6)."""

import itertools
import json
from typing import Any

import pytest

from kernel.mail_delivery import MailNews, MailState, joined
from kernel.mailing import MailResult
from payment_codes.domain.mail import CodeMail
from payment_codes.handlers import mail_events
from tests.integration.payment_codes.test_mail import Mailer
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import BASE, CUSTOMER, OTHER, TENANT, PaymentWorld

EVENTS = {
    "Send": {},
    "Delivery": {},
    "Bounce": {"bounce": {"bounceType": "Permanent"}},
    "Complaint": {},
}


def _mailed(world: PaymentWorld, *results: MailResult) -> tuple[dict[str, Any], Mailer]:
    """A code whose mail was handed over, with a mail service that answers as it is told."""
    mailer = Mailer(*results)
    world.app.own_mailer = mailer
    world.app.__dict__.pop("mailer", None)
    world.organisation("offline")
    code = world.issue()
    world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    world.work()
    return code, mailer


def _mails(world: PaymentWorld, code: dict[str, Any]) -> list[dict[str, Any]]:
    return list(world.call("GET", f"{BASE}/{code['id']}/mails").json()["items"])


def _report(
    world: PaymentWorld, mail_id: str, event: str, *, tenant: str = TENANT, **changes: Any
) -> None:
    """One event of the mail service, as the bus brings it."""
    detail: dict[str, Any] = {
        "eventType": event,
        "mail": {
            "messageId": "m-1",
            "tags": {"kopru-tenant": [tenant], "kopru-code-mail": [mail_id]},
        },
        **EVENTS.get(event, {}),
    }
    detail |= changes
    body = {"detail-type": "Email Event", "source": "aws.ses", "detail": detail}
    answer = mail_events.handler(queue_event(body), LambdaContext())
    assert answer == {"batchItemFailures": []}
    assert world.work() == []


def _attention(world: PaymentWorld) -> list[tuple[str, str]]:
    raised = world.aws.published("payment_codes.AttentionRaised.v1")
    return [(event["data"]["code"], event["subject"]) for event in raised]


def test_a_delivery_is_shown_at_the_code(world: PaymentWorld) -> None:
    code, _ = _mailed(world)
    (mail,) = _mails(world, code)
    assert (mail["status"], mail["language"]) == ("sent", "el")
    assert CUSTOMER["email"] not in json.dumps(mail)  # masked like everywhere
    for _ in range(2):
        _report(world, mail["id"], "Delivery")
    assert [each["status"] for each in _mails(world, code)] == ["delivered"]
    assert _attention(world) == []
    history = world.call("GET", f"{BASE}/{code['id']}/history").json()["items"]
    assert [line["action"] for line in history].count("code.sent") == 1


@pytest.mark.parametrize(("event", "state"), [("Bounce", "bounced"), ("Complaint", "complained")])
def test_an_address_that_does_not_want_us_gets_nothing_more(
    world: PaymentWorld, event: str, state: str
) -> None:
    code, mailer = _mailed(world)
    (mail,) = _mails(world, code)
    for _ in range(2):
        _report(world, mail["id"], event)
    assert [each["status"] for each in _mails(world, code)] == [state]
    assert _attention(world) == [(f"code_mail_{state}", f"payment_code:{code['id']}")]
    refused = world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    assert (refused.status, refused.json()["code"]) == (409, "address_suppressed")
    # The next code of the same customer, mailed by itself, and in capitals.
    world.call("PUT", f"{BASE}/organisation", _wishes_mail(world), headers=_etag(world))
    customer = {**CUSTOMER, "email": str(CUSTOMER["email"]).upper()}
    later = world.issue(customer=customer)
    assert [each["status"] for each in _mails(world, later)] == ["suppressed"]
    assert world.code(later["id"])["status"] == "issued"
    assert _attention(world) == [("code_mail_suppressed", f"payment_code:{later['id']}")]
    assert len(mailer.sent) == 1


def _wishes_mail(world: PaymentWorld) -> dict[str, Any]:
    now = world.call("GET", f"{BASE}/organisation").json()
    return {"org_code": now["org_code"], "provider": now["provider"], "mail_on_issue": True}


def _etag(world: PaymentWorld) -> dict[str, str]:
    version = world.call("GET", f"{BASE}/organisation").json()["version"]
    return {"if-match": f'"v{version}"'}


def test_a_full_mailbox_is_told_and_may_be_tried_again(world: PaymentWorld) -> None:
    code, mailer = _mailed(world)
    (mail,) = _mails(world, code)
    _report(world, mail["id"], "Bounce", bounce={"bounceType": "Transient"})
    assert [each["status"] for each in _mails(world, code)] == ["bounced"]
    assert world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"}).status == 202
    world.work()
    first, second = _mails(world, code)
    _report(world, second["id"], "Delivery")
    assert [each["status"] for each in _mails(world, code)] == ["bounced", "delivered"]
    cleared = world.aws.published("payment_codes.AttentionCleared.v1")
    assert [event["data"]["key"] for event in cleared] == [f"code_mail:{code['id']}"]
    assert len(mailer.sent) == 2
    # The same address for good after all: then it is silent although the state was known before.
    _report(world, first["id"], "Bounce")
    assert world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"}).status == 409


def test_a_report_settles_a_mail_of_which_nobody_knew(world: PaymentWorld) -> None:
    """L4: the answer of the hand-over was lost, the mail was not."""
    code, mailer = _mailed(world, MailResult.UNKNOWN)
    (mail,) = _mails(world, code)
    assert (mail["status"], world.code(code["id"])["status"]) == ("unknown", "issued")
    assert _attention(world) == [("code_mail_unknown", f"payment_code:{code['id']}")]
    _report(world, mail["id"], "Delivery")
    assert [each["status"] for each in _mails(world, code)] == ["delivered"]
    assert world.code(code["id"])["status"] == "sent"
    assert len(world.aws.published("payment_codes.AttentionCleared.v1")) == 1
    assert len(mailer.sent) == 1


def test_a_report_that_overtakes_our_own_commit_counts(
    world: PaymentWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L6: the service tells of the bounce before the worker wrote that it handed the mail over."""
    mailer = Mailer()
    world.app.own_mailer = mailer
    world.app.__dict__.pop("mailer", None)
    world.organisation("offline")
    code = world.issue()
    hand_over = mailer.send

    def quick(mail: CodeMail, *rest: Any) -> Any:
        outcome = hand_over(mail, *rest)
        _report(world, mail.id, "Bounce")
        return outcome

    monkeypatch.setattr(mailer, "send", quick)
    world.call("POST", f"{BASE}/{code['id']}/send", {"channel": "email"})
    assert world.work() == []
    assert [each["status"] for each in _mails(world, code)] == ["bounced"]
    assert world.code(code["id"])["status"] == "sent"
    assert len(mailer.sent) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant": OTHER},
        {"tenant": "none"},
        {"eventType": "DeliveryDelay"},
        {"mail": None},
        {"mail": {"messageId": "m-1", "tags": {}}},
        {"mail": {"messageId": "m-1", "tags": {"kopru-message": ["01JXQ60A1B2C3D4E5F6G7H8J9P"]}}},
    ],
)
def test_a_report_that_is_not_about_our_mail_changes_nothing(
    world: PaymentWorld, changes: dict[str, Any]
) -> None:
    code, _ = _mailed(world)
    (mail,) = _mails(world, code)
    before = world.aws.rows("core")
    _report(world, mail["id"], "Complaint", **changes)
    assert world.aws.rows("core") == before


def test_another_hand_over_than_ours_changes_nothing(world: PaymentWorld) -> None:
    code, _ = _mailed(world)
    (mail,) = _mails(world, code)
    tags = {"kopru-tenant": [TENANT], "kopru-code-mail": [mail["id"]]}
    before = world.aws.rows("core")
    _report(world, mail["id"], "Complaint", mail={"messageId": "somebody-elses", "tags": tags})
    assert world.aws.rows("core") == before


def test_any_order_and_repetition_of_reports_ends_in_the_same_state() -> None:
    """I-21."""
    from kernel.sensitive import Email

    mail = CodeMail("M", "C", Email("a@b.example"), "el", state=MailState.SENDING, attempts=1)
    news = (MailNews.SENT, MailNews.DELIVERED, MailNews.BOUNCED, MailNews.COMPLAINED)
    for size in range(1, len(news) + 1):
        for chosen in itertools.combinations(news, size):
            ends = set()
            for order in itertools.permutations((*chosen, chosen[0])):
                after = mail
                for each in order:
                    after = joined(after, each, "m-1")
                ends.add(after)
            assert len(ends) == 1, chosen
            assert ends.pop().state.value == chosen[-1].value
