"""``session_single`` from the insurer's side: Turkish names, dd.MM.yyyy, decimal commas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from lxml import etree

from infra.local.simulators.insurers import soap
from infra.local.simulators.insurers.messages import Command, Payment, Person, Result, Row
from infra.local.simulators.insurers.soap import Request, optional_text, text_of

NAMESPACE: Final = "urn:oks:oturum:v1"
ENVELOPE: Final = soap.SOAP_11

_REASONS: Final[Mapping[str, str]] = {
    "identity": "11",
    "person": "12",
    "name": "13",
    "birth_date": "14",
    "mobile": "15",
    "mobile_in_use": "16",
    "iban": "17",
    "email": "18",
    "hired_on": "19",
    "age": "20",
    "missing": "21",
    "rate": "22",
    "fund": "23",
    "already": "30",
    "policy_unknown": "51",
    "policy_inactive": "52",
    "amount": "53",
    "paid_on": "54",
    "duplicate": "55",
    "collection_failed": "59",
    "system": "99",
}
_REFUSALS: Final[Mapping[str, str]] = {
    "session": "90",
    "password": "91",
    "locked": "92",
    "maintenance": "93",
    "contract_unknown": "94",
    "contract_closed": "95",
    "period_closed": "96",
    "busy": "97",
    "invalid": "98",
}
_STANDINGS: Final[Mapping[str, str]] = {
    "active": "A",
    "pending": "B",
    "opted_out": "C",
    "left": "Y",
    "suspended": "D",
}
_WORDS: Final[Mapping[str, str]] = {
    "accepted": "TAMAM",
    "exists": "TAMAM",
    "rejected": "RED",
    "pending": "ISLENIYOR",
}


def read(request: Request) -> Command:
    """The request in the simulator's own words."""
    node = request.body
    enrol = request.operation == "SertifikaOlustur"
    collect = request.operation == "TahsilatBildir"
    member = request.operation == "KatilimciDurumu"
    return Command(
        operation={
            "OturumAc": "login",
            "SertifikaOlustur": "enrol",
            "TahsilatBildir": "collect",
            "IslemSorgula": "query",
            "KatilimciDurumu": "members",
        }[request.operation],  # type: ignore[arg-type]
        wire_operation=request.operation,
        contract_no=text_of(node, NAMESPACE, "sozlesmeNo"),
        username=text_of(node, NAMESPACE, "kullaniciAdi"),
        password=text_of(node, NAMESPACE, "parola"),
        token=text_of(node, NAMESPACE, "oturumNo"),
        reference=text_of(node, NAMESPACE, "islemNo"),
        people=(_person(node),) if enrol else (),
        payments=(_payment(node),) if collect else (),
        asked=(("", text_of(node, NAMESPACE, "kimlikNo")),) if member else (),
    )


def write(prefix: str, command: Command, result: Result) -> etree._Element:
    """The answer."""
    name = f"{command.wire_operation}Cevap"
    done = ("sonucKodu", f"{prefix}00")
    if command.operation == "login":
        life = ("gecerlilikSuresi", 15)
        return soap.element(NAMESPACE, name, [done, ("oturumNo", result.token), life])
    if command.operation == "members":
        if not result.standings or result.standings[0].standing == "not_found":
            return soap.element(NAMESPACE, name, [("sonucKodu", f"{prefix}40")])
        row = result.standings[0]
        return soap.element(
            NAMESPACE,
            name,
            [
                done,
                ("kimlikNo", row.national_id),
                ("durum", _STANDINGS.get(row.standing, row.standing)),
                ("sertifikaNo", row.policy_no),
                ("durumTarihi", None if row.since is None else f"{row.since:%d.%m.%Y}"),
            ],
        )
    if command.operation == "query":
        return soap.element(NAMESPACE, name, _queried(prefix, result))
    # One line a call; a line left out of the answer leaves nothing but the reference.
    line = result.rows[0] if result.rows else None
    fields: list[soap.Field] = [
        ("sonucKodu", prefix + (_code(line) if line else "00")),
        ("islemNo", result.reference),
    ]
    if line is not None:
        fields += [("kimlikNo", line.national_id), ("sertifikaNo", line.policy_no)]
        if command.operation == "collect":
            fields.append(("tutar", _amount(line)))
    return soap.element(NAMESPACE, name, fields)


