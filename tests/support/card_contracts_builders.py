"""Card contracts for tests: a plain one, and whatever differs from it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from card_contracts.domain.contract import CalendarName, Contract
from card_contracts.domain.deductions import Basis, Deduction, Kind, Timing
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.terms import Blockage, BlockageKind, Collection, Term
from kernel.money import Money
from kernel.rates import Rate

THIRTY_DAYS = Blockage(BlockageKind.ADDED_DAYS, 30)


def lira(text: str) -> Money:
    """An amount of lira."""
    return Money.from_decimal(Decimal(text), "TRY")


def commission(rate: str = "2.40", **changes: Any) -> Deduction:
    """A commission on the gross, spread over the instalments."""
    members: dict[str, Any] = {
        "sequence": 1,
        "code": "COMMISSION",
        "kind": Kind.RATE,
        "timing": Timing.PER_INSTALMENT,
        "basis": Basis.GROSS,
        "rate": Rate(Decimal(rate)),
    }
    return Deduction(**{**members, **changes})


def tax(rate: str = "5", **changes: Any) -> Deduction:
    """BSMV on the commission."""
    members: dict[str, Any] = {
        "sequence": 2,
        "code": "BSMV",
        "basis": Basis.ON_DEDUCTION,
        "of": "COMMISSION",
    }
    return commission(rate, **{**members, **changes})


def term(first: int = 1, last: int = 12, **changes: Any) -> Term:
    """An instalment range without anything special."""
    members: dict[str, Any] = {"collection": Collection.DEFERRED, **changes}
    return Term(first, last, **members)


def contract(*terms: Term, **changes: Any) -> Contract:
    """A contract of the year 2026."""
    members: dict[str, Any] = {
        "code": "AXESS-26",
        "description": "Axess",
        "card_code": "AXESS",
        "bank_account_code": "102.01.001",
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2026, 12, 31),
        "calendar": CalendarName.TR,
        "business_day_rule": BusinessDayRule.FOLLOWING,
        "remainder_on": "first",
        "effective_from": date(2026, 1, 1),
    }
    return Contract(**{**members, **changes}, terms=terms or (term(),))


def api_contract(code: str = "AXESS-26", **changes: Any) -> dict[str, Any]:
    """The body of creating the contract of example 1."""
    body: dict[str, Any] = {
        "code": code,
        "description": "Axess, own cards",
        "card_code": "AXESS",
        "bank_account_code": "102.01.001",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "locked": False,
        "calendar": "TR",
        "business_day_rule": "following",
        "remainder_on": "first",
        "terms": [
            {
                "from": 1,
                "to": 12,
                "collection": "deferred",
                "skip_months": 0,
                "blockage": {"kind": "added_days", "value": 30},
                "maturity": {"kind": "monthly"},
                "description": "",
                "deductions": [
                    {
                        "sequence": 1,
                        "code": "COMMISSION",
                        "kind": "rate",
                        "value": "2.40",
                        "timing": "per_instalment",
                        "basis": "gross",
                    }
                ],
            }
        ],
    }
    return {**body, **changes}


def api_sale(document_no: str = "FTR-1", **changes: Any) -> dict[str, Any]:
    """The body of posting the sale of example 1."""
    body: dict[str, Any] = {
        "contract_code": "AXESS-26",
        "sold_on": "2026-04-28",
        "amount": {"amount": "1000.00", "currency": "TRY"},
        "instalments": 3,
        "document_no": document_no,
    }
    return {**body, **changes}
