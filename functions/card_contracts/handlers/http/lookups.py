"""The lists codes are chosen from, and the days a decree changed (CRD-01, CRD-03)."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from card_contracts.bootstrap import CardContracts
from card_contracts.domain.contract import CalendarName
from card_contracts.domain.lookups import (
    BankAccount,
    Card,
    DeductionDefinition,
    Lookup,
    LookupState,
)
from card_contracts.handlers.http.app import BASE, app, code_of, use_of
from card_contracts.schemas import (
    BankAccountIn,
    CardIn,
    DayIn,
    DeductionDefinitionIn,
    lookup_out,
    overrides_out,
)
from kernel.errors import NotFoundError, ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from kernel.text import fold
from toolkit.entrypoints import Reply, Request
from toolkit.entrypoints.http import etag

_READ: Final = "card_contracts:lookup:read"
_WRITE: Final = "card_contracts:lookup:write"
_CARDS: Final = f"{BASE}/cards"
_ACCOUNTS: Final = f"{BASE}/bank-accounts"
_DEDUCTIONS: Final = f"{BASE}/deduction-definitions"
_DAYS: Final = f"{BASE}/calendars/{{calendar}}/days"


def _list(request: Request, entries: Iterable[Lookup]) -> Reply:
    wanted = fold(request.query.get("q", ""))
    items = [
        lookup_out(entry)
        for entry in entries
        if wanted in fold(entry.code) or wanted in fold(entry.name)
    ]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


def _reply(entry: Lookup, status: int = 200, place: str = "") -> Reply:
    headers = {"etag": etag(entry.stamp.version)}
    if status == 201:
        headers["location"] = f"{place}/{entry.code}"
    return Reply(lookup_out(entry), status, headers)


def _show(use: CardContracts, kind: type[Lookup], code: str) -> Reply:
    entry = use.store.lookup(kind, code)
    if entry is None or entry.state is LookupState.REMOVED:
        raise NotFoundError("not_found", "There is no such item.")
    return _reply(entry)


def _change(request: Request, entry: Lookup) -> Reply:
    version = request.expected_version()
    if entry.code != code_of(request, "lookup_code"):
        problem = Problem("/code", "unchangeable", "The code never changes.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    return _reply(use_of(request).save_lookup()(entry, version))


def _remove(request: Request, kind: type[Lookup]) -> Reply:
    use_of(request).remove_lookup()(
        kind, code_of(request, "lookup_code"), request.expected_version()
    )
    return Reply(None, 204)


# ---------------------------------------------------------------------------- cards


@app.api("GET", _CARDS, permission=_READ)
def list_cards(request: Request) -> Reply:
    """Kinds of cards."""
    return _list(request, use_of(request).store.cards())


@app.api("POST", _CARDS, permission=_WRITE)
def add_card(request: Request) -> Reply:
    """Add a kind of card; cards of other banks are kinds of their own."""
    card = request.json(CardIn).to_domain()
    return _reply(use_of(request).save_lookup()(card), 201, _CARDS)


@app.api("GET", f"{_CARDS}/{{lookup_code}}", permission=_READ)
def show_card(request: Request) -> Reply:
    """One kind of card."""
    return _show(use_of(request), Card, code_of(request, "lookup_code"))


@app.api("PUT", f"{_CARDS}/{{lookup_code}}", permission=_WRITE)
def change_card(request: Request) -> Reply:
    """Change a kind of card."""
    return _change(request, request.json(CardIn).to_domain())


@app.api("DELETE", f"{_CARDS}/{{lookup_code}}", permission=_WRITE)
def remove_card(request: Request) -> Reply:
    """Take a kind of card off the list."""
    return _remove(request, Card)


# ---------------------------------------------------------------------------- bank accounts


@app.api("GET", _ACCOUNTS, permission=_READ)
def list_bank_accounts(request: Request) -> Reply:
    """Bank accounts."""
    return _list(request, use_of(request).store.bank_accounts())


@app.api("POST", _ACCOUNTS, permission=_WRITE)
def add_bank_account(request: Request) -> Reply:
    """Add a bank account; a card account names the deposit account where the money lands."""
    account = request.json(BankAccountIn).to_domain()
    return _reply(use_of(request).save_lookup()(account), 201, _ACCOUNTS)


@app.api("GET", f"{_ACCOUNTS}/{{lookup_code}}", permission=_READ)
def show_bank_account(request: Request) -> Reply:
    """One bank account."""
    return _show(use_of(request), BankAccount, code_of(request, "lookup_code"))


@app.api("PUT", f"{_ACCOUNTS}/{{lookup_code}}", permission=_WRITE)
def change_bank_account(request: Request) -> Reply:
    """Change a bank account."""
    return _change(request, request.json(BankAccountIn).to_domain())


@app.api("DELETE", f"{_ACCOUNTS}/{{lookup_code}}", permission=_WRITE)
def remove_bank_account(request: Request) -> Reply:
    """Take a bank account off the list."""
    return _remove(request, BankAccount)


# ---------------------------------------------------------------------------- deductions


@app.api("GET", _DEDUCTIONS, permission=_READ)
def list_deduction_definitions(request: Request) -> Reply:
    """Deductions of banks."""
    return _list(request, use_of(request).store.deduction_definitions())


@app.api("POST", _DEDUCTIONS, permission=_WRITE)
def add_deduction_definition(request: Request) -> Reply:
    """Add a deduction."""
    definition = request.json(DeductionDefinitionIn).to_domain()
    return _reply(use_of(request).save_lookup()(definition), 201, _DEDUCTIONS)


@app.api("GET", f"{_DEDUCTIONS}/{{lookup_code}}", permission=_READ)
def show_deduction_definition(request: Request) -> Reply:
    """One deduction."""
    return _show(use_of(request), DeductionDefinition, code_of(request, "lookup_code"))


@app.api("PUT", f"{_DEDUCTIONS}/{{lookup_code}}", permission=_WRITE)
def change_deduction_definition(request: Request) -> Reply:
    """Change a deduction."""
    return _change(request, request.json(DeductionDefinitionIn).to_domain())


@app.api("DELETE", f"{_DEDUCTIONS}/{{lookup_code}}", permission=_WRITE)
def remove_deduction_definition(request: Request) -> Reply:
    """Take a deduction off the list."""
    return _remove(request, DeductionDefinition)


# ---------------------------------------------------------------------------- calendars


def _calendar(request: Request) -> CalendarName:
    name = request.path_values["calendar"]
    if name not in {item.value for item in CalendarName}:
        raise NotFoundError("not_found", "There is no such item.")
    return CalendarName(name)


def _day(request: Request) -> date:
    try:
        return parse_date_api(request.path_values["day"])
    except ParseError:
        raise NotFoundError("not_found", "There is no such item.") from None


@app.api("GET", _DAYS, permission=_READ)
def list_calendar_days(request: Request) -> Reply:
    """Days of a calendar that were changed by hand, with where the change is published."""
    table = use_of(request).store.overrides(_calendar(request))
    return Reply({**overrides_out(table), "next_cursor": None})


@app.api("PUT", f"{_DAYS}/{{day}}", permission=_WRITE)
def change_calendar_day(request: Request) -> Reply:
    """Say what a day is: holiday, half day or working day; plans that are posted stay."""
    override = request.json(DayIn).to_domain(request.tenant.actor)
    table = use_of(request).change_day()(_calendar(request), _day(request), override)
    return Reply(overrides_out(table))


@app.api("DELETE", f"{_DAYS}/{{day}}", permission=_WRITE)
def restore_calendar_day(request: Request) -> Reply:
    """Take a changed day back."""
    use_of(request).restore_day()(_calendar(request), _day(request))
    return Reply(None, 204)
