"""What a month of a company cost: acts counted by the seals, times dated prices.

There is no meter beside the work and no credit per letter. The nightly seal reads the head of every
audit chain anyway and adds up what is there; what happened between two seals is the difference of
their tallies. So nothing is counted twice or forgotten, and whoever keeps the parts of the seals
can count again.

A price is what one such thing is charged for by AWS, as the tests hold the product to it, times a
dated price list; it is written by ``bench.costs``. Nothing of it was billed by AWS.
Source: product.md N19.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from kernel.money import Money, round_to_minor
from kernel.periods import Period
from kernel.why import Why
from workspace.domain.seal import Seal, Tally


class Measure(StrEnum):
    """What of a kind is counted: what began, what was done with it later, or every act."""

    BEGUN = "begun"
    LATER = "later"
    ACTS = "acts"


@dataclass(frozen=True, slots=True)
class Counting:
    """How a line of the card is counted. Shapes: ``kinds`` are ``<context>/<kind>``."""

    kinds: frozenset[str]
    measure: Measure


LINES: Final[Mapping[str, Counting]] = {
    "people_added": Counting(frozenset({"pen/employee"}), Measure.BEGUN),
    "people_acts": Counting(frozenset({"pen/employee"}), Measure.LATER),
    "contributions_added": Counting(frozenset({"pen/contribution"}), Measure.BEGUN),
    "contributions_acts": Counting(frozenset({"pen/contribution"}), Measure.LATER),
    "codes_issued": Counting(frozenset({"pay/payment_code"}), Measure.BEGUN),
    "codes_mailed": Counting(frozenset({"pay/code_mail"}), Measure.BEGUN),
    "payments_booked": Counting(frozenset({"pay/payment"}), Measure.BEGUN),
    "letters_made": Counting(frozenset({"rec/letter"}), Measure.BEGUN),
    "letters_mailed": Counting(frozenset({"rec/letter_mail"}), Measure.BEGUN),
    "card_sales": Counting(frozenset({"crd/card_sale"}), Measure.BEGUN),
    "mails": Counting(frozenset({"wsp/message", "rec/portal_mail"}), Measure.BEGUN),
}
"""Lines in the order in which they are shown. Where only what began is counted, its usual course is
in the price: a mailed letter includes the report of its mail."""
OTHER: Final = "other_acts"
"""The line of every audited act on a kind without a line of its own, counted act by act."""
CODES: Final = (*LINES, OTHER)
WITH_OTHERS: Final = frozenset({"pen/transmission"})
"""Kinds whose acts are in the price of what caused them: a call to an insurer is in the price of
the people and contributions it carried."""
_OWN: Final = WITH_OTHERS.union(*(line.kinds for line in LINES.values()))


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a thousand, and the whole charges it is made of, for a thousand as well."""

    usd: Decimal
    charges: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What an installation costs by the month although nobody does anything."""

    code: str
    count: int
    usd: Decimal


@dataclass(frozen=True, slots=True)
class PriceList:
    """Dated prices. Shapes: ``prices`` has every one of ``CODES``; ``as_of`` is an ISO date."""

    region: str
    as_of: str
    currency: str
    prices: Mapping[str, Price]
    standing: tuple[Standing, ...]

    @property
    def standing_total(self) -> Money:
        """What the installation costs a month, rounded once."""
        return _rounded(sum((each.usd for each in self.standing), Decimal(0)), self.currency)


class CardFigures(StrEnum):
    """Whether there are figures.

    ``NOTHING`` means that no seal of the month stands yet; ``NO_BASE`` that the seal at its
    beginning was made before tallies were kept, so that the difference is unknown.
    """

    COUNTED = "counted"
    NOTHING = "nothing"
    NO_BASE = "no_base"


@dataclass(frozen=True, slots=True)
class CostLine:
    """So many of something at a price.

    Units: ``amount`` is USD with four decimals, half up: a single act costs less than a cent.
    """

    code: str
    number: int
    price: Price
    why: tuple[Why, ...] = ()

    @property
    def exact(self) -> Decimal:
        """USD, not rounded."""
        return self.price.usd * self.number / 1_000

    @property
    def amount(self) -> Decimal:
        """USD with four decimals."""
        return _fine(self.exact)


@dataclass(frozen=True, slots=True)
class CostCard:
    """The card of one company and month.

    Units: instants are RFC 3339 in UTC, when the seals stood; ``since`` is empty for a company
    without an earlier seal. Shapes: one line per code, in order; ``fallen`` names what was fewer
    at the end than at the beginning, which is counted as nothing and must be looked into.
    """

    period: Period
    state: CardFigures
    price_list: PriceList
    since: str = ""
    until: str = ""
    lines: tuple[CostLine, ...] = ()
    fallen: tuple[str, ...] = ()

    @property
    def exact(self) -> Decimal:
        """The sum of the amounts before any rounding, with four decimals."""
        return _fine(self._sum)

    @property
    def total(self) -> Money:
        """The sum of the exact amounts, rounded half up to cents once."""
        return _rounded(self._sum, self.price_list.currency)

    @property
    def _sum(self) -> Decimal:
        return sum((line.exact for line in self.lines), Decimal(0))


FINEST: Final = Decimal("0.0001")
"""USD: the least that an amount of a line can tell."""


def _fine(usd: Decimal) -> Decimal:
    return Decimal(round_to_minor(usd * 100)).scaleb(-4)


def _rounded(usd: Decimal, currency: str) -> Money:
    return Money(round_to_minor(usd), currency)


def card_of(period: Period, base: Seal | None, end: Seal | None, price_list: PriceList) -> CostCard:
    """The card between two complete seals; ``base`` is None for a company without earlier ones.

    Shapes: ``base`` is the newest seal of the first day of the month or before, ``end`` that of the
    first day of the next month or before: seals are made a quarter of an hour after midnight.
    """
    if end is None or (base is not None and end.day <= base.day):
        return CostCard(period, CardFigures.NOTHING, price_list)
    before = {} if base is None else base.tally
    if before is None or end.tally is None:
        return CostCard(period, CardFigures.NO_BASE, price_list)
    change, fallen = _change(before, end.tally)
    since = "" if base is None else base.sealed_at
    lines = tuple(
        _line(code, number, price_list, since, end.sealed_at)
        for code, number in _numbers(change).items()
    )
    return CostCard(
        period, CardFigures.COUNTED, price_list, since, end.sealed_at, lines, tuple(fallen)
    )


def _change(before: Tally, after: Tally) -> tuple[Tally, list[str]]:
    """What came between, and what there is less of: rows are never deleted, so that must not be."""
    change: dict[str, tuple[int, int]] = {}
    fallen = []
    for kind in sorted({*before, *after}):
        entities, acts = (
            now - then
            for now, then in zip(after.get(kind, (0, 0)), before.get(kind, (0, 0)), strict=True)
        )
        if entities < 0 or acts < entities:
            fallen.append(kind)
        else:
            change[kind] = (entities, acts)
    return change, fallen


def _numbers(change: Tally) -> dict[str, int]:
    found = {
        code: sum(_counted(line.measure, change.get(kind, (0, 0))) for kind in line.kinds)
        for code, line in LINES.items()
    }
    found[OTHER] = sum(acts for kind, (_, acts) in change.items() if kind not in _OWN)
    return found


def _counted(measure: Measure, counts: tuple[int, int]) -> int:
    entities, acts = counts
    return {Measure.BEGUN: entities, Measure.LATER: acts - entities, Measure.ACTS: acts}[measure]


def _line(code: str, number: int, price_list: PriceList, since: str, until: str) -> CostLine:
    price = price_list.prices[code]
    line = CostLine(code, number, price)
    return replace(line, why=tuple(_why(line, price_list, since, until)))


def _why(line: CostLine, price_list: PriceList, since: str, until: str) -> Iterator[Why]:
    measure = LINES[line.code].measure if line.code in LINES else Measure.ACTS
    span = {"since": since, "until": until} if since else {"until": until}
    beginning = "" if since else "_all"
    yield Why(f"workspace.why.cost_{measure.value}{beginning}", {"number": line.number, **span})
    yield Why(
        "workspace.why.cost_amount",
        {
            "number": line.number,
            "usd": str(line.price.usd),
            "amount": str(line.amount),
        },
    )
    yield Why(
        "workspace.why.cost_price",
        {
            "region": price_list.region,
            "as_of": price_list.as_of,
            **line.price.charges,
        },
    )
