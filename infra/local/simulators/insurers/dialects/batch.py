"""``usernametoken_batch`` from the insurer's side: English names, ISO dates, decimal points."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from lxml import etree

from infra.local.simulators.insurers import soap
from infra.local.simulators.insurers.messages import Command, Payment, Person, Result, Row
from infra.local.simulators.insurers.soap import Request, optional_text, text_of

NAMESPACE: Final = "urn:oks:batch:v1"
ENVELOPE: Final = soap.SOAP_11

_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

_WORDS: Final[Mapping[str, str]] = {
    "accepted": "ACCEPTED",
    "rejected": "REJECTED",
    "pending": "IN_PROGRESS",
    "exists": "ALREADY_REGISTERED",
}
_STANDINGS: Final[Mapping[str, str]] = {
    "active": "ACTIVE",
    "pending": "IN_PROGRESS",
    "opted_out": "OPTED_OUT",
    "left": "TERMINATED",
    "suspended": "SUSPENDED",
    "not_found": "NOT_FOUND",
}
_REASONS: Final[Mapping[str, str]] = {
    "identity": "101",
    "person": "102",
    "name": "103",
    "birth_date": "104",
    "mobile": "105",
    "mobile_in_use": "106",
    "iban": "107",
    "email": "108",
    "hired_on": "109",
    "age": "110",
    "missing": "111",
    "rate": "112",
    "fund": "113",
    "already": "120",
    "policy_unknown": "201",
    "policy_inactive": "202",
    "amount": "203",
    "paid_on": "204",
    "duplicate": "205",
    "collection_failed": "299",
    "system": "500",
}
_REFUSALS: Final[Mapping[str, str]] = {
    "password": "901",
    "locked": "902",
    "contract_unknown": "903",
    "contract_closed": "904",
    "period_closed": "905",
    "maintenance": "906",
    "busy": "907",
    "invalid": "908",
}


def read(request: Request) -> Command:
    """The request in the simulator's own words."""
    node = request.body
    username, password = _token(request)
    asked = tuple(
        (text_of(each, NAMESPACE, "lineKey"), text_of(each, NAMESPACE, "nationalId"))
        for each in node.findall(f"{{{NAMESPACE}}}person")
    )
    return Command(
        operation={
            "CheckAccess": "check",
            "SubmitEnrolments": "enrol",
            "SubmitCollections": "collect",
            "GetSubmission": "query",
            "GetMembers": "members",
        }[request.operation],  # type: ignore[arg-type]
        wire_operation=request.operation,
        contract_no=text_of(node, NAMESPACE, "contractNo"),
        username=username,
        password=password,
        reference=text_of(node, NAMESPACE, "reference"),
        people=tuple(_person(each) for each in node.findall(f"{{{NAMESPACE}}}member")),
        payments=tuple(_payment(each) for each in node.findall(f"{{{NAMESPACE}}}payment")),
        asked=asked,
    )


def write(prefix: str, command: Command, result: Result) -> etree._Element:
    """The answer."""
    name = f"{command.wire_operation}Response"
    if command.operation == "check":
        fields: list[soap.Field] = [("status", "OK"), ("contractNo", command.contract_no)]
    elif command.operation == "members":
        fields = [
            ("contractNo", command.contract_no),
            (
                "standing",
                [
                    {
                        "lineKey": row.line_key,
                        "status": _STANDINGS.get(row.standing, row.standing),
                        "policyNo": row.policy_no,
                        "effectiveOn": None if row.since is None else row.since.isoformat(),
                    }
                    for row in result.standings
                ],
            ),
        ]
    else:
        fields = [("reference", result.reference)]
        if command.operation == "query":
            fields.append(("found", result.found))
        fields.append(("result", [_result(prefix, row) for row in result.rows]))
    return soap.element(NAMESPACE, name, fields)


def refuse(prefix: str, command: Command | None, reason: str) -> tuple[int, etree._Element]:
    """A fault with the detail ``ServiceFault``."""
    detail = soap.element(
        NAMESPACE,
        "ServiceFault",
        [
            ("code", prefix + _REFUSALS.get(reason, reason)),
            ("reference", (command.reference or None) if command else None),
        ],
    )
    return 500, soap.fault(ENVELOPE, detail, "request refused")


def _token(request: Request) -> tuple[str, str]:
    for header in request.headers:
        token = header.find(f"{{{_WSSE}}}UsernameToken")
        if header.tag == f"{{{_WSSE}}}Security" and token is not None:
            return text_of(token, _WSSE, "Username"), text_of(token, _WSSE, "Password")
    return "", ""


def _date(text: str) -> date | None:
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    return None if match is None else soap.day(match[1], match[2], match[3])


def _hundredths(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def _person(node: etree._Element) -> Person:
    rate = optional_text(node, NAMESPACE, "contributionRate")
    return Person(
        line_key=text_of(node, NAMESPACE, "lineKey"),
        national_id=text_of(node, NAMESPACE, "nationalId"),
        first_name=text_of(node, NAMESPACE, "firstName"),
        last_name=text_of(node, NAMESPACE, "lastName"),
        birth_date=_date(text_of(node, NAMESPACE, "birthDate")),
        gender=optional_text(node, NAMESPACE, "gender"),
        mobile=text_of(node, NAMESPACE, "mobile"),
        iban=optional_text(node, NAMESPACE, "iban"),
        hired_on=_date(text_of(node, NAMESPACE, "hiredOn")),
        rate_bp=None if rate is None else _hundredths(rate),
    )


def _payment(node: etree._Element) -> Payment:
    return Payment(
        line_key=text_of(node, NAMESPACE, "lineKey"),
        national_id=text_of(node, NAMESPACE, "nationalId"),
        policy_no=text_of(node, NAMESPACE, "policyNo"),
        period=text_of(node, NAMESPACE, "period"),
        paid_on=_date(text_of(node, NAMESPACE, "paidOn")),
        amount=_hundredths(text_of(node, NAMESPACE, "amount")),
    )


def _result(prefix: str, row: Row) -> dict[str, object]:
    amount = None if row.amount is None else f"{row.amount // 100}.{row.amount % 100:02d}"
    return {
        "lineKey": row.line_key,
        "status": _WORDS.get(row.word, row.word),
        "policyNo": row.policy_no,
        "amount": amount,
        "code": None if row.reason is None else prefix + _REASONS.get(row.reason, row.reason),
    }
