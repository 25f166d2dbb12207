"""Between our words and this dialect: short capitals, yyyymmdd, kuruş as integers. Pure.

An insurer of this dialect echoes no line key. A person is recognised by identity number, a
payment by identity number and payment day; a transmission in which two lines share that cannot be
told apart later and is refused before it is sent. Questions are asked by period: rows carry our
reference when they came from us, and the channel when somebody typed them into the insurer's own
screens.
"""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from pensions.adapters.insurers.dialect import CURRENCY, InsurerConfig, StandingRow
from pensions.adapters.insurers.exchange import ForeignAnswerError
from pensions.adapters.insurers.period_async.faults import (
    COLLECTION_WORDS,
    EXISTING,
    FAULTS,
    MEMBER_WORDS,
    POLICY_WORDS,
    RECEIPT_WORDS,
)
from pensions.domain.error_dictionary import our_code
from pensions.domain.outcome import AnswerWord, ParsedAnswer, ParsedFault, ParsedLine
from pensions.ports import CollectionLine, Connection, EnrolmentLine, MemberRef
from toolkit.soap.client import SoapFault

_DATE: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_PURPOSE: Final = "send to insurer"

EnrolmentKeys = Mapping[str, str]
"""Line key by identity number."""
CollectionKeys = Mapping[tuple[str, str], str]
"""Line key by identity number and payment day as the insurer writes it."""


def credentials(connection: Connection, password: str) -> dict[str, Any]:
    """The block that opens every body."""
    return {
        "YETKI": {"KULLANICI": connection.username, "SIFRE": password},
        "SOZNO": connection.contract_no,
    }


def enrolment_request(
    config: InsurerConfig,
    connection: Connection,
    password: str,
    reference: str,
    lines: Sequence[EnrolmentLine],
) -> dict[str, Any]:
    """``POLICEBASVURU``.

    Raises: ValueError when two lines are the same person.
    """
    enrolment_keys(lines)
    return {
        **credentials(connection, password),
        "GONDERIMNO": reference,
        "SOZKOD": connection.contract_code,
        "KISI": [_person(config, line) for line in lines],
    }


def collection_request(
    connection: Connection, password: str, reference: str, lines: Sequence[CollectionLine]
) -> dict[str, Any]:
    """``TAHSILATYUKLE``.

    Raises: ValueError when two lines are the same person and payment day, or not lira.
    """
    collection_keys(lines)
    return {
        **credentials(connection, password),
        "GONDERIMNO": reference,
        "SOZKOD": connection.contract_code,
        "ODEME": [_payment(line) for line in lines],
    }


def enrolment_query(
    connection: Connection, password: str, lines: Sequence[EnrolmentLine]
) -> dict[str, Any]:
    """``POLICEDURUM``: applications by month of hire, of the people we ask about."""
    return _period_query(
        connection,
        password,
        [Period.of(line.hired_on) for line in lines],
        [_tckn(line) for line in lines],
    )


def collection_query(
    connection: Connection, password: str, lines: Sequence[CollectionLine]
) -> dict[str, Any]:
    """``TAHSILATDURUM``: payments by contribution period, of the people we ask about."""
    return _period_query(
        connection,
        password,
        [line.period for line in lines],
        [_tckn(line) for line in lines],
    )


def members_request(
    connection: Connection, password: str, members: Sequence[MemberRef]
) -> dict[str, Any]:
    """``UYEDURUM``."""
    return {**credentials(connection, password), "TCKN": sorted({_tckn(item) for item in members})}


def enrolment_keys(lines: Sequence[EnrolmentLine]) -> EnrolmentKeys:
    """How the rows of an answer find the people.

    Raises: ValueError when two lines are the same person.
    """
    return _unique((_tckn(line), line.line_key) for line in lines)


def collection_keys(lines: Sequence[CollectionLine]) -> CollectionKeys:
    """How the rows of an answer find the payments.

    Raises: ValueError when two lines are the same person and payment day.
    """
    return _unique(((_tckn(line), date_text(line.paid_on)), line.line_key) for line in lines)


