"""Between our words and this dialect: Turkish names, dd.MM.yyyy, decimal commas. Pure.

An insurer of this dialect knows no line key: the one line of a call is recognised by our
reference (``islemNo``) and the identity number together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from kernel.errors import ParseError
from kernel.money import Money
from kernel.parsing import parse_date_tr
from kernel.rates import Rate
from pensions.adapters.insurers.dialect import CURRENCY, InsurerConfig, StandingRow
from pensions.adapters.insurers.session_single.faults import (
    DONE,
    FAULTS,
    MEMBER_WORDS,
    NOT_KNOWN,
    OPERATION_WORDS,
    RESULT_WORDS,
)
from pensions.domain.error_dictionary import PROVIDER_CODES, our_code
from pensions.domain.outcome import AnswerWord, ParsedAnswer, ParsedFault, ParsedLine
from pensions.ports import CollectionLine, Connection, EnrolmentLine, MemberRef
from toolkit.soap.client import SoapFault

_AMOUNT: Final = re.compile(r"(?:0|[1-9][0-9]{0,2}(?:\.[0-9]{3})*),[0-9]{2}")
_PURPOSE: Final = "send to insurer"


@dataclass(frozen=True, slots=True)
class Session:
    """An open session; lives as long as one call of ours."""

    token: str


def login_request(connection: Connection, password: str) -> dict[str, Any]:
    """``OturumAc``."""
    return {
        "kullaniciAdi": connection.username,
        "parola": password,
        "sozlesmeNo": connection.contract_no,
    }


def parse_login(config: InsurerConfig, body: Mapping[str, Any]) -> Session | ParsedAnswer:
    """The session, or the refusal as an answer to judge.

    Raises: ValueError when the insurer says done and opens nothing.
    """
    code = config.suffix(body["sonucKodu"])
    if code == DONE:
        if not body["oturumNo"]:
            raise ValueError("a session without number")
        return Session(body["oturumNo"])
    return ParsedAnswer(fault=_fault(code, body["sonucKodu"]))


def enrolment_request(
    config: InsurerConfig,
    connection: Connection,
    session: Session,
    reference: str,
    line: EnrolmentLine,
) -> dict[str, Any]:
    """``SertifikaOlustur``: one person."""
    return {
        "oturumNo": session.token,
        "islemNo": reference,
        "sozlesmeNo": connection.contract_no,
        "sozlesmeKodu": connection.contract_code,
        "kimlikNo": line.national_id.reveal(_PURPOSE),
        "ad": config.person_name(line.first_name),
        "soyad": config.person_name(line.last_name),
        "dogumTarihi": date_text(line.birth_date),
        "cinsiyet": config.gender(line.gender),
        "cepTelefonu": config.phone(line.mobile),
        "ePosta": None if line.email is None else line.email.reveal(_PURPOSE),
        "iban": None if line.iban is None else line.iban.reveal(_PURPOSE),
        "iseGirisTarihi": date_text(line.hired_on),
        "fonTercihi": config.fund(line.fund_preference),
        "katkiPayiOrani": (
            None if line.contribution_rate is None else rate_text(line.contribution_rate)
        ),
    }


def collection_request(
    connection: Connection, session: Session, reference: str, line: CollectionLine
) -> dict[str, Any]:
    """``TahsilatBildir``: one contribution.

    Raises: ValueError for another currency.
    """
    return {
        "oturumNo": session.token,
        "islemNo": reference,
        "sozlesmeNo": connection.contract_no,
        "kimlikNo": line.national_id.reveal(_PURPOSE),
        "sertifikaNo": line.policy_no,
        "yil": line.period.year,
        "ay": line.period.month,
        "odemeTarihi": date_text(line.paid_on),
        "tutar": amount_text(line.amount),
        "katkiPayiOrani": rate_text(line.rate),
    }


def query_request(connection: Connection, session: Session, reference: str) -> dict[str, Any]:
    """``IslemSorgula``: what became of a reference."""
    return {
        "oturumNo": session.token,
        "sozlesmeNo": connection.contract_no,
        "islemNo": reference,
    }


def member_request(connection: Connection, session: Session, member: MemberRef) -> dict[str, Any]:
    """``KatilimciDurumu``: where one person stands."""
    return {
        "oturumNo": session.token,
        "sozlesmeNo": connection.contract_no,
        "kimlikNo": member.national_id.reveal(_PURPOSE),
    }


def parse_result(
    config: InsurerConfig, line: EnrolmentLine | CollectionLine, body: Mapping[str, Any]
) -> ParsedAnswer:
    """Answer of ``SertifikaOlustur`` or ``TahsilatBildir``: success, line or call refused."""
    raw = body["sonucKodu"]
    code = config.suffix(raw)
    word = RESULT_WORDS.get(code or "")
    if word is None:
        if code in PROVIDER_CODES[config.dialect]:
            word = AnswerWord.REJECTED
        else:
            return ParsedAnswer(reference=body["islemNo"], fault=_fault(code, raw))
    return ParsedAnswer(
        reference=body["islemNo"],
        lines=(_parsed_line(config, line, word, raw, body),),
    )


def parse_query(
    config: InsurerConfig, line: EnrolmentLine | CollectionLine, body: Mapping[str, Any]
) -> ParsedAnswer:
    """Answer of ``IslemSorgula``: the line's state, or that the reference is not known."""
    raw = body["sonucKodu"]
    code = config.suffix(raw)
    if code == NOT_KNOWN:
        return ParsedAnswer(reference=body["islemNo"], absent=True)
    if code != DONE:
        return ParsedAnswer(reference=body["islemNo"], fault=_fault(code, raw))
    word = OPERATION_WORDS.get(body["islemDurumu"] or "", AnswerWord.UNKNOWN)
    told = body["hataKodu"] if word is AnswerWord.REJECTED else body["islemDurumu"]
    return ParsedAnswer(
        reference=body["islemNo"],
        lines=(_parsed_line(config, line, word, told, body),),
    )


