"""Days a decree changed, and the secret feed of the cash calendar (CRD-04, CRD-06)."""

from collections.abc import Callable
from datetime import date, timedelta

from card_contracts.application.context import Scope
from card_contracts.application.receivables import ShowCashCalendar
from card_contracts.domain.calendars import CalendarFeed, OverrideTable
from card_contracts.domain.cash_calendar import CashCalendar
from card_contracts.domain.contract import CalendarName
from card_contracts.ports import FeedTokens
from kernel.business_days import Override
from kernel.errors import NotFoundError

_BACK = timedelta(days=31)
_AHEAD = timedelta(days=400)


class ChangeDay:
    """Say that a day is a holiday, a half day or a working day; plans that are posted stay."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, name: CalendarName, day: date, override: Override) -> OverrideTable:
        before = self._scope.store.overrides(name)
        unit = self._scope.store.unit()
        detail = {"day": day.isoformat(), "kind": override.kind.value}
        saved = unit.save_overrides(before, before.changed(day, override), "day.changed", detail)
        unit.commit()
        return saved


class RestoreDay:
    """Take a changed day back. Raises: NotFoundError."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, name: CalendarName, day: date) -> None:
        before = self._scope.store.overrides(name)
        unit = self._scope.store.unit()
        detail = {"day": day.isoformat()}
        unit.save_overrides(before, before.restored(day), "day.restored", detail)
        unit.commit()


class RenewFeed:
    """Make a new secret address of the cash calendar; the one before stops working."""

    def __init__(self, scope: Scope, tokens: FeedTokens) -> None:
        self._scope = scope
        self._tokens = tokens

    def __call__(self) -> str:
        """The token, shown this once."""
        before = self._scope.store.feed()
        after = CalendarFeed(before.version + 1, before.stamp)
        unit = self._scope.store.unit()
        unit.save_feed(before, after)
        unit.commit()
        return self._tokens.token(self._scope.tenant_id, after.version)


class ShowFeed:
    """The cash calendar behind a secret token; every wrong one looks the same.

    Raises: NotFoundError.
    """

    def __init__(self, scope_of: Callable[[str], Scope], tokens: FeedTokens) -> None:
        self._scope_of = scope_of
        self._tokens = tokens

    def __call__(self, token: str) -> CashCalendar:
        """A month back, thirteen months ahead."""
        found = self._tokens.read(token)
        if found is None:
            raise NotFoundError("not_found", "There is no such item.")
        tenant_id, version = found
        scope = self._scope_of(tenant_id)
        if scope.store.feed().version != version:
            raise NotFoundError("not_found", "There is no such item.")
        today = scope.today()
        return ShowCashCalendar(scope)(today - _BACK, today + _AHEAD)
