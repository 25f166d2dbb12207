"""Mails are kept, found again, and reported about as SES would."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloud.mail import MailRefusedError, MailStore, Outcome

SET = "kopru-mail"
ALL_EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "OPEN", "CLICK", "DELIVERY_DELAY"]


class Post:
    """A store whose events are collected."""

    def __init__(self, path: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self.store = MailStore(
            path, region="eu-central-1", now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC)
        )
        self.store.delay_seconds = 0.05
        self.store.use_event_types({SET: ALL_EVENTS})

    def publish(self, **event: Any) -> str:
        self.events.append(event)
        return "id"

    def kinds(self, count: int) -> list[str]:
        """Event types, once so many have come."""
        for _ in range(200):
            if len(self.events) >= count:
                break
            time.sleep(0.02)
        return [event["detail"]["eventType"] for event in self.events]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path / "mail.sqlite")
    yield post
    post.store.stop()


def simple(to: str = "ada@example.com", **more: Any) -> dict[str, Any]:
    return {
        "FromEmailAddress": "Köprü <kopru@example.com>",
        "Destination": {"ToAddresses": [to], "CcAddresses": ["cc@example.com"]},
        "ReplyToAddresses": ["reply@example.com"],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Mutabakat mektubu"},
                "Body": {"Text": {"Data": "Sayın Ada"}, "Html": {"Data": "<p>Sayın Ada</p>"}},
            }
        },
        "ConfigurationSetName": SET,
        "EmailTags": [{"Name": "kopru-message", "Value": "01J"}],
        **more,
    }


def test_a_simple_mail_is_kept_whole(post: Post) -> None:
    message_id = post.store.send(simple())
    (mail,) = post.store.list()
    assert mail.message_id == message_id
    assert mail.sender == "Köprü <kopru@example.com>"
    assert (mail.to, mail.cc, mail.bcc) == (("ada@example.com",), ("cc@example.com",), ())
    assert mail.reply_to == ("reply@example.com",)
    assert (mail.subject, mail.text) == ("Mutabakat mektubu", "Sayın Ada")
    assert mail.html == "<p>Sayın Ada</p>"
    assert mail.tags == {"kopru-message": "01J"}
    assert mail.at == "2026-03-01T12:00:00.000Z"
    assert post.store.get(mail.id) == mail


def test_a_raw_mail_is_taken_apart(post: Post) -> None:
    message = EmailMessage()
    message["From"] = "kopru@example.com"
    message["To"] = "Ada <ada@example.com>, Ece <ece@example.com>"
    message["Subject"] = "Ödeme kodu"
    message["X-Reference"] = "42"
    message.set_content("metin")
    message.add_alternative("<p>metin</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="mektup.pdf")
    data = base64.b64encode(bytes(message)).decode()
    post.store.send({"Content": {"Raw": {"Data": data}}, "ConfigurationSetName": SET})
    (mail,) = post.store.list()
    assert mail.to == ("Ada <ada@example.com>", "Ece <ece@example.com>")
    assert (mail.subject, mail.text.strip()) == ("Ödeme kodu", "metin")
    assert mail.html.strip() == "<p>metin</p>"
    assert ("X-Reference", "42") in mail.headers
    (attachment,) = mail.attachments
    assert (attachment.filename, attachment.content_type) == ("mektup.pdf", "application/pdf")
    assert attachment.content == b"%PDF"


def test_envelope_recipients_replace_those_of_the_header(post: Post) -> None:
    message = EmailMessage()
    message["From"] = "kopru@example.com"
    message["To"] = "undisclosed@example.com"
    message.set_content("x")
    data = base64.b64encode(bytes(message)).decode()
    post.store.send(
        {"Content": {"Raw": {"Data": data}}, "Destination": {"ToAddresses": ["a@example.com"]}}
    )
    assert post.store.list()[0].to == ("a@example.com",)


@pytest.mark.parametrize(
    "request_",
    [
        simple(Destination={}),
        simple(Destination={"ToAddresses": [f"a{n}@example.com" for n in range(51)]}),
        simple(to="no address"),
        simple(FromEmailAddress=""),
        simple(ConfigurationSetName="absent"),
        simple(Content={"Template": {"TemplateName": "t"}}),
    ],
)
def test_what_ses_would_refuse_is_refused(post: Post, request_: dict[str, Any]) -> None:
    with pytest.raises(MailRefusedError):
        post.store.send(request_)
    assert post.store.count() == 0


def test_mails_are_listed_newest_first_and_searched(post: Post) -> None:
    for number in range(5):
        post.store.send(simple(to=f"person{number}@example.com"))
    newest = post.store.list(2)
    assert [mail.to[0] for mail in newest] == ["person4@example.com", "person3@example.com"]
    older = post.store.list(2, before_id=newest[-1].id)
    assert older[0].to == ("person2@example.com",)
    assert [mail.id for mail in post.store.list(search="person1@")] == [2]
    assert len(post.store.list(search="Mutabakat")) == 5
    for wild in ("nobody", "person_@", "p%n"):
        assert post.store.list(search=wild) == []
    assert post.store.get(99) is None


def test_a_mail_is_reported_as_sent_and_delivered(post: Post) -> None:
    message_id = post.store.send(simple())
    assert not post.store.reported()
    post.store.start(post.publish)
    assert post.kinds(2) == ["Send", "Delivery"]
    while not post.store.reported():
        time.sleep(0.01)
    event = post.events[1]
    assert (event["source"], event["detail_type"]) == ("aws.ses", "Email Delivered")
    mail: Mapping[str, Any] = event["detail"]["mail"]
    assert mail["messageId"] == message_id
    assert mail["destination"] == ["ada@example.com", "cc@example.com"]
    assert mail["tags"]["ses:configuration-set"] == [SET]
    assert mail["tags"]["kopru-message"] == ["01J"]
    assert event["detail"]["delivery"]["recipients"] == ["ada@example.com", "cc@example.com"]


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("bounce@simulator.amazonses.com", ["Send", "Bounce"]),
        ("complaint+x@simulator.amazonses.com", ["Send", "Complaint"]),
        ("success@simulator.amazonses.com", ["Send", "Delivery"]),
    ],
)
def test_simulator_addresses_have_their_fate(post: Post, address: str, kinds: list[str]) -> None:
    post.store.start(post.publish)
    post.store.send(simple(to=address))
    assert post.kinds(2) == kinds


def test_delivery_can_wait_for_a_person(post: Post) -> None:
    post.store.auto_deliver = False
    post.store.start(post.publish)
    post.store.send(simple())
    assert post.kinds(1) == ["Send"]
    time.sleep(0.2)
    outcomes: list[tuple[Outcome, str]] = [
        ("delay", "DeliveryDelay"),
        ("soft_bounce", "Bounce"),
        ("bounce", "Bounce"),
        ("delivery", "Delivery"),
        ("complaint", "Complaint"),
        ("open", "Open"),
        ("click", "Click"),
    ]
    for outcome, _ in outcomes:
        post.store.simulate(1, outcome)
    assert post.kinds(8)[1:] == [kind for _, kind in outcomes]
    details = [event["detail"] for event in post.events[1:]]
    assert details[1]["bounce"]["bounceType"] == "Transient"
    assert details[2]["bounce"]["bounceType"] == "Permanent"
    assert details[2]["bounce"]["bouncedRecipients"][0]["emailAddress"] == "ada@example.com"
    assert details[4]["complaint"]["complaintFeedbackType"] == "abuse"
    with pytest.raises(LookupError):
        post.store.simulate(99, "bounce")


def test_only_declared_events_are_published(post: Post) -> None:
    post.store.use_event_types({SET: ["BOUNCE"]})
    post.store.start(post.publish)
    post.store.send(simple())
    post.store.send(simple(to="bounce@simulator.amazonses.com"))
    assert post.kinds(1) == ["Bounce"]


def test_what_was_not_reported_before_a_restart_is_reported_after(tmp_path: Path) -> None:
    first = Post(tmp_path / "mail.sqlite")
    first.store.send(simple())
    first.store.stop()
    second = Post(tmp_path / "mail.sqlite")
    second.store.start(second.publish)
    assert second.kinds(2) == ["Send", "Delivery"]
    assert second.store.count() == 1
    second.store.stop()


def test_a_copy_holds_every_mail(post: Post, tmp_path: Path) -> None:
    post.store.send(simple())
    post.store.backup(tmp_path / "copy.sqlite")
    copy = Post(tmp_path / "copy.sqlite")
    assert copy.store.list() == post.store.list()
    copy.store.stop()
