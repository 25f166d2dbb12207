"""camt.053 and camt.054 (ISO 20022), read as a stream, one transaction in memory at a time.

Versions .02 and .08 differ in where a party's name, an agent's BIC, the status and the amount of a
transaction stand; both places are looked at, so that the versions between are read too.
An entry that collects several transactions gives one row for each of them; their sum must be the
entry (charges apart). Entities, DTDs and the network are off, and a DOCTYPE is refused.
Source: ISO 20022 message definitions camt.053.001.02/.08 and camt.054.001.02/.08; RF references in
RmtInf/Strd/CdtrRefInf (domain/payment-codes.md §4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, Final, cast

from lxml import etree

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
    point_amount,
    reference,
    words,
)

_CHUNK: Final = 64 * 1024
# One entry without its transactions, or one transaction: more than this is an attack or a fault.
_MAX_PENDING: Final = 8_000_000
_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05([0-9])\.001\.[0-9]{2}")
_MESSAGES: Final = {"3": "Stmt", "4": "Ntfctn"}
_TAGS: Final = ("Stmt", "Ntfctn", "Rpt", "Acct", "Bal", "TxsSummry", "Ntry", "TxDtls")
_ENCODING: Final = re.compile(rb"""<\?xml[^>]{0,80}encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_READABLE: Final = re.compile(
    r"utf-?8|us-ascii|ascii|iso-8859-[0-9]{1,2}|windows-125[0-9]|cp125[0-9]", re.IGNORECASE
)
_FORBIDDEN: Final = (b"<!DOCTYPE", b"<!ENTITY")
_UNDECODABLE: Final = 81  # libxml2's XML_ERR_INVALID_ENCODING: bytes that are not of the encoding
_OVERLAP: Final = 16
_OPENING: Final = ("OPBD", "PRCD")
_TRANSACTION: Final = "NtryDtls/TxDtls"
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T+Z-].*)?")


def read_camt(stream: BinaryIO) -> Iterator[StatementItem]:
    """Entries, problems and summaries of a camt.053 or camt.054 file.

    Raises: StatementRefusedError for a file that is none, at the place where that shows; what came
    before may not be used then.
    """
    parser = etree.XMLPullParser(
        ("start", "end"),
        tag=[f"{{*}}{tag}" for tag in _TAGS],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
        recover=False,
    )
    document = _Document()
    total = 0
    tail = b""
    try:
        while chunk := stream.read(_CHUNK):
            if not total:
                _check_encoding(chunk)
            total += len(chunk)
            if total > MAX_BYTES:
                raise StatementRefusedError(
                    StatementReason.TOO_LARGE, "A statement file has at most 100 MB."
                )
            window = tail + chunk
            if any(mark in window for mark in _FORBIDDEN):
                raise StatementRefusedError(
                    StatementReason.DTD, "The file has a document type declaration."
                )
            tail = window[-_OVERLAP:]
            document.pending += len(chunk)
            parser.feed(chunk)
            yield from _events(parser, document)
            if document.pending > _MAX_PENDING:
                raise StatementRefusedError(
                    StatementReason.ENTRY_TOO_LARGE, "One entry of the file is too large."
                )
        if not total:
            raise StatementRefusedError(StatementReason.EMPTY, "The file is empty.")
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _unreadable(error) from None
    yield from _events(parser, document)
    if not document.statements:
        raise StatementRefusedError(
            StatementReason.NOT_A_STATEMENT, "The file holds no camt.053 or camt.054 statement."
        )


def _unreadable(error: etree.XMLSyntaxError) -> StatementRefusedError:
    line = error.lineno or 0
    if getattr(error, "code", 0) == _UNDECODABLE:
        return StatementRefusedError(
            StatementReason.ENCODING, "The file is not in the encoding that it names.", line=line
        )
    return StatementRefusedError(
        StatementReason.SYNTAX, "The file is not well-formed XML.", line=line
    )


