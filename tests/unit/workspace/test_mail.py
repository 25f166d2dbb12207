"""One mail, once: claim, hand over, commit; what is unknown is said; silence is pushed on."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kernel.errors import ConflictError
from kernel.mail_delivery import MailNews
from kernel.mail_reports import MailReport
from kernel.mailing import MailOutcome, MailResult
from kernel.sensitive import Email
from tests.unit.workspace.conftest import Desk
from workspace.application.send_mail import SendResult
from workspace.domain.incident import IncidentState
from workspace.domain.message import Message, MessageState
from workspace.domain.tenant import Tenant


@pytest.fixture
def queued(desk: Desk) -> tuple[Desk, Tenant, Message]:
    """A desk with one invitation waiting to be sent."""
    tenant = desk.tenant()
    desk.invite(tenant)
    desk.state.orders.clear()
    return desk, tenant, desk.message()


def _send(desk: Desk, message: Message, remaining: float = 30.0) -> SendResult:
    return desk.app.send_mail()(message.tenant_id, message.id, lambda: remaining)


def _report(message: Message, news: MailNews, provider_id: str = "ses-1") -> MailReport:
    return MailReport(news, message.tenant_id, message.id, provider_id, permanent=True)


def test_a_mail_is_claimed_handed_over_and_committed(
    queued: tuple[Desk, Tenant, Message],
) -> None:
    desk, tenant, message = queued
    during: list[MessageState] = []
    desk.mailer.during = lambda: during.append(desk.message().state)
    assert _send(desk, message) is SendResult.DONE
    sent = desk.message()
    assert during == [MessageState.SENDING]
    assert sent.state is MessageState.SENT
    assert sent.provider_id == "ses-1"
    assert sent.to is not None
    assert desk.mailer.sent[0].company == tenant.name
    assert desk.mailer.sent[0].link.startswith("http://localhost:8000/invitations/")
    assert (tenant.id, message.id) not in desk.state.due


def test_a_second_order_sends_nothing(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, _, message = queued
    _send(desk, message)
    assert _send(desk, message) is SendResult.DONE
    assert len(desk.mailer.sent) == 1


def test_an_unknown_mail_is_no_work(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, tenant, _ = queued
    send = desk.app.send_mail()
    assert send(tenant.id, "01KT16JKM0ZZZZZZZZZZZZZZZZ", lambda: 30.0) is SendResult.DONE
    assert desk.mailer.sent == []


def test_no_hand_over_begins_without_time_to_commit(
    queued: tuple[Desk, Tenant, Message],
) -> None:
    desk, _, message = queued
    assert _send(desk, message, remaining=13.9) is SendResult.LATER
    assert desk.message().state is MessageState.QUEUED
    assert _send(desk, message, remaining=14.0) is SendResult.DONE


def test_a_live_lease_is_respected_and_a_dead_one_is_unknown(
    queued: tuple[Desk, Tenant, Message],
) -> None:
    desk, _, message = queued

    class Killed(BaseException):
        """The process died."""

    def die() -> None:
        raise Killed

    desk.mailer.during = die
    with pytest.raises(Killed):
        _send(desk, message)
    desk.mailer.during = None
    assert desk.message().state is MessageState.SENDING
    assert _send(desk, message) is SendResult.LATER, "somebody may be alive"
    desk.later(seconds=36)
    assert _send(desk, message) is SendResult.DONE
    assert desk.message().state is MessageState.UNKNOWN
    assert len(desk.mailer.sent) == 1, "never a blind resend"


def test_two_senders_at_once_send_once(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, _, message = queued
    second: list[SendResult] = []
    desk.mailer.during = lambda: second.append(_send(desk, message))
    _send(desk, message)
    assert second == [SendResult.LATER]
    assert len(desk.mailer.sent) == 1


def test_a_race_to_the_claim_has_one_winner(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, tenant, message = queued
    key = (tenant.id, message.id)
    read = desk.app.store.message

    def stale(tenant_id: str, message_id: str) -> Message | None:
        found = read(tenant_id, message_id)
        desk.state.messages[key] = replace(
            desk.state.messages[key], stamp=replace(message.stamp, version=9)
        )
        return found

    desk.app.store.message = stale  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        _send(desk, message)
    assert desk.mailer.sent == []


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (MailOutcome(MailResult.REFUSED, code="MessageRejected"), MessageState.REFUSED),
        (MailOutcome(MailResult.NOT_SENT, code="Throttling"), MessageState.QUEUED),
        (MailOutcome(MailResult.UNKNOWN, code="ReadTimeout"), MessageState.UNKNOWN),
    ],
)
def test_every_outcome_has_its_state(
    queued: tuple[Desk, Tenant, Message], outcome: MailOutcome, state: MessageState
) -> None:
    desk, tenant, message = queued
    desk.mailer.outcomes = [outcome]
    assert _send(desk, message) is SendResult.DONE
    after = desk.message()
    assert (after.state, after.code) == (state, outcome.code)
    assert ((tenant.id, message.id) in desk.state.due) is after.in_flight


def test_address_and_language_are_those_of_the_moment(
    queued: tuple[Desk, Tenant, Message],
) -> None:
    desk, _, message = queued
    desk.app.save_preferences()(message.person_id, language="el")
    _send(desk, message)
    assert desk.mailer.sent[0].message.language == "el"
    assert desk.message().to == desk.state.persons[message.person_id].email


def test_nothing_goes_to_a_suppressed_address(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, _, message = queued
    desk.state.suppressed["digest:yeni@ornek.example"] = "bounced"
    assert _send(desk, message) is SendResult.DONE
    assert desk.mailer.sent == []
    assert desk.message().state is MessageState.SUPPRESSED
    assert desk.state.links == {}


# ---------------------------------------------------------------------------- news


def test_news_that_overtakes_the_commit_is_kept(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, _, message = queued
    record = desk.app.record_mail_event()

    def news() -> None:
        record(_report(message, MailNews.DELIVERED))

    desk.mailer.during = news
    _send(desk, message)
    assert desk.message().state is MessageState.DELIVERED


def test_bounces_and_complaints_silence_the_address(
    queued: tuple[Desk, Tenant, Message],
) -> None:
    desk, _, message = queued
    _send(desk, message)
    record = desk.app.record_mail_event()
    assert record(_report(message, MailNews.DELIVERED))
    assert desk.state.suppressed == {}
    soft = replace(_report(message, MailNews.BOUNCED), permanent=False)
    assert record(soft)
    assert desk.state.suppressed == {}
    assert record(_report(message, MailNews.BOUNCED))
    assert desk.state.suppressed == {"digest:yeni@ornek.example": "bounced"}
    assert record(_report(message, MailNews.COMPLAINED))
    assert desk.message().state is MessageState.COMPLAINED
    before = desk.message()
    assert record(_report(message, MailNews.DELIVERED))
    assert desk.message() == before, "nothing new is nothing written"


@pytest.mark.parametrize(
    "forge",
    [
        lambda report: replace(report, mail_id="01KT16JKM0ZZZZZZZZZZZZZZZZ"),
        lambda report: replace(report, tenant_id=""),
        lambda report: replace(report, provider_id="ses-of-somebody"),
    ],
)
def test_a_forged_report_silences_nobody(
    queued: tuple[Desk, Tenant, Message], forge: Callable[[MailReport], MailReport]
) -> None:
    desk, _, message = queued
    _send(desk, message)
    before = desk.message()
    assert not desk.app.record_mail_event()(forge(_report(message, MailNews.COMPLAINED)))
    assert desk.state.suppressed == {}
    assert desk.message() == before


def test_a_report_about_a_mail_never_handed_over_is_not_ours(
    queued: tuple[Desk, Tenant, Message],
) -> None:
    desk, _, message = queued
    assert not desk.app.record_mail_event()(_report(message, MailNews.BOUNCED))


# ---------------------------------------------------------------------------- sweep


def test_a_lost_order_is_given_again(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, _, _ = queued
    sweep = desk.app.sweep_messages()
    assert sum(sweep().values()) == 0
    desk.later(minutes=3)
    assert sweep()["requeued"] == 1
    desk.run_mail()
    assert desk.message().state is MessageState.SENT
    desk.later(days=400)
    assert sum(sweep().values()) == 0


def test_silence_means_one_resend_and_then_a_person(
    queued: tuple[Desk, Tenant, Message],
) -> None:
    desk, tenant, message = queued
    sweep = desk.app.sweep_messages()
    unknown = MailOutcome(MailResult.UNKNOWN, code="ReadTimeout")
    desk.mailer.outcomes = [unknown, unknown]
    _send(desk, message)
    desk.later(minutes=59)
    assert sum(sweep().values()) == 0
    desk.later(minutes=2)
    assert sweep()["resent"] == 1
    desk.run_mail()
    assert len(desk.mailer.sent) == 2
    desk.later(hours=2)
    assert sweep()["given_up"] == 1
    (incident,) = desk.state.incidents.values()
    assert incident.code == "mail_unknown"
    assert incident.subject == f"message:{message.id}"
    assert desk.message().state is MessageState.UNKNOWN
    desk.later(days=30)
    assert sum(sweep().values()) == 0
    assert desk.app.record_mail_event()(_report(message, MailNews.DELIVERED, "ses-of-attempt-1"))
    assert desk.message().state is MessageState.DELIVERED
    assert desk.state.incidents[tenant.id, incident.id].state is IncidentState.OPEN


def test_news_makes_the_resend_unnecessary(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, _, message = queued
    desk.mailer.outcomes = [MailOutcome(MailResult.UNKNOWN)]
    _send(desk, message)
    desk.app.record_mail_event()(_report(message, MailNews.SENT))
    desk.later(hours=2)
    assert sum(desk.app.sweep_messages()().values()) == 0
    assert len(desk.mailer.sent) == 1


def test_a_dead_sender_is_found(queued: tuple[Desk, Tenant, Message]) -> None:
    desk, _, message = queued

    class Killed(BaseException):
        """The process died."""

    def die() -> None:
        raise Killed

    desk.mailer.during = die
    with pytest.raises(Killed):
        _send(desk, message)
    desk.later(minutes=1)
    assert desk.app.sweep_messages()()["lost"] == 1
    assert desk.message().state is MessageState.UNKNOWN


def test_a_reset_mail_given_up_opens_no_incident(desk: Desk) -> None:
    tenant = desk.tenant()
    desk.person(tenant)

    desk.app.request_password_reset()(Email("owner@ornek.example"), language="tr", source_ip="ip")
    desk.mailer.outcomes = [MailOutcome(MailResult.UNKNOWN)] * 2
    desk.run_mail()
    for _ in range(2):
        desk.later(hours=2)
        desk.app.sweep_messages()()
        desk.run_mail()
    assert desk.message().state is MessageState.UNKNOWN
    assert desk.state.incidents == {}
