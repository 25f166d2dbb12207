"""The whitelist of derived facts: named, pure functions for what a cell cannot say.

A function gets values of facts and parameters and returns one value; a null argument makes the
result null unless the function says otherwise. Amounts are exact fractions until the derived fact
rounds them once, half up.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

from kernel.errors import ParseError, RuleViolationError
from kernel.periods import add_months as months_later
from workflow.domain.rules.facts import Fact, FactType, Value
from workflow.domain.rules.parameters import World

_DAY: Final = timedelta(days=1)
_HUNDRED: Final = Fraction(100)
_DEFAULT_SCALE: Final = 9


class DerivationError(RuleViolationError):
    """A derived fact cannot be made from these facts; the decision stops."""


@dataclass(frozen=True, slots=True)
class Function:
    """One entry of the whitelist.

    Shapes: ``arguments`` are the names a table must give; with ``open_ended`` it may give others
    (a list of named facts).
    """

    name: str
    call: Callable[..., Value]
    arguments: frozenset[str]
    optional: frozenset[str]
    open_ended: bool
    takes_null: bool
    uses_world: bool


REGISTRY: Final[dict[str, Function]] = {}


def _listed(*, null: bool = False, world: bool = False) -> Callable[[Any], Any]:
    def enter(call: Any) -> Any:
        signature = list(inspect.signature(call).parameters.values())[1 if world else 0 :]
        named = [p for p in signature if p.kind is not inspect.Parameter.VAR_KEYWORD]
        REGISTRY[call.__name__] = Function(
            call.__name__,
            call,
            frozenset(p.name for p in named if p.default is inspect.Parameter.empty),
            frozenset(p.name for p in named if p.default is not inspect.Parameter.empty),
            len(named) != len(signature),
            null,
            world,
        )
        return call

    return enter


def derive(name: str, place: Fact, arguments: Mapping[str, Value], world: World) -> Value:
    """The value of a derived fact in the type it is declared with.

    Raises: DerivationError("DERIVATION") naming the fact.
    """
    function = REGISTRY[name]
    if not function.takes_null and any(value is None for value in arguments.values()):
        return _fitting(place, None)
    given = (world,) if function.uses_world else ()
    try:
        with localcontext() as context:
            context.prec = 60
            return _fitting(place, function.call(*given, **arguments))
    except (ArithmeticError, TypeError, ValueError, ParseError) as error:
        text = f"DERIVATION({place.name}): it cannot be computed from these facts."
        detail = f"{name}: {type(error).__name__}"
        raise DerivationError("DERIVATION", text, detail=detail) from error


def _fitting(place: Fact, value: Value) -> Value:
    if value is None:
        if place.nullable:
            return None
        text = f"NULL_FACT({place.name}): it may not be null."
        raise DerivationError("NULL_FACT", text)
    if place.type is FactType.MONEY:
        return rounded(value, 2)
    if place.type in (FactType.DECIMAL, FactType.NUMBER):
        if place.scale is not None:
            return rounded(value, place.scale)
        return rounded(value, _DEFAULT_SCALE) if isinstance(value, Fraction) else Decimal(value)
    if place.type is FactType.INT and type(value) is not int:
        number = Decimal(value)
        if number != number.to_integral_value():
            raise ValueError("not a whole number")
        return int(number)
    return value


def rounded(value: Decimal | Fraction | int, scale: int) -> Decimal:
    """Half up (away from zero) to ``scale`` decimals, once and exactly."""
    if not isinstance(value, Fraction):
        return Decimal(value).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
    shifted = abs(value) * 10**scale
    whole = (shifted.numerator * 2 + shifted.denominator) // (shifted.denominator * 2)
    return Decimal(-whole if value < 0 else whole).scaleb(-scale)


def _fraction(value: Any) -> Fraction:
    if type(value) is bool:
        raise TypeError("not a number")
    return Fraction(value)


# ---------------------------------------------------------------------------- plain values


@_listed(null=True)
def given(value: Value) -> Value:
    """A fact or parameter under another name."""
    return value


@_listed(null=True)
def coalesce(first: Value, second: Value) -> Value:
    """The first that is not null."""
    return second if first is None else first


@_listed(null=True)
def is_null(value: Value) -> bool:
    """Whether a fact is null."""
    return value is None


@_listed()
def equal(left: Value, right: Value) -> bool:
    """Whether two facts are the same."""
    return bool(left == right)


@_listed(null=True)
def first_available(order: Value, **available: Value) -> Value:
    """The first name of ``order`` whose flag is true; null when there is none."""
    return next((name for name in order if available.get(name.lower()) is True), None)


# ---------------------------------------------------------------------------- numbers


@_listed()
def add(left: Value, right: Value) -> Value:
    """Sum of two numbers."""
    return left + right


@_listed()
def subtract(left: Value, right: Value) -> Value:
    """Difference of two numbers."""
    return left - right


@_listed()
def smaller(left: Value, right: Value) -> Value:
    """The smaller of two."""
    return min(left, right)


@_listed()
def larger(left: Value, right: Value) -> Value:
    """The larger of two."""
    return max(left, right)


@_listed()
def percent(amount: Value, rate: Value) -> Fraction:
    """``rate`` percent of an amount, exact until it is rounded."""
    return _fraction(amount) * _fraction(rate) / _HUNDRED


@_listed()
def positive(number: Value) -> bool:
    """Whether a number is above zero."""
    return bool(number > 0)


@_listed()
def in_proportion(quantity: Value, part: Value, whole: Value) -> Fraction:
    """A quantity scaled from ``whole`` units to ``part`` of them."""
    return _fraction(quantity) * _fraction(part) / _fraction(whole)


@_listed()
def corrected_by_error(quantity: Value, part: Value, whole: Value, error_pct: Value) -> Fraction:
    """What a meter with an error of ``error_pct`` percent should have counted in ``part`` days."""
    factor = 1 + _fraction(error_pct) / _HUNDRED
    if factor <= 0:
        raise ValueError("a meter cannot lose more than everything")
    measured: Fraction = in_proportion(quantity, part, whole)
    return measured / factor


@_listed()
def mean_times(values: Value, times: Value) -> Fraction | None:
    """Mean of a list times a number; null for an empty list."""
    if not values:
        return None
    total = sum((_fraction(value) for value in values), Fraction(0))
    return total / len(values) * _fraction(times)


@_listed()
def error_correction(quantity: Value, part: Value, whole: Value, error_pct: Value) -> Fraction:
    """What a meter with an error of ``error_pct`` percent did not count in ``part`` days."""
    true: Fraction = corrected_by_error(quantity, part, whole, error_pct)
    return true - _fraction(in_proportion(quantity, part, whole))


@_listed()
def mean_correction(
    values: Value, times: Value, quantity: Value, part: Value, whole: Value
) -> Fraction | None:
    """Mean of a list times a number, less the measured quantity; null for an empty list."""
    true = mean_times(values, times)
    return None if true is None else true - _fraction(in_proportion(quantity, part, whole))


@_listed()
def instalment_plan(total: Value, parts: Value) -> tuple[Decimal, ...]:
    """Equal parts rounded down to the kuruş; the whole remainder goes to the first."""
    if parts < 1 or total < 0:
        raise ValueError("nothing to split")
    minor = int(total.scaleb(2))
    each = minor // parts
    first = minor - each * (parts - 1)
    return tuple(Decimal(part).scaleb(-2) for part in (first, *[each] * (parts - 1)))


# ---------------------------------------------------------------------------- dates


@_listed()
def add_days(day: date, days: int) -> date:
    """Calendar days later."""
    return day + days * _DAY


@_listed()
def add_months(day: date, months: int) -> date:
    """Calendar months later, clamped to the month's end."""
    return months_later(day, months)