def _check_encoding(start: bytes) -> None:
    """Only encodings in which ASCII stays ASCII: the search for DOCTYPE works on bytes."""
    declared = _ENCODING.search(start[:200])
    name = declared[1].decode("ascii") if declared else "utf-8"
    if b"\x00" in start[:64] or _READABLE.fullmatch(name) is None:
        raise StatementRefusedError(
            StatementReason.ENCODING,
            "The file is in an encoding that is not read; send UTF-8.",
            line=1,
        )


def _events(parser: etree.XMLPullParser, document: _Document) -> Iterator[StatementItem]:
    for event, element in parser.read_events():
        assert isinstance(element, etree._Element)  # noqa: S101  (only elements are asked for)
        name = etree.QName(element).localname
        if event == "start":
            if name in ("Stmt", "Ntfctn", "Rpt"):
                document.begin(element, name)
            continue
        if document.statement is None:
            continue
        yield from document.end(element, name)


Facts = Mapping[str, Sequence[etree._Element]]
"""What stands below an element, in the order of the file, by its path (``Refs/EndToEndId``)."""


def _facts(namespace: str, element: etree._Element) -> Facts:
    """Everything below an element in one walk; transactions of an entry are not gone into.

    A look-up by path walks the children every time it is asked, and a row asks thirty times.
    """
    mark = f"{{{namespace}}}"
    found: dict[str, list[etree._Element]] = {}
    _walk(element, mark, len(mark), "", found)
    return found


def _walk(
    element: etree._Element,
    mark: str,
    skip: int,
    above: str,
    found: dict[str, list[etree._Element]],
) -> None:
    for child in element:
        tag = str(child.tag)
        if not tag.startswith(mark):
            continue  # an extension of the bank in a namespace of its own
        path = above + tag[skip:]
        found.setdefault(path, []).append(child)
        if len(child) and path != _TRANSACTION:
            _walk(child, mark, skip, f"{path}/", found)


@dataclass(slots=True)
class _Entry:
    """The entry being read; its last transaction is held until it is known whether more come."""

    number: int
    transactions: int = 0
    held: etree._Element | None = None
    rows: int = 0
    signed: int = 0
    comparable: bool = True
    head: Facts | None = None


@dataclass(slots=True)
class _Statement:
    """The statement being read."""

    number: int
    name: str
    namespace: str
    line: int
    account: str = ""
    currency: str = ""
    identity: str = ""
    announced: int | None = None
    balance: RunningBalance = field(default_factory=RunningBalance)
    entries: int = 0
    pending: int = 0
    entry: _Entry | None = None

    @property
    def path(self) -> str:
        return f"{self.name}[{self.number}]"


