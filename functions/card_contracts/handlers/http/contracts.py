"""Contracts with their terms, plans that are not posted, the same sale under all contracts."""

import json
from typing import Any, Final

from card_contracts.application.contracts import warnings_of
from card_contracts.bootstrap import CardContracts
from card_contracts.domain.contract import Contract
from card_contracts.handlers.http.answers import alternative_out, gate_out, history_out, plan_out
from card_contracts.handlers.http.app import BASE, app, code_of, say_of, use_of
from card_contracts.pages.contract_form import contract_out
from card_contracts.schemas import (
    CardContractChangeIn,
    CardContractIn,
    DraftPlanIn,
    LockIn,
    PlanIn,
    WhatIfIn,
)
from kernel.approval import Gate
from kernel.errors import Problem, ValidationError
from kernel.text import fold
from toolkit.entrypoints.http import Reply, Request, etag

_READ: Final = "card_contracts:contract:read"
_WRITE: Final = "card_contracts:contract:write"


def _reply(use: CardContracts, contract: Contract, status: int = 200) -> Reply:
    headers = {"etag": etag(contract.stamp.version)}
    if status == 201:
        headers["location"] = f"{BASE}/{contract.code}"
    return Reply(contract_out(contract, warnings_of(use.scope, contract)), status, headers)


@app.api("POST", BASE, permission=_WRITE)
def register_card_contract(request: Request) -> Reply:
    """Create a contract; everything that is wrong with it is said at once."""
    draft, problems = request.json(CardContractIn).to_domain()
    use = use_of(request)
    return _reply(use, use.register_contract()(draft, problems), 201)


@app.api("GET", BASE, permission=_READ)
def list_card_contracts(request: Request) -> Reply:
    """Contracts by code; ``q`` finds any fragment of code, description, card or account."""
    wanted, locked = fold(request.query.get("q", "")), request.query.get("locked", "")
    if locked not in {"", "true", "false"}:
        problem = Problem("/locked", "choice", "true or false.")
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])
    items: list[dict[str, Any]] = []
    for contract in use_of(request).store.contracts():
        texts = (
            contract.code,
            contract.description,
            contract.card_code,
            contract.bank_account_code,
        )
        if locked and contract.is_locked is not (locked == "true"):
            continue
        if any(wanted in fold(text) for text in texts):
            items.append(contract_out(contract))
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("POST", f"{BASE}/what-if", permission=_READ)
def compare_card_contracts(request: Request) -> Reply:
    """The same sale under every contract, most money first; nothing is posted."""
    body = request.json(WhatIfIn)
    found = use_of(request).compare_contracts()(
        body.sold_on, body.amount, body.instalments, body.contract_codes or ()
    )
    return Reply({"items": [alternative_out(one) for one in found], "next_cursor": None})


@app.api("POST", f"{BASE}/drafts/plans", permission=_READ)
def plan_draft(request: Request) -> Reply:
    """The plan of a sale under a contract that is not stored, or everything wrong with it."""
    body = request.json(DraftPlanIn)
    draft, problems = body.contract.to_domain()
    use = use_of(request)
    found = [*problems, *use.check_contract()(draft)]
    if found:
        under = [problem.under("/contract") for problem in found]
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=under)
    plan = use.preview_draft()(draft, body.sold_on, body.amount, body.instalments)
    return Reply(plan_out(draft, plan, say_of(request)))


@app.api("GET", f"{BASE}/{{contract_code}}", permission=_READ)
def show_card_contract(request: Request) -> Reply:
    """One contract, with warnings that never stop it: unknown codes, legal ceilings, gaps."""
    use = use_of(request)
    return _reply(use, use.store.contract(code_of(request)))


@app.api("PUT", f"{BASE}/{{contract_code}}", permission=_WRITE)
def change_card_contract(request: Request) -> Reply:
    """Make a new revision of a contract; what was posted before stays as it is.

    202 where the company wants changes approved: the same body again publishes it afterwards.
    """
    code, version = code_of(request), request.expected_version()
    body = request.json(CardContractChangeIn)
    draft, problems = body.to_domain()
    if body.code != code:
        problems.append(Problem("/code", "unchangeable", "The code of a contract never changes."))
    use = use_of(request)
    document = json.loads(request.raw_body)
    made = use.publish_change()(code, version, draft, body.effective_from, problems, document)
    if isinstance(made, Gate):
        return Reply({"code": code, "approval": gate_out(made)}, 202)
    return _reply(use, made)


@app.api("DELETE", f"{BASE}/{{contract_code}}", permission=_WRITE)
def remove_card_contract(request: Request) -> Reply:
    """Take a contract off the list; what was posted under it stays."""
    use_of(request).remove_contract()(code_of(request), request.expected_version())
    return Reply(None, 204)


@app.api("POST", f"{BASE}/{{contract_code}}/lock", permission=_WRITE)
def lock_card_contract(request: Request) -> Reply:
    """Close a contract for collections, or open it again."""
    body = request.json(LockIn)
    version = request.expected_version() if "if-match" in request.headers else None
    use = use_of(request)
    return _reply(use, use.lock_contract()(code_of(request), version, locked=body.locked))


@app.api("GET", f"{BASE}/{{contract_code}}/revisions", permission=_READ)
def list_revisions(request: Request) -> Reply:
    """Every revision of a contract with the sale date it counts from, oldest first."""
    found = use_of(request).store.revisions(code_of(request))
    items = [contract_out(revision) for revision in found]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", f"{BASE}/{{contract_code}}/history", permission=_READ)
def show_card_contract_history(request: Request) -> Reply:
    """Everything that happened to a contract."""
    use = use_of(request)
    contract = use.store.contract(code_of(request))
    items = [history_out(line) for line in use.store.history(f"card_contract:{contract.code}")]
    return Reply({"items": items, "next_cursor": None})


@app.api("POST", f"{BASE}/{{contract_code}}/plans", permission=_READ)
def plan_sale(request: Request) -> Reply:
    """The plan of a sale: every payment and deduction with its reasons; nothing is posted."""
    body = request.json(PlanIn)
    preview = use_of(request).preview_plan()
    contract, plan = preview(code_of(request), body.sold_on, body.amount, body.instalments)
    return Reply(plan_out(contract, plan, say_of(request)))