def parse_enrolment_receipt(
    config: InsurerConfig, keys: EnrolmentKeys, body: Mapping[str, Any]
) -> ParsedAnswer:
    """Answer of ``POLICEBASVURU``: who was taken, who was refused at once."""
    return ParsedAnswer(
        reference=body["GONDERIMNO"],
        lines=tuple(
            _line(config, keys.get(row["TCKN"]), RECEIPT_WORDS, row)
            for row in body.get("SONUC") or ()
        ),
    )


def parse_collection_receipt(
    config: InsurerConfig, keys: CollectionKeys, body: Mapping[str, Any]
) -> ParsedAnswer:
    """Answer of ``TAHSILATYUKLE``: which payments were taken, which refused at once."""
    return ParsedAnswer(
        reference=body["GONDERIMNO"],
        lines=tuple(
            _line(config, keys.get((row["TCKN"], row["ODEMETAR"] or "")), RECEIPT_WORDS, row)
            for row in body.get("SONUC") or ()
        ),
    )


def parse_enrolment_period(
    config: InsurerConfig,
    connection: Connection,
    reference: str,
    keys: EnrolmentKeys,
    body: Mapping[str, Any],
) -> ParsedAnswer:
    """Answer of ``POLICEDURUM``: our rows, or what stands there for our people from elsewhere.

    Raises: ForeignAnswerError for another contract.
    """
    _check_contract(connection, body)
    ours: dict[str, list[ParsedLine]] = {}
    others: dict[str, list[ParsedLine]] = {}
    for row in body.get("KAYIT") or ():
        key = keys.get(row["TCKN"])
        if key is None:
            continue
        line = _line(config, key, POLICY_WORDS, row)
        if row["GONDERIMNO"] == reference:
            ours.setdefault(key, []).append(line)
        elif line.word is AnswerWord.ACCEPTED:
            # One person has one policy per contract, whoever applied for it.
            others.setdefault(key, []).append(replace(line, word=AnswerWord.EXISTS))
    return _merged(reference, ours, others)


def parse_collection_period(
    config: InsurerConfig,
    connection: Connection,
    reference: str,
    keys: CollectionKeys,
    body: Mapping[str, Any],
) -> ParsedAnswer:
    """Answer of ``TAHSILATDURUM``: our rows, or what was typed in for the same payment.

    Rows of our other transmissions are other payments and say nothing about this one.
    Raises: ForeignAnswerError for another contract.
    """
    _check_contract(connection, body)
    ours: dict[str, list[ParsedLine]] = {}
    typed_in: dict[str, list[ParsedLine]] = {}
    for row in body.get("KAYIT") or ():
        key = keys.get((row["TCKN"], row["ODEMETAR"]))
        if key is None:
            continue
        line = _line(config, key, COLLECTION_WORDS, row)
        if row["GONDERIMNO"] == reference:
            ours.setdefault(key, []).append(line)
        elif not row["GONDERIMNO"] and line.word is AnswerWord.ACCEPTED:
            typed_in.setdefault(key, []).append(replace(line, word=AnswerWord.EXISTS))
    return _merged(reference, ours, typed_in)


def parse_access(connection: Connection, body: Mapping[str, Any]) -> None:
    """Answer of ``YETKIKONTROL``.

    Raises: ForeignAnswerError for another contract, ValueError when it does not say TAMAM.
    """
    _check_contract(connection, body)
    if body["DURUM"] != "TAMAM":
        raise ValueError("access is neither granted nor refused")


def parse_standings(
    connection: Connection, members: Sequence[MemberRef], body: Mapping[str, Any]
) -> list[StandingRow]:
    """Rows of ``UYEDURUM``; a row about somebody we did not ask about has no line key.

    Raises: ForeignAnswerError for another contract.
    """
    _check_contract(connection, body)
    keys = {_tckn(member): member.line_key for member in members}
    return [
        StandingRow(
            line_key=keys.get(row["TCKN"]),
            state=MEMBER_WORDS.get(row["DURUM"]),
            policy_no=row["POLICENO"] or None,
            effective_on=_date(row["DURUMTAR"]),
            raw=row["DURUM"],
        )
        for row in body.get("KAYIT") or ()
    ]


def parse_fault(config: InsurerConfig, fault: SoapFault) -> ParsedAnswer:
    """A fault with its detail ``HATA{KOD, GONDERIMNO}``."""
    raw = fault.detail.get("KOD")
    known = FAULTS.get(config.suffix(raw) or "", ParsedFault())
    return ParsedAnswer(
        reference=fault.detail.get("GONDERIMNO"), fault=replace(known, raw=raw or fault.code)
    )


