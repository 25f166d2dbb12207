"""A posted sale (*kapalı fatura*), its receivables, and what is taken back of it.

The plan of a sale is a snapshot: it never changes with the contract. A refund is a linked reversal
of its own; together they never take back more of a payment than was planned for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from card_contracts.domain.plan import Plan
from kernel.errors import ConflictError, Problem, RuleViolationError
from kernel.money import Money, RemainderOn, allocate
from kernel.stamp import NEW, Stamp
from kernel.why import Why


class SaleState(StrEnum):
    """Where a sale stands."""

    POSTED = "posted"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


class Returned(StrEnum):
    """What the bank does with its deductions when money goes back; to be stated with each refund.

    The source says nothing about it, and banks differ.
    """

    PROPORTIONAL = "proportional"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class SaleFields:
    """A closed sale as it is stated: its contract, or the card and account it was made with."""

    document_no: str
    sold_on: date
    amount: Money
    instalments: int
    contract_code: str = ""
    card_code: str = ""
    bank_account_code: str = ""


@dataclass(frozen=True, slots=True)
class RefundFields:
    """Money that goes back, as it is stated."""

    document_no: str
    refunded_on: date
    amount: Money
    returned: Returned


@dataclass(frozen=True, slots=True)
class Part:
    """One payment of the bank as posted, and what was taken back of it so far.

    Units: minor units; ``raw`` and ``pay`` as in the plan.
    """

    no: int
    raw: date
    pay: date
    gross: int
    deductions: Mapping[str, int]
    back: int = 0
    deductions_back: Mapping[str, int] | None = None

    @property
    def rest(self) -> int:
        """Gross that is still expected."""
        return self.gross - self.back

    def rest_of(self, code: str) -> int:
        """What is left of a deduction."""
        return self.deductions.get(code, 0) - (self.deductions_back or {}).get(code, 0)


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as it was posted.

    Shapes: ``parts`` in order of their number; ``revision`` is the contract's at that time;
    ``undone`` says that its import was taken back, so its document may be posted anew.
    """

    id: str
    document_no: str
    contract_code: str
    bank_account_code: str
    revision: int
    remainder_on: RemainderOn
    sold_on: date
    amount: Money
    instalments: int
    parts: tuple[Part, ...]
    totals: Mapping[str, int]
    import_id: str = ""
    state: SaleState = SaleState.POSTED
    undone: bool = False
    stamp: Stamp = NEW

    @property
    def refunded(self) -> int:
        """Minor units that went back."""
        return sum(part.back for part in self.parts)

    def returned(self, code: str) -> int:
        """What the bank gave back of a deduction."""
        return sum((part.deductions_back or {}).get(code, 0) for part in self.parts)

    def says_the_same(self, other: Sale) -> bool:
        """Whether two postings of one document mean the same sale."""
        return (self.sold_on, self.amount, self.instalments, self.contract_code) == (
            other.sold_on,
            other.amount,
            other.instalments,
            other.contract_code,
        )


class LineKind(StrEnum):
    """What a stored line is of."""

    SALE = "sale"
    REFUND = "refund"


class LineStatus(StrEnum):
    """What is known about a payment."""

    EXPECTED = "expected"
    SETTLED = "settled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ReceivableLine:
    """One payment to come, or one to go back (negative), with its deductions.

    Units: minor units; ``pay`` is the day on which the bank pays. Shapes: ``origin`` is the id of
    the sale or the refund, ``sale_id`` always the sale's; ``whys`` by "" (date), "gross" and code.
    """

    origin: str
    sale_id: str
    kind: LineKind
    no: int
    document_no: str
    contract_code: str
    bank_account_code: str
    revision: int
    raw: date
    pay: date
    currency: str
    gross: int
    deductions: Mapping[str, int]
    whys: Mapping[str, tuple[Why, ...]]
    status: LineStatus = LineStatus.EXPECTED

    @property
    def net(self) -> int:
        """What arrives."""
        return self.gross - sum(self.deductions.values())

    @property
    def key(self) -> tuple[date, str, int]:
        """Order of receivables: by day, then by document and number."""
        return (self.pay, self.origin, self.no)

    def rows(self) -> Iterator[ReceivableRow]:
        """The ledger rows: one for the instalment and one per deduction, without zeros.

        Source: Netsis, "kesintiler ve taksitlerin her biri için … ayrı ayrı alacak kayıtları".
        """
        if self.gross:
            yield ReceivableRow(self, "instalment", "", self.gross, self._why("gross"))
        for code, amount in self.deductions.items():
            if amount:
                yield ReceivableRow(self, "deduction", code, amount, self._why(code))

    def _why(self, name: str) -> tuple[Why, ...]:
        return (*self.whys.get("", ()), *self.whys.get(name, ()))