def parse_member(
    config: InsurerConfig, member: MemberRef, body: Mapping[str, Any]
) -> StandingRow | ParsedAnswer:
    """Answer of ``KatilimciDurumu``: a standing, or a refusal of the question to judge."""
    raw = body["sonucKodu"]
    code = config.suffix(raw)
    if code == NOT_KNOWN:
        return StandingRow(None, None)
    if code != DONE:
        return ParsedAnswer(fault=_fault(code, raw))
    ours = body["kimlikNo"] == member.national_id.reveal(_PURPOSE)
    return StandingRow(
        line_key=member.line_key if ours else None,
        state=MEMBER_WORDS.get(body["durum"] or ""),
        policy_no=body["sertifikaNo"] or None,
        effective_on=_date(body["durumTarihi"]),
        raw=body["durum"],
    )


def parse_fault(config: InsurerConfig, fault: SoapFault) -> ParsedAnswer:
    """A SOAP fault: this dialect refuses in the body, so a fault is known only by its code."""
    raw = fault.detail.get("sonucKodu")
    return ParsedAnswer(
        reference=fault.detail.get("islemNo"), fault=_fault(config.suffix(raw), raw or fault.code)
    )


def date_text(day: date) -> str:
    """``31.01.2026``."""
    return f"{day.day:02d}.{day.month:02d}.{day.year:04d}"


def amount_text(amount: Money) -> str:
    """``1.042,00``.

    Raises: ValueError for another currency or a negative amount.
    """
    if amount.currency != CURRENCY or amount.minor < 0:
        raise ValueError("contributions are positive lira")
    major, minor = divmod(amount.minor, 100)
    return f"{major:,}".replace(",", ".") + f",{minor:02d}"


def rate_text(rate: Rate) -> str:
    """``3,00``."""
    return f"{rate.percent:.2f}".replace(".", ",")


def _parsed_line(
    config: InsurerConfig,
    line: EnrolmentLine | CollectionLine,
    word: AnswerWord,
    raw: str | None,
    body: Mapping[str, Any],
) -> ParsedLine:
    ours = body["kimlikNo"] == line.national_id.reveal(_PURPOSE)
    return ParsedLine(
        line_key=line.line_key if ours else None,
        word=word,
        amount=_amount(body.get("tutar")),
        policy_no=body["sertifikaNo"] or None,
        code=(
            our_code(config.dialect, config.code_prefix, raw)
            if word is AnswerWord.REJECTED
            else None
        ),
        raw=raw,
    )


def _fault(code: str | None, raw: str | None) -> ParsedFault:
    return replace(FAULTS.get(code or "", ParsedFault()), raw=raw)


def _amount(text: str | None) -> Money | None:
    """The echoed amount; None when there is none or it is not one, which accepts nothing."""
    if text is None or _AMOUNT.fullmatch(text) is None:
        return None
    return Money(int(text.replace(".", "").replace(",", "")), CURRENCY)


def _date(text: str | None) -> date | None:
    try:
        return None if text is None else parse_date_tr(text)
    except ParseError:
        return None
