"""Providers, contracts and credentials (PEN-01, PEN-02, PEN-03)."""

from dataclasses import replace

from kernel.sensitive import Secret
from pensions.application.contracts import ContractFields
from pensions.domain.contract import Contract
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.handlers.http.app import app, pensions, reveals
from pensions.schemas import (
    ContractIn,
    ContractPatch,
    CredentialsIn,
    contract_out,
    credentials_out,
    provider_out,
)
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Reply, Request, etag


def _reply(request: Request, contract: Contract, status: int = 200) -> Reply:
    today = pensions(request).scope.today()
    headers = {"etag": etag(contract.stamp.version)}
    if status == 201:
        headers["location"] = f"/v1/pensions/contracts/{contract.id}"
    return Reply(contract_out(contract, today, reveal=reveals(request)), status, headers)


def _prove(request: Request) -> None:
    """Credentials and bank accounts ask for a fresh proof. Raises: ProofRequiredError."""
    require_fresh(request.principal, pensions(request).scope.clock.now())


def _fields(body: ContractIn) -> ContractFields:
    return ContractFields(
        provider_code=body.provider_code,
        contract_code=body.contract_code,
        contract_no=body.contract_no,
        payroll_contract_no=body.payroll_contract_no,
        min_deduction_rate=body.min_deduction_rate,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        pay_days=tuple(sorted(set(body.pay_days))),
        provider_iban=body.provider_iban,
        payer_iban=body.payer_iban,
    )


@app.api("GET", "/v1/pensions/providers", permission="pensions:provider:read")
def list_providers(request: Request) -> Reply:
    """All pension companies of the catalogue."""
    today = pensions(request).scope.today()
    items = [provider_out(provider, today) for provider in PROVIDERS.values()]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", "/v1/pensions/contracts", permission="pensions:contract:read")
def list_contracts(request: Request) -> Reply:
    """Contracts of the company, in the order they were registered."""
    use = pensions(request)
    today = use.scope.today()
    items = [contract_out(item, today, reveal=reveals(request)) for item in use.store.contracts()]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("POST", "/v1/pensions/contracts", permission="pensions:contract:write")
def register_contract(request: Request) -> Reply:
    """Register a contract."""
    fields = _fields(request.json(ContractIn))
    return _reply(request, pensions(request).register_contract()(fields), 201)


@app.api("GET", "/v1/pensions/contracts/{id}", permission="pensions:contract:read")
def show_contract(request: Request) -> Reply:
    """One contract."""
    return _reply(request, pensions(request).store.contract(request.id()))


@app.api("PUT", "/v1/pensions/contracts/{id}", permission="pensions:contract:write")
def replace_contract(request: Request) -> Reply:
    """Replace the stated members of a contract."""
    use, fields = pensions(request), _fields(request.json(ContractIn))
    if fields.moves_money_elsewhere(use.store.contract(request.id())):
        _prove(request)
    return _reply(request, use.change_contract()(request.id(), request.expected_version(), fields))


@app.api("PATCH", "/v1/pensions/contracts/{id}", permission="pensions:contract:write")
def change_contract(request: Request) -> Reply:
    """Change some members of a contract."""
    body = request.json(ContractPatch)
    use = pensions(request)
    before = use.store.contract(request.id())
    current = ContractFields(**{name: getattr(before, name) for name in ContractFields.__slots__})
    stated = {name: getattr(body, name) for name in body.model_fields_set}
    if "pay_days" in stated:
        stated["pay_days"] = tuple(sorted(set(stated["pay_days"] or ())))
    fields = replace(current, **stated)
    if fields.moves_money_elsewhere(before):
        _prove(request)
    return _reply(request, use.change_contract()(before.id, request.expected_version(), fields))


@app.api("DELETE", "/v1/pensions/contracts/{id}", permission="pensions:contract:write")
def remove_contract(request: Request) -> Reply:
    """Remove a contract nobody is registered under."""
    pensions(request).remove_contract()(request.id(), request.expected_version())
    return Reply(None, 204)


@app.api("PUT", "/v1/pensions/contracts/{id}/credentials", permission="pensions:credentials:write")
def store_credentials(request: Request) -> Reply:
    """Store a new version of the web-service credentials; they are never shown again."""
    body = request.json(CredentialsIn)
    _prove(request)
    pensions(request).store_credentials()(request.id(), body.username, Secret(body.password))
    return Reply(None, 204)


@app.api("GET", "/v1/pensions/contracts/{id}/credentials", permission="pensions:contract:read")
def show_credentials(request: Request) -> Reply:
    """What may be shown of the credentials."""
    return Reply(credentials_out(pensions(request).store.contract(request.id())))