@dataclass(frozen=True, slots=True)
class ReceivableRow:
    """One ledger row.

    Units: minor units, positive for a sale and negative for a refund, whether it is an instalment
    (money that comes) or a deduction (money that the bank keeps of it).
    """

    line: ReceivableLine
    kind: str
    code: str
    amount: int
    why: tuple[Why, ...]


def lines_of(sale: Sale, plan: Plan) -> tuple[ReceivableLine, ...]:
    """The receivables of a sale that is being posted."""
    return tuple(
        ReceivableLine(
            origin=sale.id,
            sale_id=sale.id,
            kind=LineKind.SALE,
            no=line.no,
            document_no=sale.document_no,
            contract_code=sale.contract_code,
            bank_account_code=sale.bank_account_code,
            revision=sale.revision,
            raw=line.raw,
            pay=line.pay,
            currency=sale.amount.currency,
            gross=line.gross,
            deductions=dict(line.deductions),
            whys={"": line.why, "gross": line.why_gross, **line.why_deductions},
        )
        for line in plan.lines
    )


def parts_of(plan: Plan) -> tuple[Part, ...]:
    """What a sale remembers of its plan."""
    return tuple(
        Part(line.no, line.raw, line.pay, line.gross, dict(line.deductions)) for line in plan.lines
    )


@dataclass(frozen=True, slots=True)
class Refund:
    """Money of a sale that goes back (*iade*), in one sum of the document.

    Units: ``amount`` is positive; ``totals`` are deductions given back, positive.
    """

    id: str
    sale_id: str
    document_no: str
    refunded_on: date
    amount: Money
    returned: Returned
    totals: Mapping[str, int]
    stamp: Stamp = NEW


def refund(
    sale: Sale, refund_id: str, document_no: str, on: date, amount: Money, returned: Returned
) -> tuple[Sale, Refund, tuple[ReceivableLine, ...]]:
    """Take back part of a sale: the sale after it, the refund, and its negative receivables.

    The amount is split like the sale was, but no payment gives back more than is left of it; what
    does not fit goes to the next one. With ``PROPORTIONAL``, deductions come back in proportion to
    everything refunded so far, so that a sale refunded in full leaves none.
    Raises: RuleViolationError("card_contracts.refund_too_large" | "card_contracts.refund_early" |
    "card_contracts.refund_amount"); ConflictError("card_contracts.sale_cancelled").
    """
    _check_refund(sale, on, amount)
    grosses = _share([part.rest for part in sale.parts], amount.minor, sale.remainder_on)
    codes: dict[str, tuple[int, ...]] = {}
    totals: dict[str, int] = {}
    after_all = sale.refunded + amount.minor
    for code, total in sale.totals.items():
        target = 0
        if returned is Returned.PROPORTIONAL:
            target = max(0, _portion(total, after_all, sale.amount.minor) - sale.returned(code))
        rests = [part.rest_of(code) for part in sale.parts]
        codes[code] = _share(rests, min(target, sum(rests)), sale.remainder_on)
        totals[code] = sum(codes[code])
    made = Refund(refund_id, sale.id, document_no, on, amount, returned, totals)
    parts, lines = [], []
    for number, (part, back) in enumerate(zip(sale.parts, grosses, strict=True)):
        taken = {code: shares[number] for code, shares in codes.items()}
        before = part.deductions_back or {}
        parts.append(
            replace(
                part,
                back=part.back + back,
                deductions_back={code: before.get(code, 0) + taken[code] for code in taken},
            )
        )
        if back or any(taken.values()):
            lines.append(_refund_line(sale, made, part, back, taken))
    whole = after_all == sale.amount.minor
    state = SaleState.REFUNDED if whole else SaleState.PARTLY_REFUNDED
    return replace(sale, parts=tuple(parts), state=state), made, tuple(lines)


