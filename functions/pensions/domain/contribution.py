"""One contribution of one person for one month (*katkı payı*) and what happened to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError
from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.stamp import NEW, Stamp


class ContributionStatus(StrEnum):
    """Where one contribution stands (API words); ``calculated`` with a reason is held."""

    CALCULATED = "calculated"
    EXCLUDED = "excluded"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SETTLED = "settled"
    CANCELLED = "cancelled"


_S = ContributionStatus
TRANSITIONS: Final[Mapping[ContributionStatus, frozenset[ContributionStatus]]] = {
    _S.CALCULATED: frozenset({_S.SENDING, _S.EXCLUDED, _S.CANCELLED}),
    _S.EXCLUDED: frozenset({_S.CALCULATED, _S.CANCELLED}),
    _S.SENDING: frozenset({_S.ACCEPTED, _S.REJECTED, _S.UNKNOWN, _S.CALCULATED}),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.REJECTED, _S.CALCULATED}),
    _S.ACCEPTED: frozenset({_S.SETTLED}),
    _S.REJECTED: frozenset({_S.CALCULATED, _S.EXCLUDED, _S.CANCELLED}),
    _S.SETTLED: frozenset(),
    _S.CANCELLED: frozenset(),
}
EDITABLE: Final = frozenset({_S.CALCULATED, _S.EXCLUDED, _S.REJECTED})
IN_FLIGHT: Final = frozenset({_S.SENDING, _S.UNKNOWN})
DECIDED: Final = frozenset({_S.ACCEPTED, _S.REJECTED, _S.SETTLED})
PAYABLE: Final = frozenset({_S.ACCEPTED, _S.SETTLED})
CLOSED: Final = frozenset({_S.SETTLED, _S.EXCLUDED, _S.CANCELLED})
"""Nothing is left to be done about these before the deadline."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One amount of one person for one wage period.

    Units: ``earnings`` (PEK) and ``amount`` in minor units of TRY; ``amount`` is whole lira when
    computed.
    Shapes: ``sequence`` 1 is the regular contribution of the period, 2… are added by hand (bonus,
    difference), each with its own ``paid_on`` (the wage payment day it belongs to). ``reason``
    says why it is excluded, held or rejected.
    """

    id: str
    contract_id: str
    employee_id: str
    period: Period
    sequence: int
    earnings: Money | None
    rate: Rate
    amount: Money
    paid_on: date
    status: ContributionStatus
    reason: str = ""
    transmission_id: str = ""
    import_id: str = ""
    stamp: Stamp = NEW

    def moved(self, status: ContributionStatus, **changes: object) -> "Contribution":
        """This contribution in another state.

        Raises: ConflictError("contribution_transition") for a step the table does not allow.
        """
        if status is not self.status and status not in TRANSITIONS[self.status]:
            raise ConflictError(
                "contribution_transition",
                f"A contribution that is {self.status} cannot become {status}.",
            )
        return replace(self, status=status, **changes)  # type: ignore[arg-type]

    def editable(self) -> None:
        """Refuse an edit of what is bound or already decided.

        Raises: ConflictError("contribution_in_flight" | "contribution_final").
        """
        if self.status in IN_FLIGHT:
            raise ConflictError(
                "contribution_in_flight",
                "This contribution is being sent to the insurer and cannot be changed now.",
            )
        if self.status not in EDITABLE:
            raise ConflictError(
                "contribution_final", f"A contribution that is {self.status} cannot be changed."
            )


@dataclass(frozen=True, slots=True)
class GapItem:
    """Part of the difference between total and payable: why, how many rows, how much."""

    reason: str
    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class PeriodSummary:
    """Totals of one contract and month. Shapes: ``total`` − ``payable`` = Σ ``gap``.

    ``final``: something was decided and nothing is on its way, so the payable cannot change by
    itself.
    """

    count: int
    total: Money
    payable: Money
    gap: tuple[GapItem, ...]
    final: bool
    calculated: int


def summarise(contributions: Iterable[Contribution], currency: str = "TRY") -> PeriodSummary:
    """Total, payable (accepted rows only) and the itemised gap between them.

    Source: DES pension portal, "Toplam Katkı Payı Tutarı" and "Ödenecek tutar"; the source gives
    no reason for the difference, ours is that only what the insurer accepted is paid
    (domain/pensions.md §4, I-7).
    """
    zero = Money.zero(currency)
    total = payable = zero
    gap: dict[str, tuple[int, Money]] = {}
    count = calculated = decided = moving = 0
    for item in contributions:
        if item.status is ContributionStatus.CANCELLED:
            continue
        count += 1
        total += item.amount
        decided += item.status in DECIDED
        moving += item.status in IN_FLIGHT
        calculated += item.status is ContributionStatus.CALCULATED
        if item.status in PAYABLE:
            payable += item.amount
            continue
        reason = gap_reason(item)
        seen, amount = gap.get(reason, (0, zero))
        gap[reason] = (seen + 1, amount + item.amount)
    items = tuple(
        GapItem(reason, number, amount) for reason, (number, amount) in sorted(gap.items())
    )
    return PeriodSummary(count, total, payable, items, decided > 0 and moving == 0, calculated)


def gap_reason(item: Contribution) -> str:
    """Why a row is not part of the payable: its own reason, otherwise its state."""
    if item.status is ContributionStatus.CALCULATED:
        return item.reason or "not_sent"
    if item.status in IN_FLIGHT:
        return "awaiting_insurer"
    if item.status is ContributionStatus.REJECTED:
        return "rejected"
    return item.reason or "excluded"
