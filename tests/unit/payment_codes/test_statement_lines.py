"""Codes in texts and the agreement of two sides, without any store (PAY-03)."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.bank_statement import Direction, LineKeys, Place, StatementEntry
from kernel.identifiers import rf
from kernel.ids import derived_id, is_id
from kernel.money import Money
from payment_codes.domain.statement_line import (
    LineOutcome,
    Listing,
    Settlement,
    Sighting,
    Sightings,
    StatementLine,
    chosen_code,
    decide_line,
    decide_listing,
    find_codes,
    line_of,
)
from toolkit.calendars import calendar

RF = "RF91912346100000000000001"
OTHER = "RF55912341100000000000001"
FOREIGN = "RF49923973001012300035905"
DAY = date(2026, 6, 3)
SETTLEMENT = Settlement(lambda: (calendar("GR"), calendar("XECB")))


def _entry(**changes: object) -> StatementEntry:
    fields: dict[str, object] = {
        "place": Place(1, "row"),
        "account": "A",
        "direction": Direction.CREDIT,
        "amount": Money(1_000, "EUR"),
        "booking_date": DAY,
        "value_date": DAY,
    }
    return StatementEntry(**{**fields, **changes})  # type: ignore[arg-type]


def _codes(*texts: str) -> tuple[str, ...]:
    return find_codes(_entry(remittance=texts)).codes


@pytest.mark.parametrize(
    "text",
    [
        RF,
        rf.format_groups(RF),
        RF.lower(),
        "ΡΦ" + RF[2:],
        "ρφ 91 9123 4610 0000 0000 0000 1",
        f"PLIROMI:{RF}/ΕΛΕΝΗ",
        f"αρ. {RF} 2026",
        "RF91-9123-4610-0000-0000-0000-1",
        "R F91.9123.4610.0000.0000.0000.1 EUR",
    ],
)
def test_codes_as_people_and_banks_write_them(text: str) -> None:
    assert _codes(text) == (RF,)


def test_a_code_cut_by_the_bank() -> None:
    assert _codes("SERVICE RF9191234610000", "0000000001 THANKS") == (RF,)


@pytest.mark.parametrize(
    "text", [RF[:-1] + "2", RF + "7", RF[:-1], "RF18539007547034", "91" + RF[4:], ""]
)
def test_a_pattern_is_not_a_code(text: str) -> None:
    assert _codes(text) == ()


def test_a_wrong_check_digit_is_noticed() -> None:
    assert find_codes(_entry(remittance=(RF[:-1] + "2",))).damaged is True
    assert find_codes(_entry(remittance=("rent",))).damaged is False


def test_the_structured_reference_comes_first() -> None:
    entry = _entry(creditor_references=(RF,), remittance=(OTHER,), end_to_end_id=FOREIGN)
    assert find_codes(entry).codes == (RF,)
    assert find_codes(_entry(remittance=("x",), end_to_end_id=FOREIGN)).codes == (FOREIGN,)
    both = find_codes(_entry(remittance=(f"{RF} {FOREIGN}",)))
    assert chosen_code(both, "91234") == RF
    assert chosen_code(find_codes(_entry(remittance=(f"{RF} {OTHER}",))), "91234") is None


@given(st.text("RFΡΦrf 0123456789-./x", max_size=120))
def test_whatever_is_found_is_a_valid_code(text: str) -> None:
    assert all(rf.fault(code) is None for code in _codes(text))


def test_ids_of_lines_follow_from_their_content() -> None:
    def ids(*entries: StatementEntry) -> list[str]:
        keys = LineKeys()
        return [keys.of(entry, RF) for entry in entries]

    twice = ids(_entry(), _entry())
    assert len(set(twice)) == 2
    assert twice == ids(_entry(place=Place(9, "elsewhere")), _entry())
    assert ids(_entry(bank_reference="B"))[0] not in twice
    assert all(is_id(each) for each in twice)
    assert derived_id("a") == derived_id("a") != derived_id("b")


def test_days_of_banks_and_payers() -> None:
    # Orthodox Good Friday and Easter Monday, open at TARGET; the western ones, open in Greece.
    assert SETTLEMENT.latest(date(2026, 4, 9)) == date(2026, 4, 14)
    assert SETTLEMENT.latest(date(2026, 4, 2)) == date(2026, 4, 7)
    assert SETTLEMENT.earliest(date(2026, 4, 14)) == date(2026, 4, 10)
    assert SETTLEMENT.latest(DAY) == DAY + timedelta(days=1)
    assert SETTLEMENT.earliest(DAY) == DAY
    assert SETTLEMENT.latest(date(1990, 1, 5)) == date(1990, 1, 8)


def _line(identity: str = "L", import_id: str = "I", **changes: object) -> StatementLine:
    return line_of(_entry(**changes), RF, identity, import_id)


def _listed(identity: str, *, paid: date = DAY, amount: int = 1_000, ref: str = "") -> Sighting:
    money = Money(amount, "EUR")
    return Sighting(
        identity, money, takes_back=False, listed=True, provider_payment_id=ref, paid=(paid,)
    )


def _decide(line: StatementLine, *items: Sighting) -> tuple[str, str, str]:
    verdict = decide_line(line, Sightings(1, items), SETTLEMENT)
    payment = verdict.sighting.payment_id if verdict.sighting is not None else ""
    return verdict.outcome.value, payment, verdict.reason


def test_the_same_id_wins_over_nearer_days() -> None:
    line = _line(bank_reference="X")
    near, named = _listed("near"), _listed("named", paid=DAY - timedelta(days=40), ref="X")
    assert _decide(line, near, named) == ("agreed", "named", "")
    other = _listed("named", amount=999, ref="X")
    assert _decide(line, near, other) == ("differs", "named", "amount_differs")


def test_days_decide_without_an_id() -> None:
    assert _decide(_line(), _listed("p", paid=DAY - timedelta(days=1))) == ("agreed", "p", "")
    assert _decide(_line(), _listed("p", paid=DAY + timedelta(days=1)))[0] == "differs"
    assert _decide(_line(), _listed("p", paid=DAY - timedelta(days=10)))[2] == "date_differs"
    assert _decide(_line(), _listed("p", paid=DAY - timedelta(days=11)))[0] == "booked"
    assert _decide(_line(), _listed("p", amount=1_001))[0] == "booked"
    two = (_listed("far", paid=DAY - timedelta(days=1)), _listed("same"))
    assert _decide(_line(), *two) == ("agreed", "same", "")


def test_a_line_of_another_file() -> None:
    shown = _listed("p").with_line(_line("L1", "first", bank_reference="B"))
    assert _decide(_line("L2", "second"), shown) == ("known", "p", "")
    assert _decide(_line("L2", "second", bank_reference="C"), shown)[0] == "booked"
    assert _decide(_line("L2", "first"), shown)[0] == "booked"
    assert (
        _decide(_line("L2", "second", booking_date=DAY + timedelta(days=1)), shown)[0] == "booked"
    )


_PAID = st.lists(st.tuples(st.integers(1, 2), st.integers(0, 3)), max_size=5)


@given(_PAID, _PAID, st.randoms(use_true_random=False))
def test_both_sides_agree_whatever_comes_first(
    listed: list[tuple[int, int]], extra: list[tuple[int, int]], chance: object
) -> None:
    """Every listed payment has its line, some have no listing: booked once each, in any order."""
    reports = [("list", *one) for one in listed] + [("line", *one) for one in listed + extra]
    chance.shuffle(reports)  # type: ignore[attr-defined]
    items: dict[str, Sighting] = {}
    booked: Counter[int] = Counter()
    for number, (side, amount, day) in enumerate(reports):
        paid = DAY + timedelta(days=40 * day)
        seen = Sightings(number, tuple(items.values()))
        money = Money(amount, "EUR")
        if side == "line":
            line = _line(f"L{number}", amount=money, booking_date=paid, value_date=paid)
            verdict = decide_line(line, seen, SETTLEMENT)
            fresh = Sighting(f"P{number}", money, takes_back=False).with_line(line)
        else:
            verdict = decide_listing(Listing(money, False, "", (paid,)), seen, SETTLEMENT)
            fresh = _listed(f"P{number}", paid=paid, amount=amount)
        if verdict.outcome is LineOutcome.BOOKED:
            items[fresh.payment_id] = fresh
            booked[amount] += 1
        else:
            assert verdict.sighting is not None
            known = verdict.sighting
            items[known.payment_id] = (
                known.with_line(line)
                if side == "line"
                else Sighting(
                    known.payment_id,
                    known.amount,
                    takes_back=False,
                    listed=True,
                    paid=(paid,),
                    line_id=known.line_id,
                    booked=known.booked,
                    import_id=known.import_id,
                )
            )
    assert booked == Counter(amount for amount, _ in listed + extra)
