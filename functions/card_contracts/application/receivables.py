"""Receivables by day: lists, the cash calendar, and the journal that goes to the books (CRD-06)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from card_contracts.application.context import Scope
from card_contracts.domain.cash_calendar import CashCalendar, cash_calendar
from card_contracts.domain.sale import LineStatus, ReceivableLine, ReceivableRow
from kernel.errors import Problem, ValidationError
from kernel.storing import Position

_STEP: Final = 200
_LOOKED_AT: Final = 5_000
"""Most payments one answer looks at; the cursor goes on where it stopped."""
_YEARS_BACK: Final = 10
_YEARS_AHEAD: Final = 6
_MAX_YEARS: Final = 20


@dataclass(frozen=True, slots=True)
class Search:
    """Days, both included, and what the list is restricted to; empty members restrict nothing."""

    since: date
    until: date
    status: str = ""
    contract_code: str = ""
    sale_id: str = ""

    @property
    def is_filtered(self) -> bool:
        """Whether payments of these days are left out."""
        return bool(self.status or self.contract_code or self.sale_id)

    def holds(self, line: ReceivableLine) -> bool:
        """Whether a payment is asked for."""
        return (
            (not self.status or line.status.value == self.status)
            and (not self.contract_code or line.contract_code == self.contract_code)
            and (not self.sale_id or line.sale_id == self.sale_id)
        )


def span(
    today: date, since: date | None, until: date | None, *, forward: bool = False
) -> tuple[date, date]:
    """The days asked for; without them, everything a bank could still pay or has paid.

    ``forward`` begins today instead, as a forecast does. Raises: ValidationError.
    """
    first = since or (today if forward else date(today.year - _YEARS_BACK, 1, 1))
    last = until or date(max(today.year, first.year) + _YEARS_AHEAD, 12, 31)
    problem = None
    if last < first:
        problem = Problem("/to", "ends_before_start", "The end is before the start.")
    elif last.year - first.year > _MAX_YEARS:
        problem = Problem("/to", "too_long", f"At most {_MAX_YEARS} years at once.")
    if problem is not None:
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])
    return first, last


STATUSES: Final = frozenset(status.value for status in LineStatus)


class ListReceivables:
    """Ledger rows by day: one per instalment and one per deduction.

    Shapes: the position names the page and the row inside it, so that no row is skipped or shown
    twice.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, search: Search, *, limit: int, after: Position | None
    ) -> tuple[list[ReceivableRow], Position | None]:
        found: list[ReceivableRow] = []
        place: Mapping[str, Any] | None = (after or {}).get("page")
        skip = int((after or {}).get("skip", 0))
        looked = 0
        # Every payment has a row at least: without a filter, more would be read than shown.
        step = _STEP if search.is_filtered else limit
        while True:
            lines, following = self._scope.store.line_page(
                search.since, search.until, limit=step, after=place
            )
            rows = [row for line in lines if search.holds(line) for row in line.rows()]
            room = limit - len(found)
            found += rows[skip : skip + room]
            if len(found) == limit and skip + room < len(rows):
                return found, {"page": place, "skip": skip + room}
            looked += len(lines)
            if following is None:
                return found, None
            place, skip = following, 0
            if len(found) == limit or looked >= _LOOKED_AT:
                return found, {"page": place, "skip": 0}


class ShowCashCalendar:
    """How much lands on which day and in which month."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, since: date, until: date) -> CashCalendar:
        return cash_calendar(self._scope.store.lines(since, until))


class ExportReceivables:
    """Every ledger row of some days, for a file; memory stays flat."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, search: Search) -> Iterator[ReceivableRow]:
        for line in self._scope.store.lines(search.since, search.until):
            if search.holds(line):
                yield from line.rows()
