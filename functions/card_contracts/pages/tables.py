"""Receivables as tables for people, and as a journal for programs."""

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from card_contracts.application.receivables import Search
from card_contracts.domain.sale import LineKind, ReceivableRow
from kernel.files import UploadedFile
from kernel.money import Money
from webkit.i18n import Language, mark

JOURNAL: Final = "card-receivables"
KIND: Final = {"instalment": mark("Instalment"), "deduction": mark("Deduction")}
ORIGIN: Final = {LineKind.SALE: mark("Sale"), LineKind.REFUND: mark("Refund")}
_COLUMNS: Final = (
    mark("Payment date"),
    mark("Date by the contract"),
    mark("Document"),
    mark("Origin"),
    mark("Contract"),
    mark("Bank account"),
    mark("Kind"),
    mark("Number"),
    mark("Deduction code"),
    mark("Amount"),
    mark("Currency"),
)


def export_header(words: Language) -> list[str]:
    """Names of the columns."""
    return [words.text(column) for column in _COLUMNS]


def export_row(row: ReceivableRow, words: Language) -> tuple[str | int | date | Decimal, ...]:
    """One ledger row; amounts and dates are typed, so that a spreadsheet can sum them."""
    line = row.line
    return (
        line.pay,
        line.raw,
        line.document_no,
        words.text(ORIGIN[line.kind]),
        line.contract_code,
        line.bank_account_code,
        words.text(KIND[row.kind]),
        line.no,
        row.code,
        Money(row.amount, line.currency).amount,
        line.currency,
    )


def journal(rows: Iterable[ReceivableRow], search: Search) -> UploadedFile:
    """Ledger entries as JSON: one per instalment and per deduction, with debit and credit.

    Shapes: ``{"version": 1, "from", "to", "entries": […]}``; amounts are positive, a refund has
    debit and credit the other way round.
    """
    document = {
        "version": 1,
        "from": search.since.isoformat(),
        "to": search.until.isoformat(),
        "entries": [_entry(row) for row in rows],
    }
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return UploadedFile(content, "application/json", f"{JOURNAL}.json")


def _entry(row: ReceivableRow) -> dict[str, Any]:
    line = row.line
    receivable = f"card_receivable:{line.bank_account_code}"
    other = f"deduction:{row.code}" if row.code else "sales"
    # The deduction of a sale takes from the receivable what its instalment gave.
    comes = (row.kind == "instalment") == (row.amount > 0)
    debit, credit = (receivable, other) if comes else (other, receivable)
    return {
        "date": line.pay.isoformat(),
        "raw_date": line.raw.isoformat(),
        "document_no": line.document_no,
        "origin": line.kind.value,
        "contract_code": line.contract_code,
        "contract_revision": line.revision,
        "no": line.no,
        "kind": row.kind,
        "code": row.code or None,
        "debit": debit,
        "credit": credit,
        "amount": Money(abs(row.amount), line.currency).to_api(),
        "status": line.status.value,
    }
