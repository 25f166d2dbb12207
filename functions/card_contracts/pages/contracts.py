"""Contracts: the list, the editor with range bar and live example, lock and history (CRD-01)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from card_contracts.application.contracts import warnings_of
from card_contracts.domain.contract import Contract
from card_contracts.domain.plan import Plan
from card_contracts.pages.kit import Kit, amount_of, code_in, go, use_of, whole_of
from card_contracts.pages.pictures import range_bar, uncovered
from card_contracts.pages.words import CHOICES, Say, words_of
from card_contracts.schemas import CardContractChangeIn, PlanIn, contract_out
from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from toolkit.entrypoints import HttpApp, Reply, Request
from toolkit.entrypoints.http import parse_model
from webkit.components import Column, FieldProblem, Option, TimelineEntry

SECTION: Final = "card_contracts.contracts"
_READ: Final = "card_contracts:contract:read"
_WRITE: Final = "card_contracts:contract:write"
_NEW_TERM: Final[Mapping[str, Any]] = {"collection": "deferred"}
_EXAMPLE: Final = {"amount": "100.000,00", "instalments": "6"}
_HEADER: Final = (
    "code",
    "description",
    "card_code",
    "bank_account_code",
    "starts_on",
    "ends_on",
    "effective_from",
    "calendar",
    "currency",
    "business_day_rule",
    "remainder_on",
)
_OPTIONAL: Final = frozenset({"ends_on", "effective_from", "currency"})


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of contracts."""

    @app.page("GET", "/card-contracts", permission=_READ)
    def show_contracts(request: Request) -> Reply:
        """All contracts, by code."""
        words = words_of(request)
        columns = (
            Column("code", words.text("Contract code")),
            Column("description", words.text("Description")),
            Column("card", words.text("Card")),
            Column("account", words.text("Bank account")),
            Column("validity", words.text("Validity")),
            Column("ranges", words.text("Instalments")),
            Column("state", words.text("State")),
        )
        contracts = use_of(request).store.contracts()
        return kit.draw(
            request, "contracts/list.html", SECTION, contracts=contracts, columns=columns
        )

    # ------------------------------------------------------------------ editor

    def editor(
        request: Request,
        document: Mapping[str, Any],
        stored: Contract | None,
        error: KopruError | None = None,
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        store, say = use.store, Say(words)
        warned = warnings_of(use.scope, stored) if stored is not None and error is None else []
        lines = store.history(f"card_contract:{stored.code}") if stored is not None else []
        return kit.draw(
            request,
            "contracts/editor.html",
            SECTION,
            error=error,
            stored=stored,
            form={name: document.get(name) or "" for name in (*_HEADER, "locked")},
            terms=[_drawn(term) for term in document["terms"]],
            choices={
                name: [Option(value, words.text(label)) for value, label in labels.items()]
                for name, labels in CHOICES.items()
            },
            cards=store.cards(),
            accounts=store.bank_accounts(),
            deductions=store.deduction_definitions(),
            warnings=[
                FieldProblem(
                    say.problem(one.code, one.message), one.pointer.strip("/").replace("/", "-")
                )
                for one in warned
            ],
            entries=[
                TimelineEntry(
                    say.action(line.action),
                    at=say.at(line.at),
                    actor=line.actor,
                    raw=dict(line.detail) or None,
                )
                for line in reversed(lines)
            ],
            example=_example(request, document, say),
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", "/card-contracts/new", permission=_WRITE)
    def new_contract(request: Request) -> Reply:
        """The empty form, with one range of a single payment."""
        today = use_of(request).scope.today()
        term = {**_NEW_TERM, "from": 1, "to": 1, "deductions": [{}]}
        empty: dict[str, Any] = dict.fromkeys(_HEADER, "")
        empty |= {"starts_on": today.isoformat(), "calendar": "TR", "locked": False}
        return editor(request, {**empty, "terms": [term]}, None)

    @app.page("GET", "/card-contracts/contracts/{contract_code}", permission=_READ)
    def show_contract(request: Request) -> Reply:
        """One contract, to read and to change."""
        stored = use_of(request).store.contract(code_in(request))
        return editor(request, _of(stored), stored)

    @app.page("POST", "/card-contracts/example", permission=_READ)
    def show_example(request: Request) -> Reply:
        """The range bar and the example for a form that is being typed; nothing is stored."""
        document = read_form(request.form())
        example = _example(request, document, Say(words_of(request)))
        return kit.draw(request, "contracts/example.html", SECTION, example=example)

    @app.page("POST", "/card-contracts/contracts", permission=_WRITE)
    def save_contract(request: Request) -> Reply:
        """Register a contract or make a new revision; or only add a row to the form."""
        form, use = request.form(), use_of(request)
        document = read_form(form)
        code, version = form.get("stored_code", ""), form.get("version", "")
        stored = use.store.contract(code) if code else None
        if form.get("command") == "add-term":
            document["terms"].append({**_NEW_TERM, "deductions": [{}]})
            return editor(request, document, stored)
        try:
            body = parse_model(CardContractChangeIn, _stated(document))
            draft, problems = body.to_domain()
            if stored is None:
                saved = use.register_contract()(draft, problems)
            else:
                if draft.code != stored.code:
                    problems.append(Problem("/code", "unchangeable", "The code never changes."))
                change = use.change_contract()
                number = whole_of(version)
                saved = change(
                    code,
                    number if isinstance(number, int) else 0,
                    draft,
                    body.effective_from,
                    problems,
                )
        except NotFoundError:
            raise
        except KopruError as error:
            return editor(request, document, stored, error)
        done = "registered" if stored is None else "revised"
        return go(f"/card-contracts/contracts/{saved.code}", done=done)

    @app.page("POST", "/card-contracts/contracts/{contract_code}/lock", permission=_WRITE)
    def lock_contract(request: Request) -> Reply:
        """Close a contract for collections, or open it again."""
        code, locked = code_in(request), request.form().get("locked") == "true"
        use = use_of(request)
        try:
            use.lock_contract()(code, None, locked=locked)
        except ValidationError as error:
            stored = use.store.contract(code)
            return editor(request, _of(stored), stored, error)
        return go(f"/card-contracts/contracts/{code}", done="locked" if locked else "opened")


# ---------------------------------------------------------------------------- forms


def _of(contract: Contract) -> dict[str, Any]:
    """A stored contract in the shape of the form, which is that of the API."""
    shown = contract_out(contract)
    document: dict[str, Any] = {name: shown.get(name) for name in (*_HEADER, "locked", "terms")}
    for term in document["terms"]:
        term["maturity"]["bands"] = _bands_text(term["maturity"]["bands"])
        term["deductions"].append({})
    return document


def _bands_text(bands: Sequence[Mapping[str, int]] | None) -> str:
    return ", ".join(
        f"{one['from_day']}-{one['to_day']}:{one['pay_day']}+{one['month_offset']}"
        for one in bands or ()
    )


def _drawn(term: Mapping[str, Any]) -> dict[str, Any]:
    """A range with every member the form draws; what was not said is empty."""

    def texts(value: Any, *names: str) -> dict[str, Any]:
        known = value or {}
        return {name: "" if known.get(name) is None else known[name] for name in names}

    maturity = term.get("maturity") or {}
    return {
        **texts(term, "from", "to", "collection", "skip_months", "skip_and_block", "description"),
        "blockage": texts(term.get("blockage"), "kind", "value", "on_day"),
        "maturity": {
            **texts(maturity, "kind", "value", "strategy", "bands"),
            "cutoff": texts(maturity.get("cutoff"), "day", "pay_day"),
        },
        "deductions": [
            texts(one, "sequence", "code", "kind", "value", "timing", "basis", "of")
            for one in term["deductions"]
        ],
    }


def read_form(form: Mapping[str, str]) -> dict[str, Any]:
    """A posted form in the shape of the API: names are pointers, empty rows are left out."""
    document: dict[str, Any] = {name: form.get(name, "") for name in _HEADER}
    document["locked"] = form.get("locked") == "true"
    rows: dict[int, dict[str, Any]] = {}
    for name, text in form.items():
        parts = name.split("-")
        if parts[0] == "terms" and len(parts) > 2 and parts[1].isdigit():
            _put(rows.setdefault(int(parts[1]), {}), parts[2:], text.strip())
    document["terms"] = [_term(rows[number]) for number in sorted(rows) if _said(rows[number])]
    return document


def _put(place: dict[str, Any], path: Sequence[str], text: str) -> None:
    for part in path[:-1]:
        place = place.setdefault(part, {})
    place[path[-1]] = text


def _said(row: Mapping[str, Any]) -> bool:
    return bool(row.get("from") or row.get("to"))


def _term(row: Mapping[str, Any]) -> dict[str, Any]:
    deductions = row.get("deductions", {})
    kept = [deductions[key] for key in sorted(deductions, key=int) if deductions[key].get("code")]
    return {**row, "deductions": [*kept, {}]}


def _stated(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the model reads it: numbers are numbers, what was left empty is absent."""
    stated = {name: document[name] for name in _HEADER if document[name] or name not in _OPTIONAL}
    stated["locked"] = bool(document["locked"])
    stated["terms"] = [_stated_term(term) for term in document["terms"]]
    return stated


def _stated_term(term: Mapping[str, Any]) -> dict[str, Any]:
    blockage, maturity = term.get("blockage") or {}, term.get("maturity") or {}
    stated: dict[str, Any] = {
        "from": _number(term.get("from")),
        "to": _number(term.get("to")),
        "collection": term.get("collection", ""),
        "skip_months": _number(term.get("skip_months") or "0"),
        "description": term.get("description") or "",
        "maturity": _stated_maturity(maturity),
        "deductions": [
            _stated_deduction(one) for one in term.get("deductions", ()) if one.get("code")
        ],
    }
    if blockage.get("kind"):
        stated["blockage"] = {
            "kind": blockage["kind"],
            "value": _number(blockage.get("value")),
            "on_day": blockage.get("on_day") or "next_month",
        }
    if term.get("skip_and_block"):
        stated["skip_and_block"] = term["skip_and_block"]
    return stated


def _stated_maturity(maturity: Mapping[str, Any]) -> dict[str, Any]:
    stated: dict[str, Any] = {"kind": maturity.get("kind") or "monthly"}
    if maturity.get("value") not in (None, ""):
        stated["value"] = _number(maturity["value"])
    if maturity.get("strategy"):
        stated["strategy"] = maturity["strategy"]
    if maturity.get("bands"):
        stated["bands"] = [_band(text) for text in str(maturity["bands"]).split(",")]
    cutoff = maturity.get("cutoff") or {}
    if cutoff.get("day") or cutoff.get("pay_day"):
        stated["cutoff"] = {name: _number(cutoff.get(name)) for name in ("day", "pay_day")}
    return stated


def _band(text: str) -> dict[str, Any]:
    """``1-15:20+0`` is: days 1 to 15 are paid on day 20 of the same month."""
    days, _, pay = text.strip().partition(":")
    first, _, last = days.partition("-")
    day, _, offset = pay.partition("+")
    return {
        "from_day": _number(first),
        "to_day": _number(last or first),
        "pay_day": _number(day),
        "month_offset": _number(offset or "0"),
    }


def _stated_deduction(one: Mapping[str, Any]) -> dict[str, Any]:
    stated = {
        "sequence": _number(one.get("sequence")),
        "code": one.get("code", ""),
        "kind": one.get("kind", ""),
        "value": str(one.get("value") or "").replace(",", "."),
        "timing": one.get("timing", ""),
        "basis": one.get("basis") or "gross",
    }
    if one.get("of"):
        stated["of"] = one["of"]
    return stated


def _number(value: Any) -> Any:
    return value if isinstance(value, int) else whole_of(str(value or ""))


# ---------------------------------------------------------------------------- example


def _example(request: Request, document: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The range bar, and what a sale would bring under what is typed so far."""
    form = request.form() if request.method == "POST" else {}
    asked = {name: form.get(f"example-{name}") or text for name, text in _EXAMPLE.items()}
    asked["sold_on"] = form.get("example-sold_on") or _valid_day(request, document)
    ranges = [
        (term["from"], term["to"])
        for term in (_stated_term(one) for one in document["terms"])
        if isinstance(term["from"], int) and isinstance(term["to"], int)
    ]
    missing, twice = uncovered(ranges)
    words = say.words
    told = [words.text("Range bar of instalments 1 to 12.")]
    if twice:
        told.append(words.text("In two ranges: %(counts)s.", counts=twice))
    if missing:
        told.append(words.text("In no range: %(counts)s.", counts=missing))
    bar = range_bar(ranges, words.text("Instalment ranges"), " ".join(told))
    shown: dict[str, Any] = {"asked": asked, "bar": bar, "missing": missing, "twice": twice}
    try:
        plan = _plan(request, document, asked)
    except KopruError as error:
        found = error.problems or (Problem("", error.code, error.message),)
        return {
            **shown,
            "plan": None,
            "problems": [say.problem(one.code, one.message) for one in found][:5],
        }
    return {**shown, "plan": plan, "problems": []}


def _valid_day(request: Request, document: Mapping[str, Any]) -> str:
    """Today where the contract is valid, otherwise its first day; ISO dates compare as texts."""
    today = use_of(request).scope.today().isoformat()
    starts, ends = str(document["starts_on"] or ""), str(document["ends_on"] or "9999")
    return today if starts <= today <= ends else starts


def _plan(request: Request, document: Mapping[str, Any], asked: Mapping[str, str]) -> Plan:
    use = use_of(request)
    draft, problems = parse_model(CardContractChangeIn, _stated(document)).to_domain()
    found = [*problems, *use.check_contract()(draft)]
    if found:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=found)
    body = parse_model(
        PlanIn,
        {
            "sold_on": asked["sold_on"],
            "amount": amount_of(asked["amount"], draft.currency or "TRY"),
            "instalments": whole_of(asked["instalments"]),
        },
    )
    return use.preview_draft()(draft, body.sold_on, body.amount, body.instalments)