def cancel(sale: Sale) -> Sale:
    """The sale as if it had never been paid (*iptal*), before the bank paid any of it.

    Raises: ConflictError("card_contracts.sale_cancelled" | "card_contracts.sale_refunded").
    """
    if sale.state is SaleState.CANCELLED:
        raise ConflictError("card_contracts.sale_cancelled", "This sale is cancelled already.")
    if sale.refunded:
        raise ConflictError(
            "card_contracts.sale_refunded", "Part of this sale was refunded; refund the rest."
        )
    return replace(sale, state=SaleState.CANCELLED)


def _check_refund(sale: Sale, on: date, amount: Money) -> None:
    if sale.state is SaleState.CANCELLED:
        raise ConflictError("card_contracts.sale_cancelled", "This sale is cancelled.")
    left = Money(sale.amount.minor - sale.refunded, sale.amount.currency)
    if amount.currency != sale.amount.currency or amount.minor <= 0:
        raise _refusal("/amount", "refund_amount", "A positive amount in the sale's currency.")
    if amount.minor > left.minor:
        raise _refusal("/amount", "refund_too_large", f"At most {left} can still be refunded.")
    if on < sale.sold_on:
        raise _refusal("/refunded_on", "refund_early", "A refund is not before its sale.")


def _refusal(pointer: str, code: str, message: str) -> RuleViolationError:
    return RuleViolationError(
        f"card_contracts.{code}", message, problems=[Problem(pointer, code, message)]
    )


def _portion(total: int, part: int, whole: int) -> int:
    exact = Decimal(total) * part / Decimal(whole)
    return int(exact.to_integral_value(ROUND_HALF_UP))


def _share(rests: Sequence[int], amount: int, remainder_on: RemainderOn) -> tuple[int, ...]:
    """Split an amount over payments, never more than the rest of each; sums exactly.

    Shapes: ``amount`` is at most the sum of ``rests``.
    """
    wished = allocate(amount, len(rests), remainder_on)
    shares = [min(wish, rest) for wish, rest in zip(wished, rests, strict=True)]
    missing = amount - sum(shares)
    for number, rest in enumerate(rests):
        more = min(missing, rest - shares[number])
        shares[number] += more
        missing -= more
    return tuple(shares)


def _refund_line(
    sale: Sale, made: Refund, part: Part, back: int, taken: Mapping[str, int]
) -> ReceivableLine:
    currency = sale.amount.currency
    day = max(part.pay, made.refunded_on)
    params = {
        "document": sale.document_no,
        "on": made.refunded_on.isoformat(),
        "no": part.no,
        "total": made.amount.to_api(),
    }
    if part.pay >= made.refunded_on:
        when = Why("card_contracts.why.refund_with_payment", {"no": part.no, "to": day.isoformat()})
    else:
        when = Why("card_contracts.why.refund_after_payment", {"to": day.isoformat()})
    whys: dict[str, tuple[Why, ...]] = {
        "": (when,),
        "gross": (Why("card_contracts.why.refund_part", params),),
    }
    for code, amount in taken.items():
        if amount:
            given = Money(amount, currency).to_api()
            why = Why("card_contracts.why.deduction_returned", {"code": code, "amount": given})
            whys[code] = (why,)
    return ReceivableLine(
        origin=made.id,
        sale_id=sale.id,
        kind=LineKind.REFUND,
        no=part.no,
        document_no=made.document_no,
        contract_code=sale.contract_code,
        bank_account_code=sale.bank_account_code,
        revision=sale.revision,
        raw=day,
        pay=day,
        currency=currency,
        gross=-back,
        deductions={code: -amount for code, amount in taken.items()},
        whys=whys,
    )