def date_text(day: date) -> str:
    """``20260131``."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def period_text(period: Period) -> str:
    """``202601``."""
    return f"{period.year:04d}{period.month:02d}"


def basis_points(rate: Rate) -> int:
    """3.00 % is 300.

    Raises: ValueError for a rate finer than a hundredth of a percent.
    """
    points = rate.percent * Decimal(100)
    if points != points.to_integral_value():
        raise ValueError("the rate is finer than the insurer can say")
    return int(points)


def _check_contract(connection: Connection, body: Mapping[str, Any]) -> None:
    if body["SOZNO"] != connection.contract_no:
        raise ForeignAnswerError


def _tckn(line: EnrolmentLine | CollectionLine | MemberRef) -> str:
    return line.national_id.reveal(_PURPOSE)


_Key = Hashable


def _unique(pairs: Iterable[tuple[Any, str]]) -> dict[Any, str]:
    keys: dict[_Key, str] = {}
    for wire_key, line_key in pairs:
        if wire_key in keys:
            raise ValueError("two lines cannot be told apart in the answer")
        keys[wire_key] = line_key
    return keys


def _period_query(
    connection: Connection, password: str, periods: Sequence[Period], people: Sequence[str]
) -> dict[str, Any]:
    return {
        **credentials(connection, password),
        "BASDONEM": period_text(min(periods)),
        "BITDONEM": period_text(max(periods)),
        "TCKN": sorted(set(people)),
    }


def _person(config: InsurerConfig, line: EnrolmentLine) -> dict[str, Any]:
    return {
        "TCKN": _tckn(line),
        "ADI": config.person_name(line.first_name),
        "SOYADI": config.person_name(line.last_name),
        "DOGTAR": date_text(line.birth_date),
        "CINSIYET": config.gender(line.gender),
        "CEPTEL": config.phone(line.mobile),
        "EPOSTA": None if line.email is None else line.email.reveal(_PURPOSE),
        "IBAN": None if line.iban is None else line.iban.reveal(_PURPOSE),
        "GIRTAR": date_text(line.hired_on),
        "FON": config.fund(line.fund_preference),
        "ORANBP": None if line.contribution_rate is None else basis_points(line.contribution_rate),
    }


def _payment(line: CollectionLine) -> dict[str, Any]:
    if line.amount.currency != CURRENCY:
        raise ValueError("contributions are lira")
    return {
        "TCKN": _tckn(line),
        "POLICENO": line.policy_no,
        "DONEM": period_text(line.period),
        "ODEMETAR": date_text(line.paid_on),
        "TUTARKRS": line.amount.minor,
        "ORANBP": basis_points(line.rate),
    }


def _line(
    config: InsurerConfig,
    line_key: str | None,
    words: Mapping[str, AnswerWord],
    row: Mapping[str, Any],
) -> ParsedLine:
    word = words.get(row["DURUM"], AnswerWord.UNKNOWN)
    if word is AnswerWord.REJECTED and config.suffix(row["HATAKOD"]) in EXISTING:
        word = AnswerWord.EXISTS
    amount = row.get("TUTARKRS")
    rejected = word is AnswerWord.REJECTED
    return ParsedLine(
        line_key=line_key,
        word=word,
        amount=None if amount is None else Money(amount, CURRENCY),
        policy_no=row.get("POLICENO") or None,
        code=our_code(config.dialect, config.code_prefix, row["HATAKOD"]) if rejected else None,
        raw=row["HATAKOD"] if rejected else row["DURUM"],
    )


def _merged(
    reference: str,
    ours: Mapping[str, list[ParsedLine]],
    others: Mapping[str, list[ParsedLine]],
) -> ParsedAnswer:
    """Our own rows decide; others only speak where we have none."""
    lines = [line for rows in ours.values() for line in rows]
    lines += [line for key, rows in others.items() if key not in ours for line in rows]
    return ParsedAnswer(reference=reference, lines=tuple(lines))


def _date(text: str | None) -> date | None:
    match = _DATE.fullmatch(text or "")
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