class _Document:
    """What is known between two events of the parser."""

    def __init__(self) -> None:
        self.statements = 0
        self.statement: _Statement | None = None
        self.pending = 0

    def begin(self, element: etree._Element, name: str) -> None:
        namespace = etree.QName(element).namespace or ""
        match = _NAMESPACE.fullmatch(namespace)
        if match is None or _MESSAGES.get(match[1]) != name:
            raise StatementRefusedError(
                StatementReason.VERSION,
                "The file is no camt.053 or camt.054; interim reports are not final.",
                line=_line(element),
            )
        self.statements += 1
        self.statement = _Statement(self.statements, name, namespace, _line(element))

    def end(self, element: etree._Element, name: str) -> Iterator[StatementItem]:
        statement = self.statement
        assert statement is not None  # noqa: S101  (the caller asked)
        parent = element.getparent()
        parent_name = etree.QName(parent).localname if parent is not None else ""
        if name == "TxDtls" and parent_name == "NtryDtls":
            yield from self._transaction(statement, element)
        elif name == "Ntry" and parent_name == statement.name:
            yield from self._entry(statement, element)
            _forget(element)
            self.pending = 0
        elif name == statement.name:
            yield from _close(statement, element)
            _forget(element)
            self.statement, self.pending = None, 0
        elif parent_name == statement.name:
            yield from _head(statement, element, name)

    def _transaction(
        self, statement: _Statement, element: etree._Element
    ) -> Iterator[StatementItem]:
        """A transaction ended. The one before it can be given: it is not the only one."""
        entry = statement.entry or _Entry(statement.entries + 1)
        statement.entry = entry
        if entry.held is not None:
            yield from _row(statement, entry, entry.held, alone=False)
            _forget(entry.held)
            self.pending = 0
        entry.transactions += 1
        entry.held = element

    def _entry(self, statement: _Statement, element: etree._Element) -> Iterator[StatementItem]:
        statement.entries += 1
        entry = statement.entry or _Entry(statement.entries)
        statement.entry = None
        # Now the entry is whole; while its transactions came, its head was.
        head = entry.head = _facts(statement.namespace, element)
        if not _is_booked(head):
            statement.pending += 1
            return
        if entry.transactions == 0:
            yield from _row(statement, entry, element, alone=True)
        else:
            assert entry.held is not None  # noqa: S101  (set with the first transaction)
            yield from _row(statement, entry, entry.held, alone=entry.transactions == 1)
        yield from _settle(statement, entry, head, _line(element))


def _line(element: etree._Element) -> int:
    found = element.sourceline
    return found if isinstance(found, int) else 0


def _forget(element: etree._Element) -> None:
    """Free an element and what stands before it; the element itself stays for the parser."""
    # The tail stays: the parser may still add to it. (The stubs do not know the argument.)
    cast("Any", element).clear(keep_tail=True)
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        if etree.QName(before).localname != etree.QName(element).localname:
            break  # the head of an entry or statement is still needed
        parent.remove(before)


def _close(statement: _Statement, element: etree._Element) -> Iterator[StatementItem]:
    place = Place(statement.line, statement.path)
    booked = statement.entries - statement.pending
    if statement.announced is not None and statement.announced != statement.entries:
        yield StatementProblem(
            place, "count_mismatch", "The statement announces another number of entries."
        )
    if (problem := statement.balance.problem(place)) is not None:
        yield problem
    yield StatementSummary(
        place,
        statement.account,
        statement.identity or reference(_text(_facts(statement.namespace, element), "Id")),
        statement.balance.opening,
        statement.balance.closing,
        booked,
        statement.pending,
    )


def _head(statement: _Statement, element: etree._Element, name: str) -> Iterator[StatementItem]:
    """Account, balances and announced totals of a statement."""
    facts = _facts(statement.namespace, element)
    if name == "Acct":
        iban = _text(facts, "Id/IBAN")
        other = _text(facts, "Id/Othr/Id")
        statement.account = reference(iban or other).replace(" ", "")
        statement.currency = words(_text(facts, "Ccy"))
        parent = element.getparent()
        if parent is not None:
            statement.identity = reference(_text(_facts(statement.namespace, parent), "Id"))
    elif name == "TxsSummry":
        count = words(_text(facts, "TtlNtries/NbOfNtries"))
        if count.isascii() and count.isdigit() and len(count) <= 15:
            statement.announced = int(count)
    elif name == "Bal":
        kind = words(_text(facts, "Tp/CdOrPrtry/Cd"))
        if kind not in (*_OPENING, "CLBD"):
            return
        try:
            amount = _amount(facts, "Amt")
            signed = amount if _direction(facts) is Direction.CREDIT else -amount
        except ParseError as error:
            place = Place(_line(element), f"{statement.path}/Bal")
            yield StatementProblem(place, error.code.lower(), error.message)
            statement.balance.unreadable += 1
            return
        if kind == "CLBD":
            statement.balance.closing = signed
        elif statement.balance.opening is None or kind == "OPBD":
            statement.balance.opening = signed


def _text(facts: Facts, path: str) -> str | None:
    found = facts.get(path)
    return (found[0].text or "") if found else None


