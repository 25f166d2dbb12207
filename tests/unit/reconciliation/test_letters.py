"""Rules of letters: windows, texts, editions, answers, and sums that follow their lines."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ConflictError
from kernel.mail_delivery import MailNews, MailState, claimed, joined
from kernel.periods import DayWindow, Period
from kernel.sensitive import Email
from reconciliation.domain.figures import Figure, Part, tally
from reconciliation.domain.ledger import Direction, EntryState, Form, LedgerEntry
from reconciliation.domain.letter import (
    Basis,
    Letter,
    LetterMail,
    LetterState,
    Outcome,
    Reply,
    answered,
    closed_as,
    drafted,
    edition_of,
    renewed,
    with_mail,
)
from reconciliation.domain.letter_template import STARTING_TEXTS, filled, problems_of
from reconciliation.domain.mailing import (
    MailingSettings,
    next_open_day,
    next_reminder,
    open_on,
    period_of_window,
)
from reconciliation.domain.month_sums import MonthSums, contribution, tallies
from reconciliation.domain.parameters import EntryKind, rules_for
from tests.support.reconciliation_builders import fields, lira
from toolkit.calendars import calendar

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ROW = Figure(("c1",), Part(2, lira("6000.00")), Part(3, lira("7000.00")), True, ())


def letter(basis: Basis = Basis.FORM) -> Letter:
    made = edition_of(ROW, basis, lira("5000.00"), number=1, template="babs-tr/1", at=NOW)
    return drafted("L", Period(2026, 5), Form.BS, ROW, to="c1", language="tr", made=made)


def mail(name: str = "M", **changes: object) -> LetterMail:
    made = LetterMail(
        id=name,
        letter_id="L",
        counterparty_id="c1",
        period=Period(2026, 5),
        kind="letter",
        to=Email("a@b.example"),
        language="tr",
        edition=1,
        automatic=True,
        until=date(2026, 6, 10),
        asked_at=NOW.isoformat(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def answer(edition: int, outcome: Outcome = Outcome.AGREED) -> Reply:
    return Reply(outcome, edition, NOW.isoformat(), "link", "Ayşe Deneme")


# ---------------------------------------------------------------------------- letters


def test_our_sales_are_their_purchases() -> None:
    assert letter().their_form is Form.BA
    assert letter().edition.figure == ROW.form
    assert letter(Basis.ALL).edition.figure == ROW.all_documents


def test_an_answer_belongs_to_the_figures_that_were_shown() -> None:
    """L9, L10."""
    first = answered(letter(), answer(1))
    assert first.state is LetterState.AGREED
    second = answered(first, answer(1, Outcome.DISAGREED))
    assert second.state is LetterState.DISAGREED
    assert len(second.replies) == 2
    newer = renewed(second, second.edition)
    assert (newer.edition.number, newer.state) == (2, LetterState.DRAFT)
    with pytest.raises(ConflictError, match="letter_outdated"):
        answered(newer, answer(1))
    closed = closed_as(newer, LetterState.EXPIRED)
    with pytest.raises(ConflictError, match="letter_closed"):
        answered(closed, answer(2))
    with pytest.raises(ConflictError, match="letter_closed"):
        closed_as(closed, LetterState.WITHDRAWN)


def test_reports_in_any_order_end_the_same() -> None:
    """I-21, L6: all 720 orders, each report twice."""
    for order in itertools.permutations(MailNews):
        after = claimed(mail(), "attempt", NOW + timedelta(minutes=1))
        for news in (*order, *order):
            after = joined(after, news, "m-1")
        assert after.state is MailState.COMPLAINED, order
        assert with_mail(letter(), after).state is LetterState.BOUNCED


def test_the_best_of_its_mails_is_where_a_letter_stands() -> None:
    known = with_mail(letter(), mail("M1", state=MailState.BOUNCED))
    assert known.state is LetterState.BOUNCED
    known = with_mail(known, mail("M2", state=MailState.DELIVERED, sent_at=NOW.isoformat()))
    assert known.state is LetterState.DELIVERED
    assert known.sent_to == ("a***@b.example",)


# ---------------------------------------------------------------------------- windows


@given(st.integers(1, 31), st.integers(1, 31), st.integers(1, 12))
def test_a_window_opens_every_month_whatever_its_days(first: int, last: int, month: int) -> None:
    """L2: 12 × 31 × 31, with clamped ends and over the end of a month."""
    window = DayWindow(first, last)
    settings = MailingSettings(window=window, automatic=True, business_days_only=False)
    period = Period(2027, month)
    days = [period.first_day + timedelta(days=one) for one in range(period.days)]
    assert any(open_on(settings, day, calendar("TR")) for day in days)
    for day in days:
        if opening := window.opening(day):
            assert opening[0] <= day <= opening[1]
            assert period_of_window(settings, day) == Period.of(opening[0]).prev()


def test_closed_days_are_left_out_and_the_next_open_one_is_found() -> None:
    settings = MailingSettings(window=DayWindow(1, 5), automatic=True)
    # 1 May is a holiday, 2 and 3 May 2026 a week end.
    assert [open_on(settings, date(2026, 5, day), calendar("TR")) for day in (1, 2, 3, 4)] == [
        False,
        False,
        False,
        True,
    ]
    assert next_open_day(settings, date(2026, 4, 30), calendar("TR")) == date(2026, 5, 4)
    off = replace(settings, automatic=False)
    assert next_open_day(off, date(2026, 4, 30), calendar("TR")) is None
    assert not open_on(off, date(2026, 5, 4), calendar("TR"))


def test_reminders_end() -> None:
    settings = MailingSettings(reminder_days=(7, 14))
    sent = date(2026, 6, 1)
    assert [next_reminder(settings, sent, done) for done in (0, 1, 2)] == [
        date(2026, 6, 8),
        date(2026, 6, 15),
        None,
    ]


def test_settings_that_make_no_sense_are_told_at_once() -> None:
    wrong = MailingSettings(
        automatic=True, forms=(), reminder_days=(9, 3, 1, 70, 71, 72), answer_days=0
    )
    assert {problem.pointer for problem in wrong.problems()} == {
        "/reminder_days",
        "/forms",
        "/answer_days",
        "/sender_name",
    }


# ---------------------------------------------------------------------------- texts


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_the_starting_texts_claim_nothing(language: str) -> None:
    assert problems_of(STARTING_TEXTS[language]) == []


def test_a_value_is_never_read_as_a_place() -> None:
    assert filled("{sender} {period}", {"sender": "{period}", "period": "05/2026"}) == (
        "{period} 05/2026"
    )


# ---------------------------------------------------------------------------- sums

lines = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 4),
        st.integers(1, 500_000),
        st.sampled_from(tuple(Direction)),
        st.sampled_from((EntryKind.INVOICE, EntryKind.RENT, EntryKind.PAYMENT)),
        st.booleans(),
        st.booleans(),
        st.integers(1, 2),
    ),
    max_size=30,
)


@given(lines)
def test_sums_follow_any_history_of_lines(history: list[tuple[Any, ...]]) -> None:
    """New, corrected, cancelled and moved lines: the sums are what the lines say."""
    stored: dict[tuple[object, object], LedgerEntry] = {}
    sums: dict[tuple[str, Period], dict[str, int]] = {}
    for number, (card, line, net, direction, kind, electronic, cancelled, month) in enumerate(
        history
    ):
        of = replace(
            fields(f"{net}.00", on=date(2026, month, 5), kind=kind, direction=direction),
            is_electronic=electronic,
            cancelled=cancelled,
        )
        entry = LedgerEntry(f"c{card}", f"k{line}", of, f"{number:05d}")
        before = stored.get((card, line))
        for one, sign in ((before, -1), (entry, 1)):
            if one is not None:
                row = sums.setdefault((one.counterparty_id, one.fields.period), {})
                for name, step in contribution(one).items():
                    row[name] = row.get(name, 0) + sign * step
        stored[card, line] = entry
    for period in (Period(2026, 1), Period(2026, 2)):
        rules = rules_for(period)
        rows = [
            MonthSums(card, row) for (card, of_month), row in sums.items() if of_month == period
        ]
        left = [one for one in stored.values() if one.fields.period == period]
        assert all(one.state is EntryState.CURRENT for one in left)
        for direction in Direction:
            expected = tally(left, direction, rules)
            found = tallies(rows, direction, rules)
            assert {card: (one.paper, one.electronic) for card, one in found.items()} == {
                card: (one.paper, one.electronic) for card, one in expected.items()
            }
