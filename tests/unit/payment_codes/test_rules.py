"""Rules of payment codes: references, states, outcomes, keys, ledger, polling."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ConflictError, ParseError
from kernel.identifiers import rf
from kernel.money import Money
from payment_codes.domain import rf_reference
from payment_codes.domain.organisation import Organisation, ProviderKind
from payment_codes.domain.payment import (
    Judgement,
    Outcome,
    Payment,
    PaymentState,
    SourcePayment,
    assign,
    entries,
    judge,
    keyed,
)
from payment_codes.domain.payment_code import (
    LAST_SEQUENCE,
    CodeStatus,
    Customer,
    PaymentCode,
    Registration,
    ident_of,
    next_poll,
)
from payment_codes.domain.source import DocumentEvent, Source, SourceKind, reason_not_to_issue

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
TODAY = date(2026, 6, 1)
ORG = Organisation("O", "91234", ProviderKind.DIAS, "Δοκιμή ΑΕ")
RF = "RF91912346100000000000001"


def euro(minor: int) -> Money:
    return Money(minor, "EUR")


def code(amount: int | None = 125_000, **changes: object) -> PaymentCode:
    made = PaymentCode(
        id="C",
        code=RF,
        org_code="91234",
        ident=RF[10:],
        source=Source(SourceKind.REPAIR_ORDER, "RO-1"),
        customer=Customer("C-1", "Ελένη Δοκιμή"),
        description="",
        currency="EUR",
        amount=euro(amount) if amount is not None else None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def paid(minor: int, **changes: object) -> SourcePayment:
    made = SourcePayment(
        rf=RF,
        value_date=TODAY,
        booked_at=NOW,
        bank_code="ETHNGRAA",
        bank_name="",
        amount=euro(minor),
        provider_payment_id="P1",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def entry_of(source: SourcePayment, identity: str = "P") -> Payment:
    return Payment(
        id=identity,
        key=identity,
        provider="dias",
        source=source,
        outcome=Outcome.UNMATCHED,
        state=PaymentState.UNMATCHED,
        received_at=NOW,
    )


# ---------------------------------------------------------------------------- reference


@given(
    st.integers(0, 9999),
    st.integers(0, 10**15 - 1),
    st.none() | st.integers(1, 10**15),
    st.booleans(),
)
def test_every_issued_reference_reads_back(
    org: int, ident: int, minor: int | None, recurring: bool
) -> None:
    amount = euro(minor) if minor is not None else None
    made = rf_reference.encode(f"9{org:04d}", str(ident), amount, recurring=recurring)
    assert rf.is_valid(made.code)
    assert len(made.code) == 25
    assert rf_reference.decode(made.code) == made
    if amount is not None and not recurring:
        assert rf_reference.digit_matches(made, amount) is True


@pytest.mark.parametrize(
    ("org", "ident", "minor"),
    [
        ("81234", "1", 1),
        ("9123", "1", 1),
        ("９１２３４", "1", 1),
        ("91234", "", 1),
        ("91234", "1" * 16, 1),
        ("91234", "12a", 1),
        ("91234", "١", 1),
        ("91234", "1", -1),
    ],
)
def test_parts_outside_the_layout_are_refused(org: str, ident: str, minor: int) -> None:
    with pytest.raises(ParseError):
        rf_reference.encode(org, ident, euro(minor))


def test_identifications_do_not_wrap() -> None:
    assert ident_of("1", "00", LAST_SEQUENCE) == "100999999999999"
    for sequence in (0, LAST_SEQUENCE + 1):
        with pytest.raises(ConflictError):
            ident_of("1", "00", sequence)


# ---------------------------------------------------------------------------- states


@pytest.mark.parametrize(
    ("booked", "status"),
    [
        (0, CodeStatus.ISSUED),
        (1, CodeStatus.PARTIALLY_PAID),
        (124_994, CodeStatus.PARTIALLY_PAID),
        (124_995, CodeStatus.PAID),
        (125_000, CodeStatus.PAID),
        (125_005, CodeStatus.PAID),
        (125_006, CodeStatus.OVERPAID),
    ],
)
def test_money_decides_the_state_within_the_tolerance(booked: int, status: CodeStatus) -> None:
    assert code(paid=booked).judged(TODAY, tolerance=5) is status


def test_the_last_day_is_inside() -> None:
    ending = code(valid_until=TODAY)
    assert ending.judged(TODAY) is CodeStatus.ISSUED
    assert ending.judged(TODAY + timedelta(days=1)) is CodeStatus.EXPIRED
    full = replace(ending, paid=125_000)
    assert full.judged(TODAY + timedelta(days=1)) is CodeStatus.PAID


def test_open_amounts_are_never_paid_by_themselves() -> None:
    assert code(None, paid=10**9).judged(TODAY) is CodeStatus.PARTIALLY_PAID
    assert code(None).remaining is None


def test_a_code_with_money_is_not_cancelled() -> None:
    with pytest.raises(ConflictError, match="code_has_payments"):
        code(paid=1).cancelled("")


@pytest.mark.parametrize(
    ("status", "quiet", "wait"),
    [
        (CodeStatus.SENT, timedelta(minutes=5), timedelta(seconds=60)),
        (CodeStatus.SENT, timedelta(hours=2), timedelta(hours=1)),
        (CodeStatus.PAID, timedelta(minutes=5), timedelta(days=1)),
        (CodeStatus.EXPIRED, timedelta(days=401), None),
    ],
)
def test_recent_codes_are_asked_for_often_and_old_ones_rarely(
    status: CodeStatus, quiet: timedelta, wait: timedelta | None
) -> None:
    known = code(status=status, registration=Registration.REGISTERED)
    expected = None if wait is None else NOW + wait
    assert next_poll(known, NOW - quiet, NOW) == expected
    assert next_poll(code(status=status), NOW - quiet, NOW) is None


# ---------------------------------------------------------------------------- keys


def test_two_equal_payments_of_a_day_stay_two_in_any_order() -> None:
    rows = [paid(300, provider_payment_id=""), paid(300, provider_payment_id=""), paid(5)]
    expected = {item.key for item in keyed("dias", rows)}
    assert len(expected) == 3
    for order in permutations(rows):
        assert {item.key for item in keyed("dias", order)} == expected


def test_a_longer_list_keeps_the_keys_of_the_shorter() -> None:
    rows = [paid(300, provider_payment_id="")]
    longer = [*rows, paid(300, provider_payment_id=""), paid(7, provider_payment_id="P9")]
    assert {i.key for i in keyed("dias", rows)} < {i.key for i in keyed("dias", longer)}


def test_the_same_id_twice_is_a_repetition() -> None:
    marks = [item.repeats for item in keyed("dias", [paid(300), paid(300)])]
    assert marks == [False, True]


def test_originals_come_before_their_reversals() -> None:
    back = paid(300, provider_payment_id="P0", reversal_of="P1", booked_at=NOW - timedelta(days=1))
    assert [i.source.reversal_of for i in keyed("dias", [back, paid(300)])] == ["", "P1"]


# ---------------------------------------------------------------------------- outcomes


@pytest.mark.parametrize(
    ("source", "known", "outcome", "reason"),
    [
        (paid(125_000), code(), Outcome.EXACT, ""),
        (paid(1), code(), Outcome.UNDER, ""),
        (paid(125_001), code(), Outcome.OVER, ""),
        (paid(125_000), code(paid=125_000), Outcome.OVER, ""),
        (paid(7), code(None), Outcome.EXACT, ""),
        (paid(125_000), code(status=CodeStatus.CANCELLED), Outcome.LATE, ""),
        (paid(125_000), code(valid_until=date(2026, 5, 31)), Outcome.LATE, ""),
        (paid(125_000), code(valid_until=TODAY), Outcome.EXACT, ""),
        (paid(0), code(), Outcome.UNMATCHED, "not_positive"),
        (paid(5, amount=Money(5, "TRY")), code(), Outcome.UNMATCHED, "foreign_currency"),
        (paid(5, reversal_of="P0"), code(), Outcome.UNMATCHED, "reversal_of_unknown"),
        (paid(5), None, Outcome.UNMATCHED, "unknown_code"),
        (
            paid(5, rf="RF86900000000000000000001"),
            None,
            Outcome.UNMATCHED,
            "other_organisation",
        ),
        (paid(5, rf="RF00912348000000000000050"), None, Outcome.UNMATCHED, "invalid_code"),
        (paid(5, rf="RF86912348100000000000001"), code(), Outcome.UNMATCHED, "other_code"),
    ],
)
def test_every_payment_has_one_outcome(
    source: SourcePayment, known: PaymentCode | None, outcome: Outcome, reason: str
) -> None:
    judged = judge(entry_of(source), known, ORG, TODAY).payment
    assert (judged.outcome, judged.reason) == (outcome, reason)
    assert (judged.effect != 0) is (outcome is not Outcome.UNMATCHED)


def test_the_calendar_of_the_organisation_decides_what_is_late() -> None:
    midnight = datetime(2026, 6, 1, 21, 30, tzinfo=UTC)  # 00:30 of 2 June in Athens
    judged = judge(entry_of(paid(5, booked_at=midnight)), code(valid_until=TODAY), ORG, TODAY)
    assert judged.payment.late


def test_a_reversal_takes_back_no_more_than_was_paid() -> None:
    first = judge(entry_of(paid(1_000), "A"), code(), ORG, TODAY)
    assert first.code is not None
    back = entry_of(paid(1_001, provider_payment_id="P2", reversal_of="P1"), "B")
    assert judge(back, first.code, ORG, TODAY, first.payment).payment.reason == "reversal_too_large"
    part = entry_of(paid(400, provider_payment_id="P2", reversal_of="P1"), "B")
    second = judge(part, first.code, ORG, TODAY, first.payment)
    assert second.code is not None
    assert (second.payment.effect, second.code.paid) == (-400, 600)


Step = tuple[str, int]


@given(
    st.none() | st.integers(1, 500),
    st.lists(st.tuples(st.sampled_from(["pay", "late", "back"]), st.integers(1, 400)), max_size=12),
)
def test_the_ledger_is_what_the_code_says(amount: int | None, steps: list[Step]) -> None:
    """I-1, I-3: Σ debit = Σ credit; paid + remaining − surplus = document; nothing is lost."""
    now = code(amount, valid_until=TODAY)
    accounts: dict[str, int] = {}
    originals: list[Payment] = []
    received = 0
    for number, (kind, minor) in enumerate(steps):
        after_hours = NOW + timedelta(days=3 if kind == "late" else 0)
        source = paid(minor, provider_payment_id=f"P{number}", booked_at=after_hours)
        original = None
        if kind == "back":
            if not originals:
                continue
            original = originals[-1]
            source = replace(source, reversal_of=original.source.provider_payment_id)
        judged = judge(entry_of(source, f"{number}"), now, ORG, TODAY, original)
        if judged.payment.state is not PaymentState.BOOKED:
            continue
        assert judged.code is not None
        received += judged.payment.effect
        for entry in entries(now, judged.code):
            assert entry.amount > 0
            accounts[entry.debit] = accounts.get(entry.debit, 0) - entry.amount
            accounts[entry.credit] = accounts.get(entry.credit, 0) + entry.amount
        if original is not None:
            originals[-1] = replace(original, reversed=original.reversed + minor)
        else:
            originals.append(judged.payment)
        now = judged.code
    assert sum(accounts.values()) == 0
    assert -accounts.get("bank", 0) == now.paid == received
    assert accounts.get("suspense", 0) == now.late
    assert accounts.get("surplus", 0) == now.surplus.minor
    if amount is not None:
        assert accounts.get("receivable", 0) + now.due == amount


# ---------------------------------------------------------------------------- reasons


def reasons(judged: Judgement) -> list[str]:
    return [why.key.removeprefix("payment_codes.why.") for why in judged.payment.why]


@pytest.mark.parametrize(
    ("minor", "known", "said"),
    [
        (125_000, code(), ["exact"]),
        (124_999, code(), ["too_little"]),
        (125_001, code(), ["too_much"]),
        (500, code(None), ["open_amount"]),
        (125_000, code(valid_until=TODAY - timedelta(days=1)), ["exact", "after_last_day"]),
        (125_000, code(status=CodeStatus.CANCELLED), ["exact", "code_cancelled"]),
    ],
)
def test_every_outcome_says_why_with_the_figures_of_its_moment(
    minor: int, known: PaymentCode, said: list[str]
) -> None:
    judged = judge(entry_of(paid(minor)), known, ORG, TODAY)
    assert reasons(judged) == said
    params = judged.payment.why[0].params
    assert params["amount"] == euro(minor).to_api()
    if known.amount is not None:
        assert params["due"] == known.amount.to_api()


def test_a_difference_within_the_tolerance_says_so() -> None:
    judged = judge(entry_of(paid(124_950)), code(), replace(ORG, tolerance=100), TODAY)
    assert (judged.payment.outcome, reasons(judged)) == (Outcome.EXACT, ["within_tolerance"])
    assert judged.payment.why[0].params["difference"] == euro(50).to_api()


@pytest.mark.parametrize(
    ("source", "known"),
    [
        (paid(5), None),
        (paid(5, rf="RF23902018000009320427216"), None),
        (paid(5, rf="RF00"), None),
        (paid(-5), code()),
        (paid(5, amount=Money(5, "USD")), code()),
        (paid(10**12 + 1), code()),
        (paid(5, rf="RF86912348100000000000001"), code()),
        (paid(5, reversal_of="P0"), code()),
    ],
)
def test_what_waits_for_a_person_says_why(source: SourcePayment, known: PaymentCode | None) -> None:
    judged = judge(entry_of(source), known, ORG, TODAY)
    assert judged.payment.state is PaymentState.UNMATCHED
    assert reasons(judged) == [judged.payment.reason]


def test_what_a_person_gave_to_a_code_says_both() -> None:
    judged = assign(entry_of(paid(5)), code(), ORG, TODAY, "")
    assert reasons(judged) == ["given_by_person", "too_little"]
    part = assign(entry_of(paid(5)), code(), ORG, TODAY, "", whole=euro(9))
    assert part.payment.why[0].params == {"whole": euro(9).to_api()}


def test_a_reversal_names_the_payment_it_takes_back() -> None:
    first = judge(entry_of(paid(1_000), "A"), code(), ORG, TODAY)
    back = entry_of(paid(400, provider_payment_id="P2", reversal_of="P1"), "B")
    judged = judge(back, first.code, ORG, TODAY, first.payment)
    assert reasons(judged) == ["reversal"]
    assert judged.payment.why[0].params == {
        "amount": euro(400).to_api(),
        "original": euro(1_000).to_api(),
        "on": TODAY.isoformat(),
    }
    whole = entry_of(paid(1_001, provider_payment_id="P3", reversal_of="P1"), "C")
    assert reasons(judge(whole, first.code, ORG, TODAY, first.payment)) == ["reversal_too_large"]


# ---------------------------------------------------------------------------- documents


@pytest.mark.parametrize("event", list(DocumentEvent))
def test_the_customers_switch_is_stronger_than_everything(event: DocumentEvent) -> None:
    reason = reason_not_to_issue(event, wished=True, rule=True, customer_enabled=False)
    assert reason == "customer_disabled"


@given(st.sampled_from(list(DocumentEvent)), st.none() | st.booleans(), st.booleans())
def test_a_wish_on_the_document_decides_over_the_rule(
    event: DocumentEvent, wished: bool | None, rule: bool
) -> None:
    reason = reason_not_to_issue(event, wished=wished, rule=rule, customer_enabled=True)
    if wished is not None:
        assert (reason == "") is wished
    elif event is DocumentEvent.VEHICLE_ORDER_PAYMENT:
        assert reason == ""
    else:
        assert (reason == "") is rule
