"""Contracts: the list, the editor with range bar and live example, lock and history (CRD-01)."""

from collections.abc import Mapping
from typing import Any, Final

from card_contracts.application.change_approval import subject_of
from card_contracts.application.contracts import warnings_of
from card_contracts.domain.contract import Contract
from card_contracts.domain.plan import Plan
from card_contracts.pages.contract_form import (
    HEADER,
    document_of,
    drawn,
    read_form,
    stated,
    stated_term,
)
from card_contracts.pages.kit import Kit, amount_of, code_in, go, use_of, whole_of
from card_contracts.pages.pictures import range_bar, uncovered
from card_contracts.pages.words import CHOICES, Say, words_of
from card_contracts.schemas import CardContractChangeIn, PlanIn
from kernel.approval import Gate
from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column, FieldProblem, Option

SECTION: Final = "card_contracts.contracts"
_READ: Final = "card_contracts:contract:read"
_WRITE: Final = "card_contracts:contract:write"
_NEW_TERM: Final[Mapping[str, Any]] = {"collection": "deferred"}
_EXAMPLE: Final = {"amount": "100.000,00", "instalments": "6"}


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
            form={name: document.get(name) or "" for name in (*HEADER, "locked")},
            terms=[drawn(term) for term in document["terms"]],
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
            entries=[say.entry(line, request.principal.id, raw=True) for line in reversed(lines)],
            revisions=[
                {
                    "id": str(one.revision),
                    "one": one,
                    "ranges": [(term.first, term.last) for term in one.terms],
                }
                for one in reversed(store.revisions(stored.code) if stored is not None else [])
            ],
            revision_columns=(
                Column("revision", words.text("Revision"), numeric=True),
                Column("since", words.text("For sales from")),
                Column("validity", words.text("Validity")),
                Column("ranges", words.text("Instalments")),
            ),
            example=_example(request, document, say),
            gate=_gate_of(request, stored),
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", "/card-contracts/new", permission=_WRITE)
    def new_contract(request: Request) -> Reply:
        """The empty form, with one range of a single payment."""
        today = use_of(request).scope.today()
        term = {**_NEW_TERM, "from": 1, "to": 1, "deductions": [{}, {}]}
        empty: dict[str, Any] = dict.fromkeys(HEADER, "")
        empty |= {"starts_on": today.isoformat(), "calendar": "TR", "locked": False}
        return editor(request, {**empty, "terms": [term]}, None)

    @app.page("GET", "/card-contracts/contracts/{contract_code}", permission=_READ)
    def show_contract(request: Request) -> Reply:
        """One contract, to read and to change."""
        stored = use_of(request).store.contract(code_in(request))
        return editor(request, document_of(stored), stored)

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
            document["terms"].append({**_NEW_TERM, "deductions": [{}, {}]})
            return editor(request, document, stored)
        try:
            body = parse_model(CardContractChangeIn, stated(document))
            draft, problems = body.to_domain()
            if stored is None:
                saved = use.register_contract()(draft, problems)
            else:
                if draft.code != stored.code:
                    problems.append(Problem("/code", "unchangeable", "The code never changes."))
                number = whole_of(version)
                made = use.publish_change()(
                    code,
                    number if isinstance(number, int) else 0,
                    draft,
                    body.effective_from,
                    problems,
                    stated(document),
                )
                if isinstance(made, Gate):
                    return go(f"/card-contracts/contracts/{code}", done="asked")
                saved = made
        except NotFoundError:
            raise
        except KopruError as error:
            return editor(request, document, stored, error)
        done = "registered" if stored is None else "revised"
        return go(f"/card-contracts/contracts/{saved.code}", done=done)

    @app.page("POST", "/card-contracts/contracts/{contract_code}/publish", permission=_WRITE)
    def publish_change(request: Request) -> Reply:
        """Publish the change that was approved, exactly as it was approved."""
        code, use = code_in(request), use_of(request)
        gate = use.gates.gate(subject_of(code))
        stored = use.store.contract(code)
        if gate is None or gate.payload is None or not gate.state.opens:
            raise NotFoundError("not_found", "There is no such item.")
        document = gate.payload["document"]
        body = parse_model(CardContractChangeIn, document)
        draft, problems = body.to_domain()
        try:
            use.publish_change()(
                code, gate.payload["version"], draft, body.effective_from, problems, document
            )
        except KopruError as error:
            return editor(request, document_of(stored), stored, error)
        return go(f"/card-contracts/contracts/{code}", done="revised")

    @app.page("POST", "/card-contracts/contracts/{contract_code}/lock", permission=_WRITE)
    def lock_contract(request: Request) -> Reply:
        """Close a contract for collections, or open it again."""
        code, locked = code_in(request), request.form().get("locked") == "true"
        use = use_of(request)
        try:
            use.lock_contract()(code, None, locked=locked)
        except ValidationError as error:
            stored = use.store.contract(code)
            return editor(request, document_of(stored), stored, error)
        return go(f"/card-contracts/contracts/{code}", done="locked" if locked else "opened")

    @app.page("POST", "/card-contracts/contracts/{contract_code}/remove", permission=_WRITE)
    def remove_contract(request: Request) -> Reply:
        """Take a contract off the list; what was posted under it stays."""
        code, use = code_in(request), use_of(request)
        version = whole_of(request.form().get("version", ""))
        try:
            use.remove_contract()(code, version if isinstance(version, int) else 0)
        except NotFoundError:
            raise
        except KopruError as error:
            stored = use.store.contract(code)
            return editor(request, document_of(stored), stored, error)
        return go("/card-contracts", done="contract_removed")


# ---------------------------------------------------------------------------- example


def _gate_of(request: Request, stored: Contract | None) -> Gate | None:
    """The change of a stored contract that waits or was refused; None once it is published."""
    gate = use_of(request).gates.gate(subject_of(stored.code)) if stored is not None else None
    if gate is None or stored is None or gate.payload is None:
        return None
    published = gate.state.opens and stored.stamp.version != gate.payload["version"]
    return None if published else gate


def _example(request: Request, document: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The range bar, and what a sale would bring under what is typed so far."""
    form = request.form() if request.method == "POST" else {}
    asked = {name: form.get(f"example-{name}") or text for name, text in _EXAMPLE.items()}
    asked["sold_on"] = form.get("example-sold_on") or _valid_day(request, document)
    ranges = [
        (term["from"], term["to"])
        for term in (stated_term(one) for one in document["terms"])
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
            "problems": [say.placed(one) for one in found][:5],
        }
    return {**shown, "plan": plan, "problems": []}


def _valid_day(request: Request, document: Mapping[str, Any]) -> str:
    """Today where the contract is valid, otherwise its first day; ISO dates compare as texts."""
    today = use_of(request).scope.today().isoformat()
    starts, ends = str(document["starts_on"] or ""), str(document["ends_on"] or "9999")
    return today if starts <= today <= ends else starts


def _plan(request: Request, document: Mapping[str, Any], asked: Mapping[str, str]) -> Plan:
    use = use_of(request)
    draft, problems = parse_model(CardContractChangeIn, stated(document)).to_domain()
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
