"""The lists codes are chosen from, and the days a decree changed (CRD-01, CRD-03)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel

from card_contracts.domain.contract import CalendarName
from card_contracts.domain.lookups import (
    BankAccount,
    Card,
    DeductionDefinition,
    Lookup,
    LookupState,
)
from card_contracts.pages.kit import Kit, go, use_of, whole_of
from card_contracts.pages.words import LISTS, words_of
from card_contracts.schemas import BankAccountIn, CardIn, DayIn, DeductionDefinitionIn
from kernel.errors import KopruError, NotFoundError
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column, Option

SECTION: Final = "card_contracts.lists"
_READ: Final = "card_contracts:lookup:read"
_WRITE: Final = "card_contracts:lookup:write"
_HERE: Final = "/card-contracts/lists"
_MODELS: Final[Mapping[str, type[CardIn | BankAccountIn | DeductionDefinitionIn]]] = {
    "cards": CardIn,
    "bank-accounts": BankAccountIn,
    "deductions": DeductionDefinitionIn,
}
_KINDS: Final[Mapping[str, type[Lookup]]] = {
    "cards": Card,
    "bank-accounts": BankAccount,
    "deductions": DeductionDefinition,
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of lists and what it does."""

    def draw(
        request: Request,
        error: KopruError | None = None,
        form: Mapping[str, str] | None = None,
        failed: str = "",
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        store = use.store
        return kit.draw(
            request,
            "lists/lists.html",
            SECTION,
            error=error,
            failed=failed,
            prefix=f"{failed}-",
            form=form or {},
            cards=store.cards(),
            accounts=store.bank_accounts(),
            deductions=store.deduction_definitions(),
            calendars=[store.overrides(name) for name in CalendarName],
            choices={
                name: [Option(value, words.text(text)) for value, text in texts.items()]
                for name, texts in LISTS.items()
            },
            names={
                name: {v: words.text(t) for v, t in texts.items()} for name, texts in LISTS.items()
            },
            columns=(
                Column("code", words.text("Code")),
                Column("name", words.text("Title")),
                Column("kind", words.text("Kind")),
                Column("more", words.text("Details")),
                Column("act", words.text("What to do"), hide_label=True),
            ),
            day_columns=(
                Column("day", words.text("Day")),
                Column("kind", words.text("Kind")),
                Column("name", words.text("Title")),
                Column("source", words.text("Published in")),
                Column("act", words.text("What to do"), hide_label=True),
            ),
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", _HERE, permission=_READ)
    def show_lists(request: Request) -> Reply:
        """Cards, bank accounts, deductions and changed days; ``list`` and ``code`` change one."""
        name, code = request.query.get("list", ""), request.query.get("code", "")
        kind = _KINDS.get(name)
        entry = use_of(request).store.lookup(kind, code) if kind and code else None
        if entry is None or entry.state is LookupState.REMOVED:
            return draw(request)
        return draw(request, None, _form(entry), name)

    @app.page("POST", f"{_HERE}/add", permission=_WRITE)
    def add_entry(request: Request) -> Reply:
        """Add an entry to the list that the form names."""
        form = request.form()
        name = form.get("list", "")
        if name not in _MODELS:
            raise NotFoundError("not_found", "There is no such item.")
        model = _MODELS[name]
        try:
            body = parse_model(model, _stated(model, form))
            version = whole_of(form["version"]) if form.get("version") else None
            entry, use = body.to_domain(), use_of(request)
            if version is not None and isinstance(entry, BankAccount) and entry.iban is None:
                stored = use.store.lookup(BankAccount, entry.code)
                if isinstance(stored, BankAccount):
                    entry = replace(entry, iban=stored.iban)
            use.save_lookup()(entry, version)
        except KopruError as error:
            return draw(request, error, form, name)
        return go(_HERE, done="changed" if version else "added")

    @app.page("POST", f"{_HERE}/remove", permission=_WRITE)
    def remove_entry(request: Request) -> Reply:
        """Take an entry off its list; contracts that name it keep it."""
        form = request.form()
        kind = _KINDS.get(form.get("list", ""))
        entry = use_of(request).store.lookup(kind, form.get("code", "")) if kind else None
        if kind is None or entry is None:
            raise NotFoundError("not_found", "There is no such item.")
        use_of(request).remove_lookup()(kind, entry.code, entry.stamp.version)
        return go(_HERE, done="removed")

    @app.page("POST", f"{_HERE}/days", permission=_WRITE)
    def change_day(request: Request) -> Reply:
        """Say what a day is, or take that back; plans that are posted stay."""
        form, use = request.form(), use_of(request)
        try:
            name = CalendarName(form.get("calendar", ""))
        except ValueError:
            raise NotFoundError("not_found", "There is no such item.") from None
        try:
            day = parse_date_api(form.get("day", ""))
            if form.get("command") == "restore":
                use.restore_day()(name, day)
            else:
                body = parse_model(DayIn, _stated(DayIn, form))
                use.change_day()(name, day, body.to_domain(request.tenant.actor))
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, error, form, "days")
        return go(_HERE, done="day")


def _form(entry: Lookup) -> dict[str, str]:
    """An entry as it is typed; an IBAN is shown to nobody, and stays when it is left empty."""
    form = {"code": entry.code, "name": entry.name, "version": str(entry.stamp.version)}
    if isinstance(entry, Card):
        return {**form, "kind": entry.kind.value, "issuer": entry.issuer.value}
    if isinstance(entry, BankAccount):
        linked = {"bank": entry.bank, "linked_account_code": entry.linked_account_code}
        return {**form, **linked, "kind": entry.kind.value}
    return {**form, "type": entry.type.value, "bank": entry.bank}


def _stated(model: type[BaseModel], form: Mapping[str, str]) -> dict[str, Any]:
    """Members of a model that were filled in."""
    return {name: form[name].strip() for name in model.model_fields if form.get(name, "").strip()}
