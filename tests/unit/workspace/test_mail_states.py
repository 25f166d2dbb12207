"""What became of a mail is a join: any order and repetition of news ends in the same state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.mail_delivery import MailNews
from kernel.sensitive import Email
from workspace.domain.message import (
    MAX_ATTEMPTS,
    SETTLE,
    Message,
    MessageKind,
    MessageState,
    again,
    claimed,
    given_up,
    handed_over,
    joined,
    lost_sight_of,
    not_sent,
    refused,
    suppressed,
)

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
TO = Email("ayse@ornek.example")
QUEUED = Message("m", "t", MessageKind.INVITATION, "p", "tr")
CLAIMED = claimed(QUEUED, "a1", TO, "el", NOW + timedelta(seconds=30))


def _told(message: Message, news: list[MailNews]) -> Message:
    for item in news:
        message = joined(message, item, "ses-1", "2026-06-01T09:00:00Z")
    return message


@given(st.permutations(list(MailNews)), st.lists(st.sampled_from(list(MailNews)), max_size=6))
def test_news_in_any_order_and_number_end_the_same(
    order: list[MailNews], repeated: list[MailNews]
) -> None:
    assert _told(CLAIMED, [*order, *repeated]) == _told(CLAIMED, list(MailNews))


@given(
    st.lists(st.sampled_from(list(MailNews)), min_size=1, max_size=8),
    st.sampled_from(list(MailNews)),
)
def test_what_was_told_before_changes_nothing(news: list[MailNews], more: MailNews) -> None:
    told = _told(CLAIMED, news)
    assert _told(told, news) == told
    assert not told.in_flight
    complained = _told(_told(told, [MailNews.COMPLAINED]), [more])
    assert complained.state is MessageState.COMPLAINED


@pytest.mark.parametrize(
    ("news", "state"),
    [
        ([MailNews.SENT], MessageState.SENT),
        ([MailNews.DELIVERED, MailNews.SENT], MessageState.DELIVERED),
        ([MailNews.OPENED], MessageState.DELIVERED),
        ([MailNews.SENT, MailNews.REFUSED], MessageState.REFUSED),
        ([MailNews.BOUNCED, MailNews.DELIVERED], MessageState.BOUNCED),
        ([MailNews.COMPLAINED, MailNews.BOUNCED], MessageState.COMPLAINED),
    ],
)
def test_the_heaviest_news_counts(news: list[MailNews], state: MessageState) -> None:
    told = _told(CLAIMED, news)
    assert told.state is state
    assert told.provider_id == "ses-1"
    assert told.opened is (MailNews.OPENED in news)
    assert told.lease_until is None
    assert told.next_at is None


def test_a_claim_takes_address_language_and_a_lease() -> None:
    assert CLAIMED.state is MessageState.SENDING
    assert (CLAIMED.to, CLAIMED.language, CLAIMED.attempts) == (TO, "el", 1)
    assert CLAIMED.next_at == CLAIMED.lease_until == NOW + timedelta(seconds=30)


def test_handed_over_is_final_for_us() -> None:
    sent = handed_over(CLAIMED, "ses-1", "2026-06-01T09:00:01Z")
    assert sent.state is MessageState.SENT
    assert not sent.in_flight
    assert sent.sent_at == "2026-06-01T09:00:01Z"


def test_what_never_left_is_queued_again_and_costs_no_attempt() -> None:
    back = not_sent(CLAIMED, "Throttling", NOW)
    assert back.state is MessageState.QUEUED
    assert back.attempts == 0
    assert back.next_at == NOW + timedelta(minutes=1)
    late = not_sent(replace(CLAIMED, attempts=99), "Throttling", NOW)
    assert late.next_at == NOW + timedelta(hours=6)


def test_unknown_waits_for_news_then_once_more_then_a_person() -> None:
    unknown = lost_sight_of(CLAIMED, "ReadTimeoutError", NOW)
    assert unknown.state is MessageState.UNKNOWN
    assert unknown.next_at == NOW + SETTLE
    second = claimed(again(unknown), "a2", TO, "el", NOW)
    assert second.attempts == MAX_ATTEMPTS
    over = given_up(lost_sight_of(second, "x", NOW))
    assert over.state is MessageState.UNKNOWN
    assert over.next_at is None


def test_refused_and_suppressed_are_over() -> None:
    assert not refused(CLAIMED, "MessageRejected").in_flight
    stopped = suppressed(QUEUED, TO)
    assert stopped.state is MessageState.SUPPRESSED
    assert stopped.attempts == 0
