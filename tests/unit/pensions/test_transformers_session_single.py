"""The session dialect word for word: what is written, what is read, what is not believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import Money
from kernel.rates import Rate
from kernel.sensitive import Secret, Tckn
from pensions.adapters.insurers.configs import CONFIGS
from pensions.adapters.insurers.dialect import StandingRow
from pensions.adapters.insurers.session_single import transformers
from pensions.adapters.insurers.session_single.faults import FAULTS, MEMBER_WORDS, OPERATION_WORDS
from pensions.adapters.insurers.session_single.transformers import Session
from pensions.domain.error_dictionary import PROVIDER_CODES
from pensions.domain.member_status import MemberState
from pensions.domain.outcome import (
    AnswerWord,
    FaultMeaning,
    ParsedAnswer,
    ParsedFault,
    ParsedLine,
)
from pensions.domain.provider import Dialect
from pensions.ports import Connection, MemberRef
from tests.support.insurer_world import USUAL, identity_number, payment, person
from toolkit.soap.client import SoapFault

CONFIG = CONFIGS["avivasa"]
CONNECTION = Connection("avivasa", "KM13870", "001", "ws", Secret(USUAL))
SESSION = Session("0123abcd")
ONE = person(1)
SUM = payment(ONE, "AV1")


def enrol_answer(**changes: object) -> dict[str, object]:
    body = {
        "sonucKodu": "7000",
        "islemNo": "T-1",
        "kimlikNo": identity_number(1),
        "sertifikaNo": "AV1",
    }
    return {**body, **changes}


def test_logging_in_names_the_contract_too() -> None:
    assert transformers.login_request(CONNECTION, "gizli") == {
        "kullaniciAdi": "ws",
        "parola": "gizli",
        "sozlesmeNo": "KM13870",
    }


def test_a_session_is_opened_or_refused() -> None:
    opened = transformers.parse_login(CONFIG, {"sonucKodu": "7000", "oturumNo": "x"})
    assert opened == Session("x")
    refused = transformers.parse_login(CONFIG, {"sonucKodu": "7091", "oturumNo": None})
    assert refused == ParsedAnswer(fault=ParsedFault(FaultMeaning.AUTH_FAILED, raw="7091"))
    with pytest.raises(ValueError, match="without number"):
        transformers.parse_login(CONFIG, {"sonucKodu": "7000", "oturumNo": None})


def test_an_enrolment_in_its_words() -> None:
    assert transformers.enrolment_request(CONFIG, CONNECTION, SESSION, "T-1", ONE) == {
        "oturumNo": "0123abcd",
        "islemNo": "T-1",
        "sozlesmeNo": "KM13870",
        "sozlesmeKodu": "001",
        "kimlikNo": identity_number(1),
        "ad": "IŞIL",
        "soyad": "ÖĞÜT ŞEN",
        "dogumTarihi": "02.01.1990",
        "cinsiyet": "K",
        "cepTelefonu": "5321234567",
        "ePosta": "isil@example.com",
        "iban": "TR330006100519786457841326",
        "iseGirisTarihi": "01.04.2026",
        "fonTercihi": "2",
        "katkiPayiOrani": "3,00",
    }


def test_turkish_capitals_keep_their_dots() -> None:
    line = person(1, first_name="iğde ışık")
    request = transformers.enrolment_request(CONFIG, CONNECTION, SESSION, "T-1", line)
    assert request["ad"] == "İĞDE IŞIK"


def test_a_contribution_in_its_words() -> None:
    assert transformers.collection_request(CONNECTION, SESSION, "T-2", SUM) == {
        "oturumNo": "0123abcd",
        "islemNo": "T-2",
        "sozlesmeNo": "KM13870",
        "kimlikNo": identity_number(1),
        "sertifikaNo": "AV1",
        "yil": 2026,
        "ay": 4,
        "odemeTarihi": "04.05.2026",
        "tutar": "1.042,00",
        "katkiPayiOrani": "3,00",
    }


def test_questions_in_their_words() -> None:
    member = MemberRef("L1", Tckn(identity_number(1)), "AV1")
    assert transformers.query_request(CONNECTION, SESSION, "T-1") == {
        "oturumNo": "0123abcd",
        "sozlesmeNo": "KM13870",
        "islemNo": "T-1",
    }
    assert transformers.member_request(CONNECTION, SESSION, member) == {
        "oturumNo": "0123abcd",
        "sozlesmeNo": "KM13870",
        "kimlikNo": identity_number(1),
    }


@pytest.mark.parametrize(
    ("minor", "text"),
    [(0, "0,00"), (5, "0,05"), (100, "1,00"), (104_200, "1.042,00"), (123_456_789, "1.234.567,89")],
)
def test_amounts_have_points_and_a_comma(minor: int, text: str) -> None:
    assert transformers.amount_text(Money(minor, "TRY")) == text


@pytest.mark.parametrize("amount", [Money(-1, "TRY"), Money(1, "EUR")])
def test_other_amounts_are_refused(amount: Money) -> None:
    with pytest.raises(ValueError, match="lira"):
        transformers.amount_text(amount)


@given(minor=st.integers(0, 10**12))
def test_an_amount_comes_back_as_it_was_sent(minor: int) -> None:
    amount = Money(minor, "TRY")
    body = enrol_answer(tutar=transformers.amount_text(amount))
    parsed = transformers.parse_result(CONFIG, SUM, body)
    assert parsed.lines[0].amount == amount


@pytest.mark.parametrize(
    "text", ["1042,00", "1.042", "1,042.00", "1.04,00", "1.042,0", "-1,00", "١,00", "", "01,00"]
)
def test_an_amount_in_any_other_form_is_none(text: str) -> None:
    parsed = transformers.parse_result(CONFIG, SUM, enrol_answer(tutar=text))
    assert parsed.lines[0].amount is None


@pytest.mark.parametrize(
    ("suffix", "word"),
    [
        ("00", AnswerWord.ACCEPTED),
        ("01", AnswerWord.PROCESSING),
        ("30", AnswerWord.EXISTS),
        ("55", AnswerWord.EXISTS),
        ("13", AnswerWord.REJECTED),
    ],
)
def test_a_result_code_is_a_verdict_about_the_line(suffix: str, word: AnswerWord) -> None:
    parsed = transformers.parse_result(CONFIG, ONE, enrol_answer(sonucKodu=f"70{suffix}"))
    code = "name_mismatch" if word is AnswerWord.REJECTED else None
    assert parsed == ParsedAnswer(
        "T-1", (ParsedLine("L0001", word, None, "AV1", code, f"70{suffix}"),)
    )


@pytest.mark.parametrize("suffix", FAULTS)
def test_or_a_refusal_of_the_call(suffix: str) -> None:
    parsed = transformers.parse_result(CONFIG, ONE, enrol_answer(sonucKodu=f"70{suffix}"))
    assert parsed == ParsedAnswer("T-1", fault=replace(FAULTS[suffix], raw=f"70{suffix}"))


@pytest.mark.parametrize("code", ["7077", "00", "7100", "", "70", "700"])
def test_or_unknown(code: str) -> None:
    parsed = transformers.parse_result(CONFIG, ONE, enrol_answer(sonucKodu=code))
    assert parsed == ParsedAnswer("T-1", fault=ParsedFault(raw=code))


def test_codes_of_lines_and_calls_do_not_overlap() -> None:
    lines = set(PROVIDER_CODES[Dialect.SESSION_SINGLE])
    assert not lines & set(FAULTS)
    assert not {"00", "01", "40"} & (lines | set(FAULTS))


def test_an_answer_about_somebody_else_has_no_line_key() -> None:
    parsed = transformers.parse_result(CONFIG, ONE, enrol_answer(kimlikNo=identity_number(2)))
    assert parsed.lines[0].line_key is None


def query_answer(**changes: object) -> dict[str, object]:
    body = {
        "sonucKodu": "7000",
        "islemNo": "T-1",
        "islemDurumu": "TAMAM",
        "kimlikNo": identity_number(1),
        "sertifikaNo": "AV1",
        "tutar": "1.042,00",
        "hataKodu": None,
    }
    return {**body, **changes}


@pytest.mark.parametrize("status", [*OPERATION_WORDS, "YENI", None])
def test_a_question_brings_a_listed_word_or_unknown(status: str | None) -> None:
    parsed = transformers.parse_query(CONFIG, SUM, query_answer(islemDurumu=status))
    assert parsed.lines[0].word is OPERATION_WORDS.get(status or "", AnswerWord.UNKNOWN)
    assert parsed.lines[0].amount == Money(104_200, "TRY")


def test_a_refused_line_keeps_its_code() -> None:
    body = query_answer(islemDurumu="RED", hataKodu="7052")
    (line,) = transformers.parse_query(CONFIG, SUM, body).lines
    assert (line.code, line.raw) == ("policy_not_active", "7052")


def test_an_unknown_reference_is_absent_and_anything_else_a_fault() -> None:
    absent = transformers.parse_query(CONFIG, SUM, query_answer(sonucKodu="7040"))
    assert absent == ParsedAnswer("T-1", absent=True)
    closed = transformers.parse_query(CONFIG, SUM, query_answer(sonucKodu="7093"))
    assert closed.fault == ParsedFault(FaultMeaning.PROVIDER_CLOSED, raw="7093")


def member_answer(**changes: object) -> dict[str, object]:
    body = {
        "sonucKodu": "7000",
        "kimlikNo": identity_number(1),
        "durum": "A",
        "sertifikaNo": "AV1",
        "durumTarihi": None,
    }
    return {**body, **changes}


MEMBER = MemberRef("L1", Tckn(identity_number(1)), "AV1")


@pytest.mark.parametrize(("word", "state"), MEMBER_WORDS.items())
def test_a_standing_is_read(word: str, state: MemberState) -> None:
    body = member_answer(durum=word, durumTarihi="20.05.2026")
    assert transformers.parse_member(CONFIG, MEMBER, body) == StandingRow(
        "L1", state, "AV1", date(2026, 5, 20), word
    )


def test_standings_nobody_knows() -> None:
    strange = transformers.parse_member(CONFIG, MEMBER, member_answer(durum="Z"))
    assert strange == StandingRow("L1", None, "AV1", None, "Z")
    unknown = transformers.parse_member(CONFIG, MEMBER, member_answer(sonucKodu="7040"))
    assert unknown == StandingRow(None, None)
    other = transformers.parse_member(
        CONFIG, MEMBER, member_answer(kimlikNo=identity_number(2), durumTarihi="x")
    )
    assert isinstance(other, StandingRow)
    assert (other.line_key, other.effective_on) == (None, None)
    refused = transformers.parse_member(CONFIG, MEMBER, member_answer(sonucKodu="7090"))
    assert refused == ParsedAnswer(fault=replace(FAULTS["90"], raw="7090"))


def test_a_soap_fault_is_known_by_its_code_only() -> None:
    known = SoapFault("Server", {"sonucKodu": "7093", "islemNo": "T-1"})
    assert transformers.parse_fault(CONFIG, known) == ParsedAnswer(
        "T-1", fault=ParsedFault(FaultMeaning.PROVIDER_CLOSED, raw="7093")
    )
    unknown = transformers.parse_fault(CONFIG, SoapFault("Server", {}))
    assert unknown == ParsedAnswer(fault=ParsedFault(raw="Server"))


@pytest.mark.parametrize(("rate", "text"), [("3.00", "3,00"), ("3", "3,00"), ("10.5", "10,50")])
def test_rates_have_a_comma(rate: str, text: str) -> None:
    assert transformers.rate_text(Rate(Decimal(rate))) == text