def refuse(prefix: str, command: Command | None, reason: str) -> tuple[int, etree._Element]:
    """This dialect refuses in the body, with HTTP 200; a broken envelope gets a fault."""
    code = prefix + _REFUSALS.get(reason, reason)
    if command is None:
        detail = soap.element(NAMESPACE, "Hata", [("sonucKodu", code)])
        return 500, soap.fault(ENVELOPE, detail, "mesaj okunamadı")
    fields: list[soap.Field] = [("sonucKodu", code)]
    if command.reference:
        fields.append(("islemNo", command.reference))
    return 200, soap.element(NAMESPACE, f"{command.wire_operation}Cevap", fields)


def _queried(prefix: str, result: Result) -> list[soap.Field]:
    if not result.found:
        return [("sonucKodu", f"{prefix}40"), ("islemNo", result.reference)]
    fields: list[soap.Field] = [("sonucKodu", f"{prefix}00"), ("islemNo", result.reference)]
    if result.rows:
        row = result.rows[-1]
        fields += [
            ("islemDurumu", _WORDS.get(row.word, row.word)),
            ("kimlikNo", row.national_id),
            ("sertifikaNo", row.policy_no),
            ("tutar", _amount(row)),
            (
                "hataKodu",
                None if row.reason is None else prefix + _REASONS.get(row.reason, row.reason),
            ),
        ]
    return fields


def _code(row: Row) -> str:
    if row.word == "rejected":
        return _REASONS.get(row.reason or "", row.reason or "")
    if row.word == "exists":
        return "30" if row.amount is None else "55"
    return {"accepted": "00", "pending": "01"}.get(row.word, row.word)


def _amount(row: Row) -> str | None:
    if row.amount is None:
        return None
    grouped = f"{row.amount // 100:,}".replace(",", ".")
    return f"{grouped},{row.amount % 100:02d}"


def _date(text: str) -> date | None:
    match = re.fullmatch(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", text)
    return None if match is None else soap.day(match[3], match[2], match[1])


def _hundredths(text: str) -> int:
    match = re.fullmatch(r"([0-9.]+),([0-9]{2})", text)
    return -1 if match is None else int(match[1].replace(".", "")) * 100 + int(match[2])


def _person(node: etree._Element) -> Person:
    rate = optional_text(node, NAMESPACE, "katkiPayiOrani")
    return Person(
        line_key="",
        national_id=text_of(node, NAMESPACE, "kimlikNo"),
        first_name=text_of(node, NAMESPACE, "ad"),
        last_name=text_of(node, NAMESPACE, "soyad"),
        birth_date=_date(text_of(node, NAMESPACE, "dogumTarihi")),
        gender=optional_text(node, NAMESPACE, "cinsiyet"),
        mobile=text_of(node, NAMESPACE, "cepTelefonu"),
        iban=optional_text(node, NAMESPACE, "iban"),
        hired_on=_date(text_of(node, NAMESPACE, "iseGirisTarihi")),
        rate_bp=None if rate is None else _hundredths(rate),
    )


def _payment(node: etree._Element) -> Payment:
    year, month = text_of(node, NAMESPACE, "yil"), text_of(node, NAMESPACE, "ay")
    return Payment(
        line_key="",
        national_id=text_of(node, NAMESPACE, "kimlikNo"),
        policy_no=text_of(node, NAMESPACE, "sertifikaNo"),
        period=f"{int(year):04d}-{int(month):02d}",
        paid_on=_date(text_of(node, NAMESPACE, "odemeTarihi")),
        amount=_hundredths(text_of(node, NAMESPACE, "tutar")),
    )
