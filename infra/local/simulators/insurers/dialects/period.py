"""``period_async`` from the insurer's side: short capitals, yyyymmdd, kuruş as integers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from lxml import etree

from infra.local.simulators.insurers import soap
from infra.local.simulators.insurers.messages import (
    Command,
    Kind,
    Payment,
    Person,
    Result,
    Row,
)
from infra.local.simulators.insurers.soap import Request, optional_text, text_of

NAMESPACE: Final = "urn:oks:donem:v1"
ENVELOPE: Final = soap.SOAP_12

_REASONS: Final[Mapping[str, str]] = {
    "identity": "TCK01",
    "person": "TCK02",
    "name": "ADS01",
    "birth_date": "DGT01",
    "mobile": "TEL01",
    "mobile_in_use": "TEL02",
    "iban": "IBN01",
    "email": "EPS01",
    "hired_on": "GRS01",
    "age": "YAS01",
    "missing": "ALN01",
    "rate": "ORN01",
    "fund": "FON01",
    "already": "POL01",
    "policy_unknown": "POL02",
    "policy_inactive": "POL03",
    "amount": "TUT01",
    "paid_on": "ODT01",
    "duplicate": "MUK01",
    "collection_failed": "THS01",
    "system": "SIS01",
}
_REFUSALS: Final[Mapping[str, str]] = {
    "password": "YET01",
    "locked": "YET02",
    "contract_unknown": "SOZ01",
    "contract_closed": "SOZ02",
    "period_closed": "DON01",
    "maintenance": "BKM01",
    "busy": "YOG01",
    "invalid": "MSJ01",
}
_STANDINGS: Final[Mapping[str, str]] = {
    "active": "AKTIF",
    "pending": "BEKLIYOR",
    "opted_out": "CAYMA",
    "left": "AYRILAN",
    "suspended": "ARAVERME",
    "not_found": "YOK",
}
_RECEIPTS: Final[Mapping[str, str]] = {
    "accepted": "ALINDI",
    "pending": "ALINDI",
    "exists": "RED",
    "rejected": "RED",
}
_POLICIES: Final[Mapping[str, str]] = {
    "accepted": "POLICELESTI",
    "pending": "BEKLIYOR",
    "rejected": "RED",
}
_COLLECTIONS: Final[Mapping[str, str]] = {
    "accepted": "ISLENMISTIR",
    "pending": "BEKLIYOR",
    "rejected": "ISLENEMEMISTIR",
}


def read(request: Request) -> Command:
    """The request in the simulator's own words."""
    node = request.body
    login = node.find(f"{{{NAMESPACE}}}YETKI")
    kinds: Mapping[str, Kind] = {"POLICEDURUM": "enrolment", "TAHSILATDURUM": "collection"}
    return Command(
        operation={
            "YETKIKONTROL": "check",
            "POLICEBASVURU": "enrol",
            "TAHSILATYUKLE": "collect",
            "POLICEDURUM": "query",
            "TAHSILATDURUM": "query",
            "UYEDURUM": "members",
        }[request.operation],  # type: ignore[arg-type]
        wire_operation=request.operation,
        contract_no=text_of(node, NAMESPACE, "SOZNO"),
        username="" if login is None else text_of(login, NAMESPACE, "KULLANICI"),
        password="" if login is None else text_of(login, NAMESPACE, "SIFRE"),
        reference=text_of(node, NAMESPACE, "GONDERIMNO"),
        kind=kinds.get(request.operation),
        people=tuple(_person(each) for each in node.findall(f"{{{NAMESPACE}}}KISI")),
        payments=tuple(_payment(each) for each in node.findall(f"{{{NAMESPACE}}}ODEME")),
        asked=tuple(("", each.text or "") for each in node.findall(f"{{{NAMESPACE}}}TCKN")),
        first_period=_period(text_of(node, NAMESPACE, "BASDONEM")),
        last_period=_period(text_of(node, NAMESPACE, "BITDONEM")),
    )


