"""The period dialect word for word: what is written, what is read, what is not believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Secret, Tckn
from pensions.adapters.insurers.configs import CONFIGS
from pensions.adapters.insurers.dialect import StandingRow
from pensions.adapters.insurers.exchange import ForeignAnswerError
from pensions.adapters.insurers.period_async import transformers
from pensions.adapters.insurers.period_async.faults import (
    COLLECTION_WORDS,
    EXISTING,
    FAULTS,
    MEMBER_WORDS,
    POLICY_WORDS,
    RECEIPT_WORDS,
)
from pensions.domain.error_dictionary import PROVIDER_CODES
from pensions.domain.member_status import MemberState
from pensions.domain.outcome import (
    AnswerWord,
    FaultMeaning,
    NotSentReason,
    ParsedAnswer,
    ParsedFault,
    ParsedLine,
)
from pensions.domain.provider import Dialect
from pensions.ports import Connection, MemberRef
from tests.support.insurer_world import USUAL, identity_number, payment, people, person
from toolkit.soap.client import SoapFault

CONFIG = CONFIGS["vakif"]
CONNECTION = Connection("vakif", "KM013870", "001", "ws", Secret(USUAL))
LOGIN = {"YETKI": {"KULLANICI": "ws", "SIFRE": USUAL}, "SOZNO": "KM013870"}
ONE, TWO = people(2)
SUM = payment(ONE, "VE1")
KEYS = transformers.enrolment_keys([ONE, TWO])
SUM_KEYS = transformers.collection_keys([SUM])


def test_an_enrolment_in_its_words() -> None:
    request = transformers.enrolment_request(CONFIG, CONNECTION, USUAL, "T-1", [ONE])
    assert request == {
        **LOGIN,
        "GONDERIMNO": "T-1",
        "SOZKOD": "001",
        "KISI": [
            {
                "TCKN": identity_number(1),
                "ADI": "IŞIL",
                "SOYADI": "ÖĞÜT ŞEN",
                "DOGTAR": "19900102",
                "CINSIYET": "2",
                "CEPTEL": "05321234567",
                "EPOSTA": "isil@example.com",
                "IBAN": "TR330006100519786457841326",
                "GIRTAR": "20260401",
                "FON": "FAIZSIZ",
                "ORANBP": 300,
            }
        ],
    }


def test_a_contribution_in_its_words() -> None:
    request = transformers.collection_request(CONNECTION, USUAL, "T-2", [SUM])
    assert request == {
        **LOGIN,
        "GONDERIMNO": "T-2",
        "SOZKOD": "001",
        "ODEME": [
            {
                "TCKN": identity_number(1),
                "POLICENO": "VE1",
                "DONEM": "202604",
                "ODEMETAR": "20260504",
                "TUTARKRS": 104_200,
                "ORANBP": 300,
            }
        ],
    }


def test_questions_span_the_months_of_their_lines() -> None:
    early = person(3, hired_on=date(2025, 12, 31))
    assert transformers.enrolment_query(CONNECTION, USUAL, [ONE, early]) == {
        **LOGIN,
        "BASDONEM": "202512",
        "BITDONEM": "202604",
        "TCKN": sorted([identity_number(1), identity_number(3)]),
    }
    later = payment(TWO, "VE2", period=Period(2026, 6))
    asked = transformers.collection_query(CONNECTION, USUAL, [SUM, later])
    assert (asked["BASDONEM"], asked["BITDONEM"]) == ("202604", "202606")


def test_members_are_asked_once_each() -> None:
    member = MemberRef("L1", Tckn(identity_number(1)), None)
    asked = transformers.members_request(CONNECTION, USUAL, [member, member])
    assert asked == {**LOGIN, "TCKN": [identity_number(1)]}


def test_the_same_person_twice_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="told apart"):
        transformers.enrolment_request(
            CONFIG, CONNECTION, USUAL, "T-1", [ONE, replace(ONE, line_key="other")]
        )


def test_two_payments_of_one_person_need_two_days() -> None:
    bonus = replace(SUM, line_key="bonus", amount=Money(100, "TRY"))
    with pytest.raises(ValueError, match="told apart"):
        transformers.collection_request(CONNECTION, USUAL, "T-2", [SUM, bonus])
    later = replace(bonus, paid_on=date(2026, 5, 5))
    assert len(transformers.collection_keys([SUM, later])) == 2


@pytest.mark.parametrize(
    ("rate", "points"), [("3.00", 300), ("3", 300), ("10.25", 1025), ("0.01", 1)]
)
def test_rates_are_hundredths_of_a_percent(rate: str, points: int) -> None:
    assert transformers.basis_points(Rate(Decimal(rate))) == points


def test_a_finer_rate_cannot_be_said() -> None:
    with pytest.raises(ValueError, match="finer"):
        transformers.basis_points(Rate(Decimal("3.005")))


def receipt(**changes: object) -> dict[str, object]:
    row = {
        "TCKN": identity_number(1),
        "ODEMETAR": None,
        "DURUM": "ALINDI",
        "HATAKOD": None,
        "TUTARKRS": None,
    }
    return {**row, **changes}


@pytest.mark.parametrize("status", [*RECEIPT_WORDS, "KABUL", ""])
def test_a_receipt_is_never_an_acceptance(status: str) -> None:
    body = {"GONDERIMNO": "T-1", "SONUC": [receipt(DURUM=status)]}
    parsed = transformers.parse_enrolment_receipt(CONFIG, KEYS, body)
    assert parsed.reference == "T-1"
    assert parsed.lines[0].word is RECEIPT_WORDS.get(status, AnswerWord.UNKNOWN)
    assert parsed.lines[0].word is not AnswerWord.ACCEPTED


def test_a_refusal_keeps_its_code() -> None:
    body = {"GONDERIMNO": "T-1", "SONUC": [receipt(DURUM="RED", HATAKOD="VKFADS01")]}
    (line,) = transformers.parse_enrolment_receipt(CONFIG, KEYS, body).lines
    assert line == ParsedLine("L0001", AnswerWord.REJECTED, None, None, "name_mismatch", "VKFADS01")


@pytest.mark.parametrize("code", sorted(EXISTING))
def test_we_have_it_already_is_not_a_refusal(code: str) -> None:
    body = {"GONDERIMNO": "T-1", "SONUC": [receipt(DURUM="RED", HATAKOD=f"VKF{code}")]}
    (line,) = transformers.parse_enrolment_receipt(CONFIG, KEYS, body).lines
    assert line.word is AnswerWord.EXISTS
    assert code in PROVIDER_CODES[Dialect.PERIOD_ASYNC]


def test_a_receipt_of_a_payment_is_found_by_person_and_day() -> None:
    rows = [
        receipt(ODEMETAR="20260504", TUTARKRS=104_200),
        receipt(ODEMETAR="20260505", TUTARKRS=1),
        receipt(),
    ]
    body = {"GONDERIMNO": "T-2", "SONUC": rows}
    parsed = transformers.parse_collection_receipt(CONFIG, SUM_KEYS, body)
    assert [line.line_key for line in parsed.lines] == ["P0001", None, None]
    assert parsed.lines[0].amount == Money(104_200, "TRY")


def policy(**changes: object) -> dict[str, object]:
    row = {
        "KANAL": "WS",
        "GONDERIMNO": "T-1",
        "TCKN": identity_number(1),
        "DURUM": "POLICELESTI",
        "POLICENO": "VE1",
        "HATAKOD": None,
    }
    return {**row, **changes}


def of_policies(*rows: dict[str, object]) -> tuple[ParsedLine, ...]:
    body = {"SOZNO": "KM013870", "KAYIT": list(rows)}
    parsed = transformers.parse_enrolment_period(CONFIG, CONNECTION, "T-1", KEYS, body)
    assert parsed.reference == "T-1"
    return parsed.lines


@pytest.mark.parametrize("status", [*POLICY_WORDS, "YENI"])
def test_our_row_speaks_for_the_line(status: str) -> None:
    (line,) = of_policies(policy(DURUM=status))
    assert line.word is POLICY_WORDS.get(status, AnswerWord.UNKNOWN)


def test_rows_of_other_transmissions_are_silent_where_we_have_our_own() -> None:
    old = policy(GONDERIMNO="T-0", DURUM="RED", POLICENO=None, HATAKOD="VKFADS01")
    typed = policy(KANAL="EKRAN", GONDERIMNO=None, POLICENO="VE9")
    (line,) = of_policies(old, policy(), typed)
    assert (line.word, line.policy_no) == (AnswerWord.ACCEPTED, "VE1")


def test_a_policy_from_elsewhere_exists() -> None:
    for row in (
        policy(KANAL="EKRAN", GONDERIMNO=None, POLICENO="VE9"),
        policy(GONDERIMNO="T-0", POLICENO="VE9"),
    ):
        (line,) = of_policies(row)
        assert (line.line_key, line.word, line.policy_no) == ("L0001", AnswerWord.EXISTS, "VE9")


def test_refusals_and_waiting_rows_of_others_say_nothing() -> None:
    assert (
        of_policies(
            policy(GONDERIMNO="T-0", DURUM="RED"),
            policy(GONDERIMNO="T-0", DURUM="BEKLIYOR"),
            policy(TCKN=identity_number(99)),
        )
        == ()
    )


def collected(**changes: object) -> dict[str, object]:
    row = {
        "KANAL": "WS",
        "GONDERIMNO": "T-2",
        "TCKN": identity_number(1),
        "POLICENO": "VE1",
        "DONEM": "202604",
        "ODEMETAR": "20260504",
        "TUTARKRS": 104_200,
        "DURUM": "ISLENMISTIR",
        "HATAKOD": None,
    }
    return {**row, **changes}


def of_collections(*rows: dict[str, object]) -> tuple[ParsedLine, ...]:
    body = {"SOZNO": "KM013870", "KAYIT": list(rows)}
    return transformers.parse_collection_period(CONFIG, CONNECTION, "T-2", SUM_KEYS, body).lines


@pytest.mark.parametrize("status", [*COLLECTION_WORDS, "YENI"])
def test_a_collection_is_processed_waiting_refused_or_unknown(status: str) -> None:
    (line,) = of_collections(collected(DURUM=status))
    assert line.word is COLLECTION_WORDS.get(status, AnswerWord.UNKNOWN)
    assert line.amount == Money(104_200, "TRY")


def test_a_payment_of_another_transmission_is_another_payment() -> None:
    assert of_collections(collected(GONDERIMNO="T-0")) == ()


def test_a_payment_typed_in_for_the_same_day_exists() -> None:
    (line,) = of_collections(collected(KANAL="EKRAN", GONDERIMNO=None))
    assert line.word is AnswerWord.EXISTS
    assert of_collections(collected(KANAL="EKRAN", GONDERIMNO=None, DURUM="BEKLIYOR")) == ()
    assert of_collections(collected(KANAL="EKRAN", GONDERIMNO="", ODEMETAR="20260505")) == ()


def test_an_answer_about_another_contract_is_foreign() -> None:
    body = {"SOZNO": "other", "KAYIT": [], "DURUM": "TAMAM"}
    for parse in (
        lambda: transformers.parse_enrolment_period(CONFIG, CONNECTION, "T-1", KEYS, body),
        lambda: transformers.parse_collection_period(CONFIG, CONNECTION, "T-2", SUM_KEYS, body),
        lambda: transformers.parse_access(CONNECTION, body),
        lambda: transformers.parse_standings(CONNECTION, [], body),
    ):
        with pytest.raises(ForeignAnswerError):
            parse()


def test_access_is_tamam_or_nothing() -> None:
    transformers.parse_access(CONNECTION, {"SOZNO": "KM013870", "DURUM": "TAMAM"})
    with pytest.raises(ValueError, match="neither"):
        transformers.parse_access(CONNECTION, {"SOZNO": "KM013870", "DURUM": "OLUR"})


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20260520", date(2026, 5, 20)),
        ("20260230", None),
        ("2026-05-20", None),
        ("", None),
        (None, None),
    ],
)
def test_a_standing_is_read(text: str | None, day: date | None) -> None:
    member = MemberRef("L1", Tckn(identity_number(1)), "VE1")
    for word, state in [*MEMBER_WORDS.items(), ("YENI", None)]:
        row = {
            "TCKN": identity_number(1),
            "DURUM": word,
            "POLICENO": "VE1",
            "DURUMTAR": text,
        }
        stranger = {**row, "TCKN": identity_number(2)}
        body = {"SOZNO": "KM013870", "KAYIT": [row, stranger]}
        assert transformers.parse_standings(CONNECTION, [member], body) == [
            StandingRow("L1", state, "VE1", day, word),
            StandingRow(None, state, "VE1", day, word),
        ]
        assert state is None or isinstance(state, MemberState)


@pytest.mark.parametrize("suffix", FAULTS)
def test_a_listed_fault_has_a_meaning(suffix: str) -> None:
    fault = SoapFault("Sender", {"KOD": f"VKF{suffix}", "GONDERIMNO": "T-1"})
    assert transformers.parse_fault(CONFIG, fault) == ParsedAnswer(
        "T-1", fault=replace(FAULTS[suffix], raw=f"VKF{suffix}")
    )


def test_any_other_fault_has_none() -> None:
    for detail in ({}, {"KOD": "VKFXXX99"}, {"KOD": "YET01"}, {"KOD": "HLKYET01"}):
        parsed = transformers.parse_fault(CONFIG, SoapFault("Receiver", detail))
        assert parsed == ParsedAnswer(fault=ParsedFault(raw=detail.get("KOD", "Receiver")))


def test_the_table_of_faults_is_closed() -> None:
    assert {row.meaning for row in FAULTS.values() if row.meaning} == set(FaultMeaning)
    assert [row.not_sent for row in FAULTS.values() if row.not_sent] == [NotSentReason.BUSY]
