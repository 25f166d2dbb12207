"""What a counterparty sees of its account: balance, statement, open invoices, months (REC-04)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.errors import NotFoundError, Problem, ValidationError
from kernel.periods import Period
from reconciliation.application.context import Scope
from reconciliation.domain.account import (
    MAX_MONTHS,
    OpenItem,
    Statement,
    is_opening,
    open_items,
    statement,
)
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.ledger import Form, LedgerEntry
from reconciliation.domain.letter import Letter

MONTHS_SHOWN: Final = 36
"""Months whose letters are looked up."""
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class AccountNow:
    """The balance of today by currency, and what is not settled."""

    statement: Statement
    open: tuple[OpenItem, ...]


class ReadAccount:
    """Reads the lines of one account card, month by month backwards.

    A balance needs every line since the books last carried one forward; where they never did, the
    last 36 months are read and the answer says so.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def now(self, counterparty_id: str) -> AccountNow:
        """The account as it is today."""
        today = self._scope.today()
        entries, since, complete = self._since(counterparty_id, today, today)
        whole = statement(entries, since, today, since=since, complete=complete)
        return AccountNow(whole, tuple(open_items(entries, today)))

    def between(self, counterparty_id: str, first: date, last: date) -> Statement:
        """The account from ``first`` to ``last``, both included.

        Raises: ValidationError for days in the wrong order or more than three years.
        """
        problems = []
        if last < first:
            problems.append(Problem("/last", "order", "The last day is before the first."))
        elif Period.of(last).shift(1 - MAX_MONTHS).first_day > first:
            problems.append(Problem("/first", "range", "At most three years at a time."))
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        entries, since, complete = self._since(counterparty_id, first, last)
        return statement(entries, first, last, since=since, complete=complete)

    def entries(self, counterparty_id: str, period: Period) -> Iterator[LedgerEntry]:
        """All lines of a month of one account card, streamed."""
        after = None
        while True:
            page, after = self._scope.store.entry_page(
                period, counterparty_id, limit=_PAGE, after=after
            )
            yield from page
            if after is None:
                return

    def _since(
        self, counterparty_id: str, first: date, last: date
    ) -> tuple[list[LedgerEntry], date, bool]:
        """Lines up to ``last``, back to the balance carried forward on or before ``first``."""
        found: list[LedgerEntry] = []
        periods = [Period.of(last).shift(-back) for back in range(MAX_MONTHS)]
        # Sums of a month stand beside its lines: one request tells where there are any.
        known = self._scope.store.known_months({(counterparty_id, one) for one in periods})
        for period in periods:
            if (counterparty_id, period) not in known:
                continue
            month = [one for one in self.entries(counterparty_id, period) if one.counts]
            found += month
            carried = [
                one.fields.document_date
                for one in month
                if is_opening(one) and one.fields.document_date <= first
            ]
            if carried:
                since = max(carried)
                return [one for one in found if one.fields.document_date >= since], since, True
        return found, periods[-1].first_day, False


class ReadMonths:
    """The letters of one counterparty: what it was asked to reconcile, month by month."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, counterparty: Counterparty) -> list[Letter]:
        """Newest month first; Ba before Bs."""
        store = self._scope.store
        current = Period.of(self._scope.today())
        ids = [
            store.letter_id(current.shift(-back), form, counterparty.merge_key)
            for back in range(MONTHS_SHOWN)
            for form in Form
        ]
        found = store.letters(ids)
        return [found[one] for one in ids if one in found]

    def one(self, counterparty: Counterparty, letter_id: str) -> Letter:
        """One letter. Raises: NotFoundError also for a letter of another counterparty."""
        letter = self._scope.store.letter(letter_id)
        if not may_see(counterparty, letter):
            raise NotFoundError("not_found", "There is no such item.")
        return letter


def may_see(counterparty: Counterparty, letter: Letter) -> bool:
    """Whether a letter is about this account card, alone or with others of its tax number."""
    return counterparty.id == letter.counterparty_id or counterparty.id in letter.cards