def write(prefix: str, command: Command, result: Result) -> etree._Element:
    """The answer."""
    name = f"{command.wire_operation}CEVAP"
    contract = ("SOZNO", command.contract_no)
    if command.operation == "check":
        return soap.element(NAMESPACE, name, [contract, ("DURUM", "TAMAM")])
    if command.operation == "members":
        rows = [
            {
                "TCKN": row.national_id,
                "DURUM": _STANDINGS.get(row.standing, row.standing),
                "POLICENO": row.policy_no,
                "DURUMTAR": None if row.since is None else f"{row.since:%Y%m%d}",
            }
            for row in result.standings
        ]
        return soap.element(NAMESPACE, name, [contract, ("KAYIT", rows)])
    if command.operation == "query":
        write_row = _policy if command.kind == "enrolment" else _collection
        return soap.element(
            NAMESPACE, name, [contract, ("KAYIT", [write_row(prefix, row) for row in result.rows])]
        )
    taken = sum(row.word in ("accepted", "pending") for row in result.rows)
    return soap.element(
        NAMESPACE,
        name,
        [
            ("GONDERIMNO", result.reference),
            ("ALINAN", taken),
            ("SONUC", [_receipt(prefix, command, row) for row in result.rows]),
        ],
    )


def refuse(prefix: str, command: Command | None, reason: str) -> tuple[int, etree._Element]:
    """A fault with the detail ``HATA``."""
    detail = soap.element(
        NAMESPACE,
        "HATA",
        [
            ("KOD", prefix + _REFUSALS.get(reason, reason)),
            ("GONDERIMNO", (command.reference or None) if command else None),
        ],
    )
    return 500, soap.fault(ENVELOPE, detail, "istek reddedildi")


def _receipt(prefix: str, command: Command, row: Row) -> dict[str, object]:
    collect = command.operation == "collect"
    return {
        "TCKN": row.national_id,
        "ODEMETAR": f"{row.paid_on:%Y%m%d}" if collect and row.paid_on else None,
        "DURUM": _RECEIPTS.get(row.word, row.word),
        "HATAKOD": _reason(prefix, row, collect=collect),
        "TUTARKRS": row.amount,
    }


def _policy(prefix: str, row: Row) -> dict[str, object]:
    return {
        "KANAL": row.channel,
        "GONDERIMNO": row.reference,
        "TCKN": row.national_id,
        "DURUM": _POLICIES.get(row.word, row.word),
        "POLICENO": row.policy_no,
        "HATAKOD": _reason(prefix, row, collect=False),
    }


def _collection(prefix: str, row: Row) -> dict[str, object]:
    return {
        "KANAL": row.channel,
        "GONDERIMNO": row.reference,
        "TCKN": row.national_id,
        "POLICENO": row.policy_no or "",
        "DONEM": row.period.replace("-", ""),
        "ODEMETAR": f"{row.paid_on:%Y%m%d}" if row.paid_on else "",
        "TUTARKRS": row.amount or 0,
        "DURUM": _COLLECTIONS.get(row.word, row.word),
        "HATAKOD": _reason(prefix, row, collect=True),
    }


def _reason(prefix: str, row: Row, *, collect: bool) -> str | None:
    if row.word == "exists":
        return prefix + ("MUK01" if collect else "POL01")
    return None if row.reason is None else prefix + _REASONS.get(row.reason, row.reason)


def _period(text: str) -> str:
    return f"{text[:4]}-{text[4:]}" if text else ""


def _date(text: str) -> date | None:
    match = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", text)
    return None if match is None else soap.day(match[1], match[2], match[3])


def _person(node: etree._Element) -> Person:
    rate = optional_text(node, NAMESPACE, "ORANBP")
    return Person(
        line_key="",
        national_id=text_of(node, NAMESPACE, "TCKN"),
        first_name=text_of(node, NAMESPACE, "ADI"),
        last_name=text_of(node, NAMESPACE, "SOYADI"),
        birth_date=_date(text_of(node, NAMESPACE, "DOGTAR")),
        gender=optional_text(node, NAMESPACE, "CINSIYET"),
        mobile=text_of(node, NAMESPACE, "CEPTEL"),
        iban=optional_text(node, NAMESPACE, "IBAN"),
        hired_on=_date(text_of(node, NAMESPACE, "GIRTAR")),
        rate_bp=None if rate is None else int(rate),
    )


def _payment(node: etree._Element) -> Payment:
    return Payment(
        line_key="",
        national_id=text_of(node, NAMESPACE, "TCKN"),
        policy_no=text_of(node, NAMESPACE, "POLICENO"),
        period=_period(text_of(node, NAMESPACE, "DONEM")),
        paid_on=_date(text_of(node, NAMESPACE, "ODEMETAR")),
        amount=int(text_of(node, NAMESPACE, "TUTARKRS")),
    )