def _all(facts: Facts, path: str) -> list[str]:
    return [text for node in facts.get(path, ()) if (text := words(node.text))]


def _amount(facts: Facts, path: str) -> Money:
    found = facts.get(path)
    if not found:
        raise ParseError("AMOUNT", "there is no amount")
    return point_amount((found[0].text or "").strip(), found[0].get("Ccy", ""))


def _direction(facts: Facts) -> Direction:
    mark = words(_text(facts, "CdtDbtInd"))
    if mark not in ("CRDT", "DBIT"):
        raise ParseError("DIRECTION", "there is no credit or debit mark")
    return Direction.CREDIT if mark == "CRDT" else Direction.DEBIT


def _date(facts: Facts, path: str) -> date | None:
    """The day as the bank wrote it; the time and offset of a DtTm do not move it."""
    text = _text(facts, f"{path}/Dt") or _text(facts, f"{path}/DtTm")
    if text is None:
        return None
    match = _DATE.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        return date.fromisoformat(match[1])
    except ValueError:
        raise ParseError("DATE", "a date is written YYYY-MM-DD") from None


def _is_booked(entry: Facts) -> bool:
    """Status BOOK: text in version 02, ``Cd`` later; pending entries come again when booked."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts") or "BOOK"
    return words(status) in ("BOOK", "")


def _settle(
    statement: _Statement, entry: _Entry, head: Facts, line: int
) -> Iterator[StatementItem]:
    """Count the entry in the balance, and compare a collective entry with its transactions."""
    place = Place(line, f"{statement.path}/Ntry[{entry.number}]")
    try:
        amount = _amount(head, "Amt")
        credit = _direction(head) is Direction.CREDIT
    except ParseError:
        statement.balance.unreadable += 1  # told with its row
        return
    signed = amount if credit else -amount
    statement.balance.move(signed)
    compared = entry.transactions > 1 and entry.comparable and "Chrgs" not in head
    if compared and entry.signed != signed.minor:
        yield StatementProblem(
            place, "batch_sum", "The transactions of this entry do not add up to it."
        )


def _row(
    statement: _Statement, entry: _Entry, element: etree._Element, *, alone: bool
) -> Iterator[StatementItem]:
    """One row; ``element`` is a transaction, or the entry itself when it has none."""
    is_entry = entry.held is None
    if entry.head is None:
        entry.head = _facts(statement.namespace, _entry_of(element))
    head = entry.head
    facts = head if is_entry else _facts(statement.namespace, element)
    entry.rows += 1
    path = f"{statement.path}/Ntry[{entry.number}]"
    if not is_entry:
        path += f"/TxDtls[{entry.rows}]"
    place = Place(_line(element), path)
    if not _is_booked(head):
        return
    try:
        found = _read(statement, head, facts, place, alone=alone)
    except ParseError as error:
        entry.comparable = False
        yield StatementProblem(place, error.code.lower(), error.message)
        return
    if "Chrgs" in facts:
        entry.comparable = False
    entry.signed += found.signed.minor
    yield found


def _entry_of(transaction: etree._Element) -> etree._Element:
    details = transaction.getparent()
    head = details.getparent() if details is not None else None
    assert head is not None  # noqa: S101  (TxDtls stands in NtryDtls in Ntry)
    return head


def _read(
    statement: _Statement, head: Facts, facts: Facts, place: Place, *, alone: bool
) -> StatementEntry:
    """The row of a transaction, or of the entry itself when ``facts`` are those of the entry.

    Raises: ParseError for what cannot be read of the row.
    """
    is_entry = facts is head
    direction = _direction(head)
    whole = _amount(head, "Amt")
    amount = whole
    if not is_entry:
        own = _own_amount(facts, whole.currency)
        if own is None and not alone:
            raise ParseError("AMOUNT", "a transaction of a collective entry has no amount")
        amount = own if own is not None and not alone else whole
        if "CdtDbtInd" in facts and not alone:
            direction = _direction(facts)
    value = _date(head, "ValDt")
    booking = _date(head, "BookgDt") or value
    if booking is None:
        raise ParseError("DATE", "there is neither a booking nor a value date")
    reversal = words(_text(head, "RvslInd")) in ("true", "1")
    row = StatementEntry(
        place=place,
        account=statement.account,
        direction=direction,
        amount=amount,
        booking_date=booking,
        value_date=value or booking,
        reversal=reversal or (not is_entry and "RtrInf" in facts),
        entry_reference=reference(_text(head, "NtryRef")),
        bank_reference=reference(_text(head, "AcctSvcrRef")),
        transaction_code=_code(head),
    )
    extra = tuple(_all(head, "AddtlNtryInf"))
    if is_entry:
        count = words(_text(head, "NtryDtls/Btch/NbOfTxs"))
        many = int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 1
        return replace(row, remittance=extra, transactions=max(1, many))
    incoming = (direction is Direction.CREDIT) != row.reversal
    return _detailed(facts, row, incoming, alone=alone, extra=extra if alone else ())


def _detailed(
    facts: Facts, row: StatementEntry, incoming: bool, *, alone: bool, extra: tuple[str, ...]
) -> StatementEntry:
    """The row with what the transaction says; ``incoming`` tells whose name is the other side's."""
    side = "Dbtr" if incoming else "Cdtr"
    agent = f"RltdAgts/{side}Agt/FinInstnId"
    own_reference = reference(_text(facts, "Refs/AcctSvcrRef"))
    return replace(
        row,
        # The entry's reference names the whole collection, so it is nobody's own among several.
        bank_reference=own_reference or (row.bank_reference if alone else ""),
        end_to_end_id=reference(_text(facts, "Refs/EndToEndId")),
        transaction_id=reference(_text(facts, "Refs/TxId")),
        creditor_references=tuple(_references(facts)),
        remittance=(*_all(facts, "RmtInf/Ustrd"), *_all(facts, "AddtlTxInf"), *extra),
        counterparty=words(
            _text(facts, f"RltdPties/{side}/Pty/Nm") or _text(facts, f"RltdPties/{side}/Nm")
        ),
        counterparty_bank=reference(_text(facts, f"{agent}/BICFI") or _text(facts, f"{agent}/BIC")),
        transaction_code=_code(facts) or row.transaction_code,
        accepted_at=_instant(_text(facts, "RltdDts/AccptncDtTm")),
    )