@_listed()
def subtract_months(day: date, months: int) -> date:
    """Calendar months earlier, clamped to the month's end."""
    return months_later(day, -months)


@_listed()
def last_day_of_year(year: int, years: int) -> date:
    """31 December of the ``years``-th year, ``year`` being the first."""
    return date(year + years - 1, 12, 31)


@_listed()
def days_between(start: date, end: date) -> int:
    """Calendar days from ``start`` to ``end``; negative when it is earlier."""
    return (end - start).days


@_listed(world=True)
def add_business_days(world: World, day: date, days: int) -> date:
    """The ``days``-th business day strictly after a date."""
    return world.calendar.next_business_day(day, days) if days else day


@_listed(world=True)
def business_days_before(world: World, day: date, days: int) -> date:
    """The ``days``-th business day strictly before a date."""
    found = day
    for _ in range(days):
        found = world.calendar.preceding(found - _DAY)
    return found


@_listed(world=True)
def roll(world: World, day: date, convention: str) -> date:
    """A deadline that falls on a holiday, by the convention of a parameter."""
    if convention == "NEXT_BUSINESS_DAY":
        return world.calendar.following(day)
    if convention == "PREVIOUS_BUSINESS_DAY":
        return world.calendar.preceding(day)
    if convention == "NONE":
        return day
    raise ValueError("unknown convention")


