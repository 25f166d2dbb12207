"""The batch dialect word for word: what is written, what is read, what is not believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from kernel.money import Money
from kernel.sensitive import Phone, Secret, Tckn
from pensions.adapters.insurers.configs import CONFIGS
from pensions.adapters.insurers.dialect import standings
from pensions.adapters.insurers.exchange import ForeignAnswerError
from pensions.adapters.insurers.usernametoken_batch import transformers
from pensions.adapters.insurers.usernametoken_batch.faults import (
    FAULTS,
    MEMBER_WORDS,
    STATUS_WORDS,
)
from pensions.domain.member_status import MemberState, MemberStatus
from pensions.domain.outcome import (
    AnswerWord,
    FaultMeaning,
    NotSentReason,
    ParsedFault,
    ParsedLine,
)
from pensions.ports import Connection, MemberRef
from tests.support.insurer_world import USUAL, identity_number, payment, person
from toolkit.soap.client import SoapFault

CONFIG = CONFIGS["allianz_yasam"]
CONNECTION = Connection("allianz_yasam", "KM013870", "001", "ws", Secret(USUAL))


def result(**changes: object) -> dict[str, object]:
    row = {"lineKey": "L1", "status": "ACCEPTED", "policyNo": "P1", "amount": None, "code": None}
    return {**row, **changes}


def test_an_enrolment_in_its_words() -> None:
    request = transformers.enrolment_request(CONFIG, CONNECTION, "T-1", [person(1)])
    assert request == {
        "reference": "T-1",
        "contractNo": "KM013870",
        "contractCode": "001",
        "member": [
            {
                "lineKey": "L0001",
                "nationalId": identity_number(1),
                "firstName": "Işıl",
                "lastName": "Öğüt Şen",
                "birthDate": date(1990, 1, 2),
                "gender": "F",
                "mobile": "+905321234567",
                "email": "isil@example.com",
                "iban": "TR330006100519786457841326",
                "hiredOn": date(2026, 4, 1),
                "fundType": "PARTICIPATION",
                "contributionRate": Decimal("3.00"),
            }
        ],
    }


def test_what_is_not_known_is_left_out() -> None:
    line = person(
        1, gender=None, email=None, iban=None, fund_preference=None, contribution_rate=None
    )
    (member,) = transformers.enrolment_request(CONFIG, CONNECTION, "T-1", [line])["member"]
    left_out = ("gender", "email", "iban", "fundType", "contributionRate")
    assert {name: member[name] for name in left_out} == dict.fromkeys(left_out)


@pytest.mark.parametrize(
    ("code", "mobile", "name", "gender"),
    [
        ("allianz_yasam", "+905321234567", "Işıl", "F"),
        ("anadolu", "5321234567", "IŞIL", "F"),
        ("garanti", "05321234567", "IŞIL", "F"),
        ("axa", "+905321234567", "Işıl", "FEMALE"),
    ],
)
def test_insurers_deviate_by_data(code: str, mobile: str, name: str, gender: str) -> None:
    request = transformers.enrolment_request(CONFIGS[code], CONNECTION, "T-1", [person(1)])
    (member,) = request["member"]
    assert (member["mobile"], member["firstName"], member["gender"]) == (mobile, name, gender)


@pytest.mark.parametrize(
    "changes",
    [
        {"mobile": Phone("+302101234567")},
        {"gender": "other"},
        {"fund_preference": "gold"},
    ],
)
def test_what_the_dialect_cannot_say_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        transformers.enrolment_request(CONFIG, CONNECTION, "T-1", [person(1, **changes)])


def test_a_contribution_in_its_words() -> None:
    request = transformers.collection_request(CONNECTION, "T-2", [payment(person(1), "P1")])
    assert request["payment"] == [
        {
            "lineKey": "P0001",
            "nationalId": identity_number(1),
            "policyNo": "P1",
            "period": "2026-04",
            "paidOn": date(2026, 5, 4),
            "amount": Decimal("1042.00"),
            "rate": Decimal("3.00"),
        }
    ]


def test_only_lira_are_sent() -> None:
    line = payment(person(1), "P1", amount=Money(1, "EUR"))
    with pytest.raises(ValueError, match="lira"):
        transformers.collection_request(CONNECTION, "T-2", [line])


def test_the_security_header_names_user_and_password_as_text() -> None:
    header = transformers.security_header("u<&>", "p<&>")
    token = header[0]
    assert [etree.QName(node).localname for node in token] == ["Username", "Password"]
    assert [node.text for node in token] == ["u<&>", "p<&>"]
    assert str(token[1].get("Type")).endswith("#PasswordText")


def test_questions_in_their_words() -> None:
    member = MemberRef("L1", Tckn(identity_number(1)), None)
    assert transformers.query_request(CONNECTION, "T-1") == {
        "reference": "T-1",
        "contractNo": "KM013870",
    }
    assert transformers.members_request(CONNECTION, [member])["person"] == [
        {"lineKey": "L1", "nationalId": identity_number(1), "policyNo": None}
    ]


@pytest.mark.parametrize("status", [*STATUS_WORDS, "KABUL", "accepted", "", "ACCEPTED "])
def test_a_status_is_listed_or_unknown(status: str) -> None:
    parsed = transformers.parse_results(
        CONFIG, {"reference": "T-1", "result": [result(status=status)]}
    )
    assert parsed.lines[0].word is STATUS_WORDS.get(status, AnswerWord.UNKNOWN)


def test_a_line_is_read_as_it_stands() -> None:
    parsed = transformers.parse_results(
        CONFIG,
        {
            "reference": "T-1",
            "result": [
                result(amount="1042.00"),
                result(lineKey="L2", status="REJECTED", policyNo="", code="AZY-103"),
                result(lineKey="L3", status="REJECTED", policyNo=None, code="AZH-103"),
            ],
        },
    )
    assert parsed.lines == (
        ParsedLine("L1", AnswerWord.ACCEPTED, Money(104_200, "TRY"), "P1", None, "ACCEPTED"),
        ParsedLine("L2", AnswerWord.REJECTED, None, None, "name_mismatch", "AZY-103"),
        ParsedLine("L3", AnswerWord.REJECTED, None, None, "unknown_code", "AZH-103"),
    )


@pytest.mark.parametrize(
    "amount",
    [
        "1042",
        "1042.0",
        "1042.000",
        "1,042.00",
        "1042,00",
        "-1.00",
        "١.00",
        "1e3",
        "",
        " 1.00",
        "01.00",
    ],
)
def test_an_amount_in_any_other_form_is_none(amount: str) -> None:
    parsed = transformers.parse_results(
        CONFIG, {"reference": "T-1", "result": [result(amount=amount)]}
    )
    assert parsed.lines[0].amount is None


def test_nothing_found_is_absent_and_found_is_not() -> None:
    for found in (True, False):
        parsed = transformers.parse_results(
            CONFIG, {"reference": "T-1", "found": found, "result": []}
        )
        assert parsed.absent is not found


@pytest.mark.parametrize("suffix", FAULTS)
def test_a_listed_fault_has_a_meaning(suffix: str) -> None:
    fault = SoapFault("Client", {"code": f"AZY-{suffix}", "reference": "T-1"})
    parsed = transformers.parse_fault(CONFIG, fault)
    assert parsed.reference == "T-1"
    assert parsed.fault == replace(FAULTS[suffix], raw=f"AZY-{suffix}")


@pytest.mark.parametrize("detail", [{}, {"code": "AZY-999"}, {"code": "901"}, {"code": "AHE-901"}])
def test_any_other_fault_has_none(detail: dict[str, str]) -> None:
    parsed = transformers.parse_fault(CONFIG, SoapFault("Server", detail))
    assert parsed.fault == ParsedFault(raw=detail.get("code", "Server"))
    assert parsed.reference is None


def test_the_table_of_faults_is_closed() -> None:
    assert {row.meaning for row in FAULTS.values() if row.meaning} == set(FaultMeaning)
    assert [row.not_sent for row in FAULTS.values() if row.not_sent] == [NotSentReason.BUSY]


def standing(**changes: object) -> dict[str, object]:
    row = {"lineKey": "L1", "status": "ACTIVE", "policyNo": "P1", "effectiveOn": None}
    return {**row, **changes}


def told(*rows: dict[str, object], policy_no: str | None = "P1") -> MemberStatus:
    members = [MemberRef("L1", Tckn(identity_number(1)), policy_no)]
    body = {"contractNo": "KM013870", "standing": list(rows)}
    (status,) = standings(members, transformers.parse_standings(CONNECTION, members, body))
    return status


@pytest.mark.parametrize(("word", "state"), MEMBER_WORDS.items())
def test_a_standing_is_read(word: str, state: MemberState) -> None:
    status = told(standing(status=word, effectiveOn="2026-05-20"))
    assert status.state is state
    assert status.raw_status is None
    assert status.effective_on == date(2026, 5, 20)


@pytest.mark.parametrize(
    ("rows", "raw"),
    [
        ((), None),
        ((standing(lineKey="other"),), None),
        ((standing(status="YENI"),), "YENI"),
        ((standing(policyNo="P2"),), "POLICY_CONFLICT"),
        ((standing(), standing(status="OPTED_OUT")), "CONTRADICTION"),
    ],
)
def test_whatever_is_doubtful_is_unknown(rows: tuple[dict[str, object], ...], raw: str) -> None:
    assert told(*rows) == MemberStatus("L1", MemberState.UNKNOWN, raw_status=raw)


def test_active_without_a_policy_is_pending_and_repeats_count_once() -> None:
    assert told(standing(policyNo="")).state is MemberState.PENDING
    assert told(standing(), standing()) == MemberStatus("L1", MemberState.ENROLLED, "P1")


@pytest.mark.parametrize("day", ["20260520", "2026-02-30", "20.05.2026", ""])
def test_a_day_in_any_other_form_is_not_known(day: str) -> None:
    assert told(standing(status="OPTED_OUT", effectiveOn=day)).effective_on is None


def test_an_answer_about_another_contract_is_foreign() -> None:
    for parse in (
        lambda body: transformers.parse_access(CONNECTION, body),
        lambda body: transformers.parse_standings(CONNECTION, [], body),
    ):
        with pytest.raises(ForeignAnswerError):
            parse({"contractNo": "other", "status": "OK", "standing": []})


def test_access_is_ok_or_nothing() -> None:
    transformers.parse_access(CONNECTION, {"contractNo": "KM013870", "status": "OK"})
    with pytest.raises(ValueError, match="neither"):
        transformers.parse_access(CONNECTION, {"contractNo": "KM013870", "status": "YES"})
