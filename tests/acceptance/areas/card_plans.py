"""Card contracts: schedules, deductions, ranges, legal limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from card_contracts.domain.deductions import (
    Basis,
    Deduction,
    Kind,
    Timing,
    deduct,
    effective_percent,
    parse_rate,
)
from card_contracts.domain.limits import CardKind, Limits, Settlement, limits_on, warnings
from card_contracts.domain.plan import Terms, draw_up
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.terms import (
    MONTHLY,
    Band,
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
from kernel.errors import ParseError
from kernel.money import Money
from kernel.parsing import parse_date_api
from kernel.ranges import find_conflict
from toolkit.calendars import calendar

Given = Mapping[str, Any]

_COLLECTIONS = {"SPREAD": Collection.DEFERRED, "AT_ONCE": Collection.SINGLE}
_BLOCKAGES = {"ADD_DAYS": BlockageKind.ADDED_DAYS, "FIXED_DAY": BlockageKind.FIXED_DAY}
_TIMINGS = {"SPREAD": Timing.PER_INSTALMENT, "FIRST_COLLECTION": Timing.FIRST_COLLECTION}
_BASES = {
    "GROSS": Basis.GROSS,
    "NET": Basis.NET,
    "NET_OF_PRIOR": Basis.NET,
    "ON_DEDUCTION": Basis.ON_DEDUCTION,
}


def run(case: dict[str, Any], file: dict[str, Any]) -> Mapping[str, Any]:
    """Outputs of the product for one case."""
    return _KINDS[case["kind"]](case["given"], file["parameters"])


def _schedule(given: Given, _parameters: Given) -> Mapping[str, Any]:
    if given["rounding"] != "HALF_UP":
        raise ParseError("ROUNDING", "deductions are rounded HALF_UP")
    instalments = given["instalments"]
    terms = Terms(
        term=_term(given, instalments),
        rule=_choice(BusinessDayRule, given["business_day_rule"]),
        remainder_on="first" if _one_of(given["remainder_on"], "FIRST", "LAST") else "last",
        calendar=calendar(given["calendar"]),
    )
    plan = draw_up(terms, _day(given["sale_date"]), _money(given["gross"]), instalments)
    return {
        "lines": [
            {
                "no": line.no,
                "raw": line.raw.isoformat(),
                "pay": line.pay.isoformat(),
                "gross": _text(line.gross),
                "deductions": {code: _text(part) for code, part in line.deductions.items()},
                "net": _text(line.net),
            }
            for line in plan.lines
        ],
        "total_deductions": _text(plan.total_deductions),
        "net_total": _text(plan.net),
    }


def _term(given: Given, instalments: int) -> Term:
    order = next(
        (given[name] for name in ("skip_and_block", "skip_block_order", "order") if name in given),
        None,
    )
    return Term(
        first=instalments,
        last=instalments,
        collection=_COLLECTIONS[given["collection"]],
        skip_months=given["skip_months"],
        blockage=_blockage(given["blocking"]),
        skip_and_block=None if order is None else _choice(SkipAndBlock, order),
        maturity=_maturity(given["term"]),
        deductions=_deductions(given["deductions"]),
    )


def _blockage(value: Given | None) -> Blockage | None:
    if value is None:
        return None
    on_day = _choice(OnDay, value.get("on_day") or "NEXT_MONTH")
    return Blockage(_BLOCKAGES[value["kind"]], value["value"], on_day)


def _maturity(value: Given | None) -> Maturity:
    if value is None or value["kind"] == "MONTHLY":
        return MONTHLY
    kind = value["kind"]
    if kind == "BANDS":
        bands = tuple(Band(**band) for band in value["bands"])
        return Maturity(MaturityKind.DYNAMIC, strategy=Strategy.BANDS, bands=bands)
    if kind == "CUTOFF":
        inner = value.get("cutoff")
        cutoff = inner if isinstance(inner, Mapping) else value
        day, pay_day = _first(cutoff, "day", "cutoff_day", "D"), _first(cutoff, "pay_day", "V")
        return Maturity(MaturityKind.DYNAMIC, strategy=Strategy.CUTOFF, cutoff=Cutoff(day, pay_day))
    kinds = {"ADD_DAYS": MaturityKind.ADDED_DAYS, "FIXED_DAY": MaturityKind.FIXED_DAY}
    if kind in kinds:
        return Maturity(kinds[kind], value["value"])
    strategy = value.get("strategy")
    return Maturity(
        MaturityKind.ADDED_DAYS_PLUS_ONE,
        value["value"],
        None if strategy is None else _choice(Strategy, strategy),
    )


def _first(value: Given, *names: str) -> int:
    return next(int(value[name]) for name in names if name in value)


def _deductions(rows: list[Given]) -> tuple[Deduction, ...]:
    return tuple(
        Deduction(
            sequence=row["seq"],
            code=row["code"],
            kind=Kind.RATE,
            timing=_TIMINGS[row["timing"]],
            basis=_BASES[row["basis"]],
            rate=parse_rate(row["rate_pct"]),
            of=row["of"] or "",
        )
        for row in rows
    )


def _deduct(given: Given, _parameters: Given) -> Mapping[str, Any]:
    gross = _money(given["gross"])
    taken = deduct(_deductions(given["deductions"]), gross)
    total = sum(one.amount for one in taken)
    return {
        "amounts": {one.deduction.code: _text(one.amount) for one in taken},
        "total_deductions": _text(total),
        "net": _text(gross.minor - total),
        "effective_pct": str(effective_percent(total, gross.minor)),
    }


def _ranges(given: Given, _parameters: Given) -> Mapping[str, Any]:
    conflict = find_conflict([(first, last) for first, last in given["ranges"]])
    if conflict is None:
        return {"ok": True, "reason": None, "conflict": []}
    return {
        "ok": False,
        "reason": conflict.reason,
        "conflict": [list(pair) for pair in conflict.ranges],
    }


def _limits(given: Given, parameters: Given) -> Mapping[str, Any]:
    on = _day(given["on"])
    limits = limits_on([_row(row) for row in parameters["tcmb.limits"]["value"]], on)
    if limits is not None and given.get("reference_rate_pct") is not None:
        limits = replace(limits, reference_rate=Decimal(given["reference_rate_pct"]))
    found = warnings(
        limits,
        CardKind(given["card"].lower()),
        Decimal(given["fee_pct"]),
        given["days_to_merchant"],
        Settlement(given["settlement"].lower()),
    )
    return {"warnings": [warning.value for warning in found]}


def _row(row: Given) -> Limits:
    return Limits(
        valid_from=_day(row["valid_from"]),
        reference_rate=Decimal(row["reference_rate_pct"]),
        credit_margin=Decimal(row["credit_next_day_margin_points"]),
        debit_fee=Decimal(row["debit_fee_pct"]),
        credit_days=row["credit_days"],
        debit_days=row["debit_days"],
        mark="acceptance case",
        source="acceptance case",
    )


def _choice(kind: Any, name: str) -> Any:
    try:
        return kind(name.lower())
    except ValueError:
        raise ParseError("CHOICE", "there is no such strategy") from None


def _one_of(name: str, yes: str, no: str) -> bool:
    if name not in (yes, no):
        raise ParseError("CHOICE", f"one of {yes}, {no}")
    return name == yes


def _day(text: str) -> date:
    return parse_date_api(text)


def _money(text: str) -> Money:
    return Money.from_decimal(Decimal(text), "TRY")


def _text(minor: int) -> str:
    return Money(minor, "TRY").amount_text


_KINDS: Mapping[str, Callable[[Given, Given], Mapping[str, Any]]] = {
    "schedule": _schedule,
    "deductions": _deduct,
    "ranges": _ranges,
    "limits": _limits,
}
