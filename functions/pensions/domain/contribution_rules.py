"""How much is cut from one wage: a share of the pensionable earnings, in whole lira."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import RuleViolationError, ValidationError
from kernel.money import Money, truncate_to_major
from kernel.rates import Rate
from kernel.why import Why


@dataclass(frozen=True, slots=True)
class CalculatedContribution:
    """The amount, whether there is anything to collect, and why.

    Shapes: when not ``due`` the amount is zero and the insurer is told that nothing comes.
    """

    amount: Money
    due: bool
    why: tuple[Why, ...]


def calculate(earnings: Money | None, rate: Rate, currency: str = "TRY") -> CalculatedContribution:
    """Contribution (*katkı payı*) on the pensionable earnings (*prime esas kazanç*) of a month.

    Units: the exact product is cut to whole lira once, at the end; rounding a part of it first
    gives wrong lira (33.333,34 at 3 % is 1000, not 999).
    Raises: ValidationError("pensions.earnings_negative").
    Source: Aegon SSS, "the kuruş part is ignored"; Anadolu Hayat FAQ, 1.777,50 gives 53.
    """
    if earnings is None:
        return CalculatedContribution(
            Money.zero(currency), False, (Why("pensions.why.no_earnings", {}),)
        )
    if earnings.minor < 0:
        raise ValidationError("pensions.earnings_negative", "the earnings must not be negative")
    amount = Money(truncate_to_major(rate.of(earnings)), earnings.currency)
    key = "pensions.why.contribution" if amount else "pensions.why.contribution_not_due"
    params = {"earnings": earnings.to_api(), "rate": rate.to_api(), "amount": amount.to_api()}
    return CalculatedContribution(amount, bool(amount), (Why(key, params),))


def require_minimum(rate: Rate, minimum: Rate) -> None:
    """Refuse a rate below the contract's minimum deduction rate (*min kesinti oranı*).

    Raises: RuleViolationError("pensions.rate_below_minimum").
    Source: Law 4632 Ek Madde 2; an employee may ask for more, never for less.
    """
    if rate < minimum:
        raise RuleViolationError(
            "pensions.rate_below_minimum", f"the rate must be at least {minimum}"
        )
