"""The order to pay an insurer what it accepted for one month, with the legal deadline
(*havale/EFT*).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kernel.business_days import Calendar
from kernel.errors import ConflictError
from kernel.money import Money
from kernel.periods import Period
from kernel.why import Why
from pensions.domain.contract import Contract
from pensions.domain.contribution import (
    CLOSED,
    PAYABLE,
    Contribution,
    ContributionStatus,
    PeriodSummary,
    summarise,
)
from pensions.domain.deadlines import payment_deadline


@dataclass(frozen=True, slots=True)
class RemittancePart:
    """What belongs to one wage payment day: amount, number of rows, its own deadline and why."""

    paid_on: date
    due_on: date
    amount: Money
    count: int
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Remittance:
    """One bank order: one sum per contract and month.

    Units: ``left_open`` counts the rows of the month that paying this order does not close.
    Shapes: ``parts`` by wage payment day, in order, Σ amount = ``payable``; ``due_on`` is the
    earliest deadline among them, because one sum is paid.
    Source: DES pension portal, step 12 (one transfer after "Tahsilat İşlenmiştir"); Law 4632 Ek
    Madde 2 (at the latest on the business day following the wage payment day).
    """

    contract_id: str
    period: Period
    payable: Money
    due_on: date
    parts: tuple[RemittancePart, ...]
    summary: PeriodSummary
    reference: str
    provider_iban: str
    payer_iban: str
    settled: bool
    left_open: int
    lines: tuple[Contribution, ...]


def remittance_reference(contract: Contract, period: Period) -> str:
    """Text the insurer recognises the money by: contract number and period, at most 35
    characters.
    """
    return f"BES {contract.contract_no[:20]} {period}"[:35]


def build_remittance(
    contract: Contract,
    period: Period,
    contributions: Sequence[Contribution],
    calendar: Calendar,
    *,
    default_provider_iban: str = "",
) -> Remittance:
    """The bank order of a contract and month.

    Raises: ConflictError("remittance_not_final") while any row is on its way or nothing was
    decided; ConflictError("nothing_accepted") when the insurer accepted nothing.
    """
    summary = summarise(contributions)
    if not summary.final:
        raise ConflictError(
            "remittance_not_final",
            "The insurer has not confirmed all contributions of this month yet.",
        )
    accepted = [item for item in contributions if item.status in PAYABLE]
    if not accepted:
        raise ConflictError(
            "nothing_accepted", "The insurer accepted no contribution of this month."
        )
    parts = []
    for paid_on in sorted({item.paid_on for item in accepted}):
        rows = [item for item in accepted if item.paid_on == paid_on]
        amount = Money(sum(item.amount.minor for item in rows), summary.payable.currency)
        deadline = payment_deadline(paid_on, calendar)
        parts.append(RemittancePart(paid_on, deadline.due_on, amount, len(rows), deadline.why))
    return Remittance(
        contract_id=contract.id,
        period=period,
        payable=summary.payable,
        due_on=min(part.due_on for part in parts),
        parts=tuple(parts),
        summary=summary,
        reference=remittance_reference(contract, period),
        provider_iban=_clear(contract.provider_iban) or default_provider_iban,
        payer_iban=_clear(contract.payer_iban),
        settled=all(item.status is ContributionStatus.SETTLED for item in accepted),
        left_open=sum(item.status not in CLOSED | PAYABLE for item in contributions),
        lines=tuple(accepted),
    )


def _clear(iban: object) -> str:
    reveal = getattr(iban, "reveal", None)
    return str(reveal("remittance")) if reveal else ""
