"""Between our words and this dialect: English names, ISO dates, decimal points. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from lxml import etree

from kernel.errors import ParseError
from kernel.money import Money
from kernel.parsing import parse_date_api
from pensions.adapters.insurers.dialect import CURRENCY, InsurerConfig, StandingRow
from pensions.adapters.insurers.exchange import ForeignAnswerError
from pensions.adapters.insurers.usernametoken_batch.faults import (
    FAULTS,
    MEMBER_WORDS,
    STATUS_WORDS,
)
from pensions.domain.error_dictionary import our_code
from pensions.domain.outcome import AnswerWord, ParsedAnswer, ParsedFault, ParsedLine
from pensions.ports import CollectionLine, Connection, EnrolmentLine, MemberRef
from toolkit.soap.client import SoapFault

_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_TEXT_TYPE: Final = (
    "http://docs.oasis-open.org/wss/2004/01/"
    "oasis-200401-wss-username-token-profile-1.0#PasswordText"
)
_AMOUNT: Final = re.compile(r"(?:0|[1-9][0-9]{0,12})\.[0-9]{2}")
_PURPOSE: Final = "send to insurer"


def security_header(username: str, password: str) -> etree._Element:
    """The WS-Security header with a user name token in clear; TLS protects it on the way."""
    security = etree.Element(f"{{{_WSSE}}}Security", nsmap={"wsse": _WSSE})
    token = etree.SubElement(security, f"{{{_WSSE}}}UsernameToken")
    etree.SubElement(token, f"{{{_WSSE}}}Username").text = username
    secret = etree.SubElement(token, f"{{{_WSSE}}}Password", {"Type": _TEXT_TYPE})
    secret.text = password
    return security


def enrolment_request(
    config: InsurerConfig, connection: Connection, reference: str, lines: Sequence[EnrolmentLine]
) -> dict[str, Any]:
    """``SubmitEnrolments``: everybody of one transmission."""
    return {
        **_header(connection, reference),
        "contractCode": connection.contract_code,
        "member": [_member(config, line) for line in lines],
    }


def collection_request(
    connection: Connection, reference: str, lines: Sequence[CollectionLine]
) -> dict[str, Any]:
    """``SubmitCollections``: every contribution of one transmission."""
    return {
        **_header(connection, reference),
        "contractCode": connection.contract_code,
        "payment": [_payment(line) for line in lines],
    }


def query_request(connection: Connection, reference: str) -> dict[str, Any]:
    """``GetSubmission``: what became of a reference."""
    return _header(connection, reference)


def members_request(connection: Connection, members: Sequence[MemberRef]) -> dict[str, Any]:
    """``GetMembers``: where people stand."""
    return {
        "contractNo": connection.contract_no,
        "person": [
            {
                "lineKey": member.line_key,
                "nationalId": member.national_id.reveal(_PURPOSE),
                "policyNo": member.policy_no,
            }
            for member in members
        ],
    }


def parse_results(config: InsurerConfig, body: Mapping[str, Any]) -> ParsedAnswer:
    """Answer of a submission or of a question about one.

    Shapes: keys, references and amounts as the insurer wrote them; nothing is judged here.
    """
    return ParsedAnswer(
        reference=body["reference"],
        absent=body.get("found") is False,
        lines=tuple(_line(config, row) for row in body.get("result") or ()),
    )


def parse_fault(config: InsurerConfig, fault: SoapFault) -> ParsedAnswer:
    """A fault with its detail ``ServiceFault{code, reference}``."""
    raw = fault.detail.get("code")
    known = FAULTS.get(config.suffix(raw) or "", ParsedFault())
    return ParsedAnswer(
        reference=fault.detail.get("reference"),
        fault=replace(known, raw=raw or fault.code),
    )


def parse_access(connection: Connection, body: Mapping[str, Any]) -> None:
    """Answer of ``CheckAccess``.

    Raises: ForeignAnswerError for another contract, ValueError when it does not say OK.
    """
    _check_contract(connection, body)
    if body["status"] != "OK":
        raise ValueError("access is neither granted nor refused")


def parse_standings(
    connection: Connection, members: Sequence[MemberRef], body: Mapping[str, Any]
) -> list[StandingRow]:
    """Rows of ``GetMembers``; a row about somebody we did not ask about has no line key.

    Raises: ForeignAnswerError for another contract.
    """
    _check_contract(connection, body)
    asked = {member.line_key for member in members}
    return [
        StandingRow(
            line_key=row["lineKey"] if row["lineKey"] in asked else None,
            state=MEMBER_WORDS.get(row["status"]),
            policy_no=row["policyNo"] or None,
            effective_on=_date(row["effectiveOn"]),
            raw=row["status"],
        )
        for row in body.get("standing") or ()
    ]


def _check_contract(connection: Connection, body: Mapping[str, Any]) -> None:
    if body["contractNo"] != connection.contract_no:
        raise ForeignAnswerError


def _header(connection: Connection, reference: str) -> dict[str, Any]:
    return {"reference": reference, "contractNo": connection.contract_no}


def _member(config: InsurerConfig, line: EnrolmentLine) -> dict[str, Any]:
    return {
        "lineKey": line.line_key,
        "nationalId": line.national_id.reveal(_PURPOSE),
        "firstName": config.person_name(line.first_name),
        "lastName": config.person_name(line.last_name),
        "birthDate": line.birth_date,
        "gender": config.gender(line.gender),
        "mobile": config.phone(line.mobile),
        "email": None if line.email is None else line.email.reveal(_PURPOSE),
        "iban": None if line.iban is None else line.iban.reveal(_PURPOSE),
        "hiredOn": line.hired_on,
        "fundType": config.fund(line.fund_preference),
        "contributionRate": (
            None if line.contribution_rate is None else line.contribution_rate.percent
        ),
    }


def _payment(line: CollectionLine) -> dict[str, Any]:
    if line.amount.currency != CURRENCY:
        raise ValueError("contributions are lira")
    return {
        "lineKey": line.line_key,
        "nationalId": line.national_id.reveal(_PURPOSE),
        "policyNo": line.policy_no,
        "period": str(line.period),
        "paidOn": line.paid_on,
        "amount": line.amount.amount,
        "rate": line.rate.percent,
    }


def _line(config: InsurerConfig, row: Mapping[str, Any]) -> ParsedLine:
    word = STATUS_WORDS.get(row["status"], AnswerWord.UNKNOWN)
    raw = row["code"] if word is AnswerWord.REJECTED else row["status"]
    return ParsedLine(
        line_key=row["lineKey"],
        word=word,
        amount=_amount(row["amount"]),
        policy_no=row["policyNo"] or None,
        code=(
            our_code(config.dialect, config.code_prefix, row["code"])
            if word is AnswerWord.REJECTED
            else None
        ),
        raw=raw,
    )


def _amount(text: str | None) -> Money | None:
    """The echoed amount; None when there is none or it is not one, which accepts nothing."""
    if text is None or _AMOUNT.fullmatch(text) is None:
        return None
    return Money(int(text.replace(".", "")), CURRENCY)


def _date(text: str | None) -> date | None:
    try:
        return None if text is None else parse_date_api(text)
    except ParseError:
        return None
