"""The lists codes are chosen from, and the days a decree changed (CRD-01, CRD-03)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from card_contracts.domain.contract import CalendarName
from card_contracts.domain.lookups import (
    BankAccount,
    Card,
    DeductionDefinition,
    Lookup,
    LookupState,
)
from card_contracts.handlers.http.answers import lookup_out, overrides_out
from card_contracts.handlers.http.app import BASE, app, code_of, use_of
from card_contracts.ports import CardsStore
from card_contracts.schemas import BankAccountIn, CardIn, DayIn, DeductionDefinitionIn
from kernel.errors import NotFoundError, ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from kernel.text import fold
from toolkit.entrypoints.http import Reply, Request, etag

_READ: Final = "card_contracts:lookup:read"
_WRITE: Final = "card_contracts:lookup:write"
_DAYS: Final = f"{BASE}/calendars/{{calendar}}/days"


# ---------------------------------------------------------------------------- lists


@dataclass(frozen=True, slots=True)
class _List:
    """One list in the API: its name, the words of its routes, its model and its entries.

    Shapes: ``one`` and ``many`` are what its operations are called after.
    """

    place: str
    one: str
    many: str
    entry: str
    hint: str
    model: type[CardIn | BankAccountIn | DeductionDefinitionIn]
    kind: type[Lookup]
    entries: Callable[[CardsStore], Iterable[Lookup]]


_LISTS: Final = (
    _List(
        "cards",
        "card",
        "cards",
        "a kind of card",
        "; cards of other banks are kinds of their own",
        CardIn,
        Card,
        lambda store: store.cards(),
    ),
    _List(
        "bank-accounts",
        "bank_account",
        "bank_accounts",
        "a bank account",
        "; a card account names the deposit account where the money lands",
        BankAccountIn,
        BankAccount,
        lambda store: store.bank_accounts(),
    ),
    _List(
        "deduction-definitions",
        "deduction_definition",
        "deduction_definitions",
        "a deduction of a bank",
        "",
        DeductionDefinitionIn,
        DeductionDefinition,
        lambda store: store.deduction_definitions(),
    ),
)


def _reply(entry: Lookup, status: int = 200, place: str = "") -> Reply:
    headers = {"etag": etag(entry.stamp.version)}
    if status == 201:
        headers["location"] = f"{place}/{entry.code}"
    return Reply(lookup_out(entry), status, headers)


def _declare(one: _List) -> None:
    """Add the five routes of a list."""
    here = f"{BASE}/{one.place}"
    item = f"{here}/{{lookup_code}}"
    model = one.model

    def listed(request: Request) -> Reply:
        wanted = fold(request.query.get("q", ""))
        items = [
            lookup_out(entry)
            for entry in one.entries(use_of(request).store)
            if wanted in fold(entry.code) or wanted in fold(entry.name)
        ]
        return Reply({"items": items, "next_cursor": None, "total": len(items)})

    def added(request: Request) -> Reply:
        entry = request.json(model).to_domain()
        return _reply(use_of(request).save_lookup()(entry), 201, here)

    def shown(request: Request) -> Reply:
        entry = use_of(request).store.lookup(one.kind, code_of(request, "lookup_code"))
        if entry is None or entry.state is LookupState.REMOVED:
            raise NotFoundError("not_found", "There is no such item.")
        return _reply(entry)

    def changed(request: Request) -> Reply:
        entry, version = request.json(model).to_domain(), request.expected_version()
        if entry.code != code_of(request, "lookup_code"):
            problem = Problem("/code", "unchangeable", "The code never changes.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        return _reply(use_of(request).save_lookup()(entry, version))

    def removed(request: Request) -> Reply:
        code, version = code_of(request, "lookup_code"), request.expected_version()
        use_of(request).remove_lookup()(one.kind, code, version)
        return Reply(None, 204)

    for method, path, permission, route, name, words in (
        ("GET", here, _READ, listed, f"list_{one.many}", f"All entries of the list: {one.entry}."),
        ("POST", here, _WRITE, added, f"add_{one.one}", f"Add {one.entry}{one.hint}."),
        ("GET", item, _READ, shown, f"show_{one.one}", f"One entry: {one.entry}."),
        ("PUT", item, _WRITE, changed, f"change_{one.one}", f"Change {one.entry}."),
        (
            "DELETE",
            item,
            _WRITE,
            removed,
            f"remove_{one.one}",
            f"Take {one.entry} off the list; contracts that name it keep it.",
        ),
    ):
        route.__name__, route.__doc__ = name, words
        app.api(method, path, permission=permission)(route)


for _each in _LISTS:
    _declare(_each)


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