# ---------------------------------------------------------------------------- lists


@_listed()
def count(items: Value) -> int:
    """Number of members."""
    return len(items)


@_listed()
def contains(items: Value, item: Value) -> bool:
    """Whether a list has a member."""
    return item in items


@_listed()
def contains_any(items: Value, wanted: Value) -> bool:
    """Whether a list has one of several members."""
    return any(item in items for item in wanted)


@_listed()
def contains_pair(pairs: Value, left: Value, right: Value) -> bool:
    """Whether a list of pairs has this one, in this direction."""
    return (left, right) in tuple(map(tuple, pairs))


@_listed()
def count_others(items: Value, item: Value) -> int:
    """Number of members that are not ``item``."""
    return sum(1 for each in items if each != item)


@_listed()
def keys_where_false(pairs: Value) -> Value:
    """First members of the pairs whose second is false, in order."""
    return tuple(key for key, flag in pairs if not flag)


@_listed()
def sum_except(pairs: Value, excluded: Value) -> Decimal:
    """Sum of the second members, without those whose first is excluded."""
    return sum((amount for key, amount in pairs if key not in excluded), Decimal(0))


@_listed()
def names_not_done(order: Value, **done: Value) -> Value:
    """Names of ``order`` whose flag is not true, in order."""
    unknown = [name for name in order if name not in done]
    if unknown:
        raise ValueError("a step without a fact")
    return tuple(name for name in order if done[name] is not True)


@_listed()
def first_of(items: Value) -> Value:
    """The first member; null for an empty list."""
    return items[0] if items else None


@_listed()
def step_after(steps: Value, current: Value) -> Value:
    """The step that follows; null after the last one."""
    place = steps.index(current) + 1
    return steps[place] if place < len(steps) else None


@_listed()
def step_before(steps: Value, current: Value) -> Value:
    """The step before; null before the first one."""
    place = steps.index(current)
    return steps[place - 1] if place else None


# ---------------------------------------------------------------------------- interest


@_listed(world=True)
def parameter_at(world: World, parameter: str, on: date) -> Value:
    """The value of a parameter in force on a date of the facts."""
    return Decimal(world.parameter(parameter, on))


@_listed(world=True)
def late_fee(
    world: World, principal: Value, due_on: date, paid_on: date, method: str, rate: str
) -> Fraction:
    """Simple late fee from the day after ``due_on`` to ``paid_on``, both included.

    Units: ``rate`` names the parameter with the monthly percentage; a month has 30 days.
    MONTHS_PLUS_DAYS cuts the period where the rate changes; each segment starts on the last day of
    the one before and counts its whole calendar months (clamped) and its remaining days.
    DAILY_30 counts every day with a thirtieth of the rate in force on it.
    Source: R2; Law 6183 art. 51 (each month separately, parts of a month daily).
    """
    total = Fraction(0)
    if paid_on <= due_on:
        return total
    cuts = world.changes(rate, due_on + _DAY, paid_on)
    starts = [due_on, *(day - _DAY for day in cuts)]
    for start, end in zip(starts, [*starts[1:], paid_on], strict=True):
        monthly = _fraction(Decimal(world.parameter(rate, start + _DAY))) / _HUNDRED
        months, days = 0, (end - start).days
        if method == "MONTHS_PLUS_DAYS":
            months = _whole_months(start, end)
            days = (end - months_later(start, months)).days
        elif method != "DAILY_30":
            raise ValueError("unknown method")
        total += monthly * (months + Fraction(days, 30))
    return total * _fraction(principal)


def _whole_months(start: date, end: date) -> int:
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if months_later(start, months) <= end else months - 1


@_listed()
def simple_interest(
    principal: Value, annual_pct: Value, start: date, end: date, day_count: str
) -> Fraction:
    """Simple interest of an annual rate for the calendar days between two dates, never negative.

    Source: R40; day count ``actual/365``.
    """
    bases = {"actual/365": 365, "actual/360": 360}
    days = max((end - start).days, 0)
    yearly: Fraction = _fraction(principal) * _fraction(annual_pct) / _HUNDRED
    return yearly * Fraction(days, bases[day_count])
