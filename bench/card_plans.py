"""Proof with many plans: the parts of 100,000 random card plans sum to their totals (I-2).

``python -m bench.card_plans [--plans 100000] [--seed 1]`` draws contracts and sales at random, from
every collection, blockage, maturity and remainder there is, and compares sums, remainders and dates
of each plan. It ends with 1 and the seed of the plan at the first one that does not hold.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from card_contracts.domain.deductions import Basis, Deduction, Kind, Timing
from card_contracts.domain.plan import Plan, Terms, draw_up
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.terms import (
    Blockage,
    BlockageKind,
    Collection,
    Cutoff,
    Maturity,
    MaturityKind,
    OnDay,
    SkipAndBlock,
    Strategy,
    Term,
)
from kernel.errors import RuleViolationError
from kernel.money import Money, RemainderOn
from kernel.rates import Rate
from toolkit.calendars import calendar

_FIRST_DAY = date(2024, 1, 1)
_DAYS = 2_500


def draw_terms(dice: random.Random) -> Terms:
    """Terms of one random contract; every strategy is named."""
    term = Term(
        first=1,
        last=36,
        collection=dice.choice(list(Collection)),
        skip_months=dice.randint(0, 6),
        blockage=_blockage(dice),
        skip_and_block=dice.choice(list(SkipAndBlock)),
        maturity=_maturity(dice),
        deductions=_deductions(dice),
    )
    remainder: RemainderOn = "first" if dice.random() < 0.5 else "last"
    rule = dice.choice(list(BusinessDayRule))
    return Terms(term, rule, remainder, calendar(dice.choice(("TR", "GR"))))


def _blockage(dice: random.Random) -> Blockage | None:
    kind = dice.choice([None, *BlockageKind])
    if kind is None:
        return None
    value = dice.randint(1, 31) if kind is BlockageKind.FIXED_DAY else dice.randint(0, 90)
    return Blockage(kind, value, dice.choice(list(OnDay)))


def _maturity(dice: random.Random) -> Maturity:
    kind = dice.choice(list(MaturityKind))
    if kind is MaturityKind.MONTHLY:
        return Maturity()
    if kind is MaturityKind.DYNAMIC:
        cutoff = Cutoff(dice.randint(1, 31), dice.randint(1, 31))
        return Maturity(kind, strategy=Strategy.CUTOFF, cutoff=cutoff)
    if kind is MaturityKind.ADDED_DAYS_PLUS_ONE:
        strategy = dice.choice([Strategy.CALENDAR_DAY, Strategy.BUSINESS_DAY])
        return Maturity(kind, dice.randint(1, 60), strategy)
    return Maturity(kind, dice.randint(1, 31))


def _deductions(dice: random.Random) -> tuple[Deduction, ...]:
    made: list[Deduction] = []
    for sequence in range(dice.randint(0, 4)):
        basis = dice.choice([Basis.GROSS, Basis.NET, *([Basis.ON_DEDUCTION] if made else [])])
        made.append(
            Deduction(
                sequence,
                f"D{sequence}",
                Kind.RATE,
                dice.choice(list(Timing)),
                basis,
                Rate(Decimal(dice.randint(0, 3_000_000)).scaleb(-6)),
                of=dice.choice(made).code if basis is Basis.ON_DEDUCTION else "",
            )
        )
    return tuple(made)


def complaint(terms: Terms, plan: Plan) -> str:
    """What does not hold of a plan; empty when all of it does."""
    grosses = [line.gross for line in plan.lines]
    equal = grosses[1:] if terms.remainder_on == "first" else grosses[:-1]
    checks = {
        "gross": sum(grosses) == plan.amount.minor,
        "deductions": all(
            sum(line.deductions[code] for line in plan.lines) == total
            for code, total in plan.totals.items()
        ),
        "net": sum(line.net for line in plan.lines) == plan.net,
        "remainder": len(set(equal)) <= 1,
        "negative": all(line.net >= 0 for line in plan.lines),
        "dates": all(
            line.raw <= line.pay
            and (terms.rule is BusinessDayRule.NONE or terms.calendar.is_business_day(line.pay))
            for line in plan.lines
        ),
    }
    return ", ".join(name for name, holds in checks.items() if not holds)


@dataclass(slots=True)
class Drawn:
    """What a run came to; ``wrong`` names the first plan that does not hold and why."""

    plans: int = 0
    lines: int = 0
    refused: int = 0
    wrong: str = ""


def draw(count: int, *, seed: int) -> Drawn:
    """Draw plans until all of them are compared, or one does not hold."""
    found = Drawn()
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
        terms = draw_terms(dice)
        sold_on = _FIRST_DAY + timedelta(days=dice.randrange(_DAYS))
        amount = Money(dice.randint(1, 10 ** dice.randint(2, 12)), "TRY")
        try:
            plan = draw_up(terms, sold_on, amount, dice.randint(1, 36))
        except RuleViolationError as error:
            if error.code != "card_contracts.negative_net":
                raise
            found.refused += 1
            continue
        found.plans += 1
        found.lines += len(plan.lines)
        if wrong := complaint(terms, plan):
            found.wrong = f"plan {seed}/{number} does not hold: {wrong}"
            break
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the plans, print counts, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.card_plans", description=__doc__)
    parser.add_argument("--plans", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    started = time.process_time()
    found = draw(options.plans, seed=options.seed)
    seconds = time.process_time() - started
    print(
        found.wrong
        or f"{found.plans} plans with {found.lines} payments hold, {found.refused} refused "
        f"(deductions larger than a payment); {seconds:.1f} s"
    )
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