def _own_amount(facts: Facts, currency: str) -> Money | None:
    """The transaction's own amount in the currency of the account, if it states one."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        found = facts.get(path)
        if found and found[0].get("Ccy") == currency:
            return _amount(facts, path)
    return None


def _references(facts: Facts) -> Iterator[str]:
    """Structured creditor references, those marked SCOR first."""
    found: list[tuple[bool, str]] = []
    for node in facts.get("RmtInf/Strd/CdtrRefInf", ()):
        # Reference and kind belong together: several of them are looked at one by one.
        own = _facts(etree.QName(node).namespace or "", node)
        if text := reference(_text(own, "Ref")):
            found.append((words(_text(own, "Tp/CdOrPrtry/Cd")) != "SCOR", text))
    return (text for _, text in sorted(found, key=lambda each: each[0]))


def _code(facts: Facts) -> str:
    """Bank transaction code: ``PMNT/RCDT/ESCT``, or the bank's own."""
    parts = [
        words(_text(facts, f"BkTxCd/Domn/{path}")) for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")
    ]
    return "/".join(part for part in parts if part) or words(_text(facts, "BkTxCd/Prtry/Cd"))


def _instant(text: str | None) -> datetime | None:
    """An instant with its offset; without one it is not known when it was."""
    try:
        found = datetime.fromisoformat((text or "").strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None
