"""The same sale under every contract (*what-if*)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from card_contracts.domain.contract import Contract
from card_contracts.domain.plan import Plan
from kernel.errors import KopruError


@dataclass(frozen=True, slots=True)
class Alternative:
    """What a sale would bring under one contract, or why it cannot be sold there."""

    contract: Contract
    plan: Plan | None
    refusal: KopruError | None = None


def ranked(alternatives: Iterable[Alternative]) -> tuple[Alternative, ...]:
    """Most money first, then soonest; what cannot be sold comes last, by code."""

    def place(one: Alternative) -> tuple[bool, int, int, str]:
        if one.plan is None:
            return (True, 0, 0, one.contract.code)
        return (False, -one.plan.net, one.plan.average_days, one.contract.code)

    return tuple(sorted(alternatives, key=place))
