"""MT940 customer statements, read line by line, one entry in memory at a time.

Fields: ``:20:`` begins a message, ``:25:`` account, ``:28C:`` number, ``:60F:``/``:60M:`` opening
and ``:62F:``/``:62M:`` closing balance, ``:61:`` entry, ``:86:`` its information. Lines without a
tag go on with the field before; SWIFT blocks and the closing dash are skipped. Information is read
in the three styles banks use: ``166?00…?20…?32…`` with SEPA keywords, ``/REMI/…/EREF/…``, and free
text.
Source: SWIFT MT940, field 61 ``6!n[4!n]2a[1!a]15d1!a3!c16x[//16x][34x]``; marks RC and RD are the
reversal of a credit (a debit) and of a debit (a credit).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from kernel.bank_statement import (
    Direction,
    Place,
    StatementEntry,
    StatementItem,
    StatementProblem,
    StatementSummary,
)
from kernel.errors import ParseError
from kernel.money import Money
from toolkit.statements.balance import RunningBalance
from toolkit.statements.values import (
    MAX_BYTES,
    StatementReason,
    StatementRefusedError,
    comma_amount,
    entry_date,
    reference,
    short_date,
    words,
)

MAX_LINE: Final = 64 * 1024
_MAX_FIELD_LINES: Final = 200
_TAG: Final = re.compile(r":([0-9]{2}[A-Z]?):(.*)", re.DOTALL)
_BALANCE: Final = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9]{1,15},[0-9]{0,5})")
_ENTRY: Final = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4})?(?P<mark>R?[CD])(?P<funds>[A-Z])?"
    r"(?P<amount>[0-9]{1,15},[0-9]{0,5})(?P<type>[A-Z][A-Z0-9]{3})"
    r"(?P<customer>.*?)(?://(?P<bank>.*))?"
)
# 166?00…, and the same with other separators (Polish and Austrian banks).
_CODED: Final = re.compile(r"([0-9]{3})([^0-9A-Za-z\s/+])([0-9]{2})")
_SEPA: Final = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|IBAN|BIC)\+")
_SLASHED: Final = re.compile(
    r"/(EREF|REMI|NAME|IBAN|BIC|TRTP|BENM|ORDP|CSID|MARF|PREF|RTRN|ISDT|ID|TRCD|ADDR|CNTP|PURP|"
    r"SVCL|ULTC|ULTD|ULTB|INIT|KREF|SVWZ|CREF|RREF)/"
)
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_TURKISH_ACCOUNT: Final = re.compile(rb":25:\s*(?:[A-Z]{4})?TR[0-9]{2}")


def read_mt940(stream: BinaryIO) -> Iterator[StatementItem]:
    """Entries, problems and summaries of an MT940 file.

    Shapes: lines that are not UTF-8 are read in the code page of the country of the account: cp1254
    for a Turkish IBAN, cp1253 for all others.
    Raises: StatementRefusedError for a file that is none.
    """
    reader = _Reader()
    for number, line in _lines(stream):
        yield from reader.line(number, line)
    yield from reader.finish()
    if not reader.messages:
        raise StatementRefusedError(
            StatementReason.NOT_A_STATEMENT, "The file holds no MT940 statement."
        )


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    total = number = 0
    code_page = "cp1253"
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        total += len(raw)
        if total > MAX_BYTES:
            raise StatementRefusedError(
                StatementReason.TOO_LARGE, "A statement file has at most 100 MB.", line=number
            )
        if len(raw) > MAX_LINE:
            raise StatementRefusedError(
                StatementReason.ENTRY_TOO_LARGE, "A line of the file is too long.", line=number
            )
        if raw.startswith(b":25:"):
            code_page = "cp1254" if _TURKISH_ACCOUNT.match(raw) else "cp1253"
        yield number, _text(raw, number, code_page).rstrip("\r\n")
    if not number:
        raise StatementRefusedError(StatementReason.EMPTY, "The file is empty.")


def _text(raw: bytes, number: int, code_page: str) -> str:
    """One line; what is in no encoding that is read is refused, never guessed."""
    try:
        if b"\x00" not in raw:
            return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        with suppress(UnicodeDecodeError):
            return raw.decode(code_page)
    raise StatementRefusedError(
        StatementReason.ENCODING, "The file is in an encoding that is not read.", line=number
    )


@dataclass(slots=True)
class _Field:
    """A tagged field with the lines that belong to it."""

    tag: str
    line: int
    texts: list[str]


@dataclass(slots=True)
class _Message:
    """The statement being read."""

    number: int
    line: int
    account: str = ""
    identity: str = ""
    currency: str = ""
    balance: RunningBalance = field(default_factory=RunningBalance)
    entries: int = 0
    entry: _Field | None = None


class _Reader:
    """Collects lines to fields, fields to entries."""

    def __init__(self) -> None:
        self.messages = 0
        self._message: _Message | None = None
        self._field: _Field | None = None

    def line(self, number: int, text: str) -> Iterator[StatementItem]:
        text = _unwrapped(text)
        if not text.strip() or text.strip() in ("-", "-}"):
            return
        match = _TAG.fullmatch(text)
        if match is not None:
            yield from self._field_ended()
            self._field = _Field(match[1], number, [match[2]])
        elif self._field is not None and not text.startswith("{"):
            if len(self._field.texts) >= _MAX_FIELD_LINES:
                raise StatementRefusedError(
                    StatementReason.ENTRY_TOO_LARGE, "One entry is too large.", line=number
                )
            self._field.texts.append(text)

    def finish(self) -> Iterator[StatementItem]:
        yield from self._field_ended()
        yield from self._message_ended()

    # ------------------------------------------------------------------ fields

    def _field_ended(self) -> Iterator[StatementItem]:
        found, self._field = self._field, None
        if found is None:
            return
        if found.tag == "20":
            yield from self._message_ended()
            self.messages += 1
            self._message = _Message(self.messages, found.line)
        message = self._message
        if message is None:
            return
        if found.tag == "86":
            yield from _entry_ended(message, found)
            return
        yield from _entry_ended(message, None)
        if found.tag == "61":
            message.entry = found
        elif found.tag == "25":
            message.account = _account(found.texts[0])
        elif found.tag in ("28", "28C"):
            message.identity = reference(found.texts[0])
        elif found.tag in ("60F", "60M", "62F", "62M"):
            yield from _balance(message, found)

    def _message_ended(self) -> Iterator[StatementItem]:
        message, self._message = self._message, None
        if message is None:
            return
        yield from _entry_ended(message, None)
        place = Place(message.line, f":20:[{message.number}]")
        lacks = message.balance.opening is None or message.balance.closing is None
        if lacks and not message.balance.unreadable:
            yield StatementProblem(
                place, "balance_missing", "The statement lacks its opening or closing balance."
            )
        if (problem := message.balance.problem(place)) is not None:
            yield problem
        yield StatementSummary(
            place,
            message.account,
            message.identity,
            message.balance.opening,
            message.balance.closing,
            message.entries,
        )


def _unwrapped(text: str) -> str:
    """A line without the SWIFT envelope: ``{1:…}{2:…}{4:`` before the first field."""
    if text.startswith("{"):
        return text.rpartition("{4:")[2] if "{4:" in text else ""
    return text


def _account(text: str) -> str:
    """The account as it is named: an IBAN, or bank code and number; a currency after it is cut."""
    compact = text.replace(" ", "")
    return compact[:-3] if re.fullmatch(r"[A-Z]{2}[0-9]{2}\w+[A-Z]{3}", compact) else compact


def _balance(message: _Message, found: _Field) -> Iterator[StatementItem]:
    try:
        match = _BALANCE.fullmatch(found.texts[0].strip())
        if match is None:
            raise ParseError("BALANCE", "a balance is mark, date, currency, amount")
        short_date(match[2])
        amount = comma_amount(match[4], match[3])
    except ParseError as error:
        message.balance.unreadable += 1
        yield StatementProblem(
            Place(found.line, f":{found.tag}:"), error.code.lower(), error.message
        )
        return
    signed = amount if match[1] == "C" else -amount
    message.currency = match[3]
    if found.tag.startswith("60"):
        message.balance.opening = signed
    else:
        message.balance.closing = signed


def _entry_ended(message: _Message, information: _Field | None) -> Iterator[StatementItem]:
    """Give the entry that waited for its ``:86:``; information after the balance is of nobody."""
    found, message.entry = message.entry, None
    if found is None:
        return
    message.entries += 1
    place = Place(found.line, f":20:[{message.number}]/:61:[{message.entries}]")
    try:
        entry = _entry(message, found, information, place)
    except ParseError as error:
        message.balance.unreadable += 1
        yield StatementProblem(place, error.code.lower(), error.message)
        return
    message.balance.add(entry)
    yield entry


def _entry(
    message: _Message, found: _Field, information: _Field | None, place: Place
) -> StatementEntry:
    """Raises: ParseError."""
    match = _ENTRY.fullmatch(found.texts[0].strip())
    if match is None:
        raise ParseError("ENTRY", "the entry is not written as field 61")
    if not message.currency:
        raise ParseError("CURRENCY", "no opening balance names the currency before this entry")
    value = short_date(match["value"])
    booking = entry_date(match["entry"], value) if match["entry"] else value
    amount: Money = comma_amount(match["amount"], message.currency)
    mark = match["mark"]
    about = _Information.of(information.texts if information is not None else [])
    supplement = words(" ".join(found.texts[1:]))
    return StatementEntry(
        place=place,
        account=message.account,
        # RC takes a credit back, so it moves the account as a debit; RD the other way round.
        direction=Direction.CREDIT if mark in ("C", "RD") else Direction.DEBIT,
        amount=amount,
        booking_date=booking,
        value_date=value,
        reversal=mark.startswith("R"),
        entry_reference=reference(match["customer"]),
        bank_reference=reference(match["bank"]),
        end_to_end_id=about.end_to_end_id,
        creditor_references=about.creditor_references,
        remittance=tuple(text for text in (*about.remittance, supplement) if text),
        counterparty=about.counterparty,
        counterparty_bank=about.bank,
        transaction_code=about.code or match["type"],
    )


# ---------------------------------------------------------------------------- what field 86 says


@dataclass(frozen=True, slots=True)
class _Information:
    """What field 86 says."""

    code: str = ""
    end_to_end_id: str = ""
    creditor_references: tuple[str, ...] = ()
    remittance: tuple[str, ...] = ()
    counterparty: str = ""
    bank: str = ""

    @classmethod
    def of(cls, texts: list[str]) -> _Information:
        joined = "".join(texts)
        coded = _CODED.match(joined)
        if coded is not None:
            return _coded(coded[1], joined[3:], coded[2])
        if _SLASHED.match(joined) is not None:
            return _slashed(joined)
        return cls(remittance=tuple(text for line in texts if (text := words(line))))


def _coded(code: str, text: str, separator: str) -> _Information:
    """``?NN`` subfields: 20–29 and 60–63 purpose, 30 bank, 32 and 33 name.

    Purpose subfields are 27 characters long and cut words anywhere, so they are joined as they are.
    """
    parts = re.split(rf"{re.escape(separator)}([0-9]{{2}})", text)
    fields: dict[str, str] = {}
    for key, part in zip(parts[1::2], parts[2::2], strict=True):
        fields[key] = fields.get(key, "") + part
    purpose = "".join(fields.get(str(number), "") for number in (*range(20, 30), *range(60, 64)))
    named = _sepa(purpose)
    free = named.get("SVWZ", "") if "SVWZ" in named else named.get("", "")
    bank = words(fields.get("30"))
    return _Information(
        code=code,
        end_to_end_id=reference(named.get("EREF")),
        remittance=tuple(text for text in (words(free), words(fields.get("00"))) if text),
        counterparty=words(fields.get("32", "") + fields.get("33", "")),
        bank=bank if _BIC.fullmatch(bank) else "",
    )


def _sepa(purpose: str) -> dict[str, str]:
    """SEPA keywords of the purpose; what stands before the first one is under ''."""
    parts = _SEPA.split(purpose)
    named = {"": parts[0]}
    for key, part in zip(parts[1::2], parts[2::2], strict=True):
        named.setdefault(key, part)
    return named


def _slashed(text: str) -> _Information:
    """``/REMI/…/EREF/…/NAME/…``; REMI may say ``STRD/CUR/<reference>`` or ``USTD//<text>``."""
    parts = _SLASHED.split(text)
    named: dict[str, str] = {}
    for key, part in zip(parts[1::2], parts[2::2], strict=True):
        named.setdefault(key, part)
    purpose = named.get("REMI", "")
    structured: tuple[str, ...] = ()
    if purpose.startswith("STRD/"):
        structured = (reference(purpose.strip("/").rpartition("/")[2]),)
    elif purpose.startswith("USTD/"):
        purpose = purpose.removeprefix("USTD/")
    bank = words(named.get("BIC")).strip("/")
    return _Information(
        code=words(named.get("TRCD")).strip("/") or words(named.get("TRTP")).strip("/"),
        end_to_end_id=reference((named.get("EREF") or "").strip("/")),
        creditor_references=tuple(each for each in structured if each),
        remittance=tuple(t for t in (words(purpose.strip("/")), words(parts[0])) if t),
        counterparty=words((named.get("NAME") or "").strip("/")),
        bank=bank if _BIC.fullmatch(bank) else "",
    )
