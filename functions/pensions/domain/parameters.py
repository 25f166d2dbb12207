"""Figures of the law that change by date, each with how sure we are and where it is written.

A rule takes the table as an argument, so that a correction, another tenant or a back-test brings
its own. What is UNVERIFIED is never shown to a user as law.
Source: domain/pensions.md, section 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from kernel.errors import RuleViolationError
from kernel.money import Money
from kernel.rates import Rate

Value = int | bool | Decimal | Rate | Money | date
"""What a parameter may hold."""

_ALWAYS: Final = date.min


class Mark(StrEnum):
    """How sure we are of a value."""

    CONFIRMED = "CONFIRMED"
    UNVERIFIED = "UNVERIFIED"
    DESIGN = "DESIGN"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of one figure, in force from ``valid_from`` until the next one of its key."""

    key: str
    value: Value
    mark: Mark
    source: str
    valid_from: date = _ALWAYS


class ParameterTable:
    """All values of all figures, found by key and date."""

    __slots__ = ("_by_key",)

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        by_key: dict[str, list[Parameter]] = {}
        for parameter in parameters:
            by_key.setdefault(parameter.key, []).append(parameter)
        self._by_key: Mapping[str, tuple[Parameter, ...]] = {
            key: tuple(sorted(rows, key=lambda row: row.valid_from)) for key, rows in by_key.items()
        }

    def at(self, key: str, on: date) -> Parameter:
        """The entry in force on a day.

        Raises: RuleViolationError("pensions.parameter_missing").
        """
        rows = [row for row in self._by_key.get(key, ()) if row.valid_from <= on]
        if not rows:
            raise RuleViolationError(
                "pensions.parameter_missing", f"parameter {key} has no value for {on.isoformat()}"
            )
        return rows[-1]

    def whole(self, key: str, on: date) -> int:
        """A count in force on a day: years, months, days."""
        value = self.at(key, on).value
        if type(value) is not int:
            raise TypeError(f"{key} is not a whole number")
        return value

    def flag(self, key: str, on: date) -> bool:
        """A yes or no in force on a day."""
        value = self.at(key, on).value
        if not isinstance(value, bool):
            raise TypeError(f"{key} is not a yes or no")
        return value

    def rate(self, key: str, on: date) -> Rate:
        """A percentage in force on a day."""
        value = self.at(key, on).value
        if not isinstance(value, Rate):
            raise TypeError(f"{key} is not a rate")
        return value

    def day(self, key: str, on: date) -> date:
        """A date in force on a day."""
        value = self.at(key, on).value
        if not isinstance(value, date):
            raise TypeError(f"{key} is not a date")
        return value

    def replacing(self, *parameters: Parameter) -> Self:
        """The same table with all values of these keys replaced."""
        keys = {parameter.key for parameter in parameters}
        kept = [row for key, rows in self._by_key.items() if key not in keys for row in rows]
        return type(self)([*kept, *parameters])


def _rate(text: str) -> Rate:
    return Rate.from_api(text)


_C, _U, _D = Mark.CONFIRMED, Mark.UNVERIFIED, Mark.DESIGN
_LAW: Final = "Law 4632, Ek Madde 2"

OKS: Final = ParameterTable(
    (
        Parameter("oks.min_rate_pct", _rate("3.00"), _C, f"{_LAW}; EGM employer guide"),
        Parameter("oks.payment_deadline_business_days", 1, _C, f"{_LAW}; AgeSA, Katılım Emeklilik"),
        Parameter("oks.opt_out_months", 2, _C, "Aegon SSS; Moroğlu Arseven"),
        Parameter("oks.refund_business_days", 10, _C, "Moroğlu Arseven; NN"),
        Parameter("oks.age_limit", 45, _C, "sector announcement 2019/2; Mercer"),
        Parameter("oks.age_rule_change", date(2018, 12, 27), _C, "RG 27.12.2018/30638"),
        Parameter("oks.age_test_before_change", date(2017, 1, 1), _C, "RG 02.01.2017/29936"),
        Parameter("oks.on_request_from", date(2022, 1, 20), _C, "RG 20.01.2022"),
        Parameter("oks.reenrol_after_years", 3, _C, "RG 27.12.2018/30638; Lexpera"),
        Parameter("oks.state_contribution_pct", _rate("25"), _C, "Anadolu Hayat"),
        Parameter(
            "oks.state_contribution_pct",
            _rate("30"),
            _U,
            "AXA Hayat; start date unverified",
            date(2022, 1, 22),
        ),
        Parameter(
            "oks.state_contribution_pct", _rate("20"), _C, "AA, NTV 07.01.2026", date(2026, 1, 1)
        ),
        Parameter(
            "oks.state_contribution_cap_year",
            Money(7927200, "TRY"),
            _C,
            "Haber Aktüel",
            date(2026, 1, 1),
        ),
        Parameter("oks.fund_charge_max_pct_year", _rate("0.85"), _C, "EGM employer guide"),
        Parameter("oks.pek_ceiling_multiple", Decimal("7.5"), _U, "general knowledge"),
        Parameter(
            "oks.pek_ceiling_multiple", Decimal(9), _U, "general knowledge", date(2026, 1, 1)
        ),
        Parameter("oks.fine_per_violation", Money(10000, "TRY"), _U, "as enacted; CottGroup"),
        Parameter("oks.half_day_is_business_day", True, _D, "our decision"),
    )
)
"""The values we ship."""
