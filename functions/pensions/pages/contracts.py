"""Pages of contracts: list, editor, detail with the state of the connection, credentials."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, PreconditionFailedError
from kernel.sensitive import Secret
from pensions.application.context import provider_of
from pensions.application.contracts import ContractFields
from pensions.application.overview import wage_month
from pensions.domain.contract import Contract
from pensions.domain.parameters import OKS
from pensions.domain.provider import CredentialDelivery
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.pages.kit import Kit, decimal_text, go, use_of, version_of
from pensions.pages.words import Say, reading_language, words_of
from pensions.schemas import ContractIn, CredentialsIn
from toolkit.auth import ProofRequiredError, require_fresh
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column, Option
from webkit.reader import language_of

_ACCOUNTS: Final = ("provider_iban", "payer_iban")
_TEXTS: Final = (
    "provider_code",
    "contract_code",
    "contract_no",
    "payroll_contract_no",
    "starts_on",
    "ends_on",
    *_ACCOUNTS,
)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of contracts."""

    @app.page("GET", "/pensions/contracts", permission="pensions:contract:read")
    def list_contracts(request: Request) -> Reply:
        """All contracts of the company."""
        use = use_of(request)
        words = words_of(request)
        contracts = list(use.store.contracts())
        columns = (
            Column("no", words.text("Contract no")),
            Column("code", words.text("Contract code")),
            Column("provider", words.text("Pension company")),
            Column("starts", words.text("Starts on")),
            Column("ends", words.text("Ends on")),
            Column("rate", words.text("Min. deduction"), numeric=True),
            Column("people", words.text("Personnel"), numeric=True),
            Column("policies", words.text("Policies"), numeric=True),
            Column("state", words.text("State")),
        )
        return kit.draw(
            request,
            "contracts/list.html",
            contracts=contracts,
            counts={item.id: use.store.employee_counts(item.id) for item in contracts},
            providers=PROVIDERS,
            columns=columns,
            today=use.scope.today(),
        )

    # ------------------------------------------------------------------ editor

    def editor(
        request: Request,
        values: Mapping[str, str],
        contract: Contract | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        today = use_of(request).scope.today()
        options = [Option(item.code, item.name_on(today)) for item in PROVIDERS.values()]
        given: dict[str, Any] = {
            "values": values,
            "contract": contract,
            "providers": options,
            "stale": isinstance(error, PreconditionFailedError),
        }
        if error is None:
            return kit.draw(request, "contracts/edit.html", **given)
        return kit.form(request, "contracts/edit.html", error, **given)

    @app.page("GET", "/pensions/contracts/new", permission="pensions:contract:write")
    def new_contract(request: Request) -> Reply:
        """The empty form."""
        minimum = OKS.rate("oks.min_rate_pct", use_of(request).scope.today())
        rate = words_of(request).formats.number(minimum.percent)
        return editor(request, {"min_deduction_rate": rate})

    @app.page("POST", "/pensions/contracts", permission="pensions:contract:write")
    def register_contract(request: Request) -> Reply:
        """Save a new contract."""
        form = request.form()
        try:
            contract = use_of(request).register_contract()(_fields(form))
        except KopruError as error:
            return editor(request, form, error=error)
        return go(f"/pensions/contracts/{contract.id}", done="registered")

    @app.page("GET", "/pensions/contracts/{id}/edit", permission="pensions:contract:write")
    def edit_contract(request: Request) -> Reply:
        """The form with the stored values."""
        contract = use_of(request).store.contract(request.id())
        return editor(request, _values(contract, words_of(request).formats.number), contract)

    @app.page("POST", "/pensions/contracts/{id}/edit", permission="pensions:contract:write")
    def change_contract(request: Request) -> Reply:
        """Save the changed contract; a stale form is shown again and says so."""
        form, use = request.form(), use_of(request)
        contract = use.store.contract(request.id())
        try:
            fields = _fields(form, contract)
            if fields.moves_money_elsewhere(contract):
                require_fresh(request.principal, use.scope.clock.now(), request.path)
            use.change_contract()(contract.id, version_of(form), fields)
        except ProofRequiredError:
            raise
        except KopruError as error:
            return editor(request, form, use.store.contract(contract.id), error)
        return go(f"/pensions/contracts/{contract.id}", done="changed")

    @app.page("GET", "/pensions/contracts/{id}/remove", permission="pensions:contract:write")
    def ask_removal(request: Request) -> Reply:
        """Ask before a contract is removed."""
        return _removal(request, use_of(request).store.contract(request.id()))

    def _removal(request: Request, contract: Contract, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        values: dict[str, Any] = {
            "title": words.text("Remove contract %(no)s?", no=contract.contract_no),
            "text": words.text(
                "The contract disappears from all lists. Its history stays. A contract under which "
                "people are registered cannot be removed."
            ),
            "action": f"/pensions/contracts/{contract.id}/remove",
            "confirm": words.text("Remove contract"),
            "back": f"/pensions/contracts/{contract.id}",
            "hidden": {"version": contract.stamp.version},
            "danger": True,
        }
        if error is None:
            return kit.draw(request, "confirm.html", **values)
        return kit.form(request, "confirm.html", error, **values)

    @app.page("POST", "/pensions/contracts/{id}/remove", permission="pensions:contract:write")
    def remove_contract(request: Request) -> Reply:
        """Remove a contract nobody is registered under."""
        use = use_of(request)
        contract = use.store.contract(request.id())
        try:
            use.remove_contract()(contract.id, version_of(request.form()))
        except KopruError as error:
            return _removal(request, use.store.contract(contract.id), error)
        return go("/pensions/contracts", done="removed")

    # ------------------------------------------------------------------ connection

    @app.page("GET", "/pensions/contracts/{id}", permission="pensions:contract:read")
    def show_contract(request: Request) -> Reply:
        """A contract with everything about its connection."""
        return draw_contract(kit, request)

    def credentials_form(
        request: Request, contract: Contract, username: str = "", error: KopruError | None = None
    ) -> Reply:
        provider = provider_of(contract)
        values: dict[str, Any] = {
            "contract": contract,
            "provider": provider,
            "help": provider.credential_help.text(reading_language(language_of(request))),
            "deliveries": _deliveries(request, provider.credential_delivery),
            "username": username,
        }
        if error is None:
            return kit.draw(request, "contracts/credentials.html", **values)
        return kit.form(request, "contracts/credentials.html", error, **values)

    @app.page(
        "GET", "/pensions/contracts/{id}/credentials", permission="pensions:credentials:write"
    )
    def ask_credentials(request: Request) -> Reply:
        """The form of the web-service credentials, with help to get them; nothing stored shows."""
        return credentials_form(request, use_of(request).store.contract(request.id()))

    @app.page(
        "POST", "/pensions/contracts/{id}/credentials", permission="pensions:credentials:write"
    )
    def store_credentials(request: Request) -> Reply:
        """Store a new version of the credentials."""
        form, use = request.form(), use_of(request)
        contract = use.store.contract(request.id())
        require_fresh(request.principal, use.scope.clock.now(), request.path)
        given = {name: form[name] for name in ("username", "password") if form.get(name)}
        try:
            body = parse_model(CredentialsIn, given)
            use.store_credentials()(contract.id, body.username, Secret(body.password))
        except KopruError as error:
            return credentials_form(request, contract, form.get("username", ""), error)
        return go(f"/pensions/contracts/{contract.id}", done="credentials")


def draw_contract(kit: Kit, request: Request, *, refused: str = "", status: int = 200) -> Reply:
    """The contract's page; ``refused`` is the sentence of a connection test that failed."""
    use = use_of(request)
    contract = use.store.contract(request.id())
    provider = provider_of(contract)
    today, now = use.scope.today(), use.scope.clock.now()
    circuit = use.store.circuit(provider.code)
    return kit.draw(
        request,
        "contracts/detail.html",
        status=status,
        contract=contract,
        provider=provider,
        provider_name=provider.name_on(today),
        signed_name=provider.name_on(contract.starts_on),
        nav=kit.contract_nav(request, contract, "contract"),
        state=contract.state(today),
        today=today,
        counts=use.store.employee_counts(contract.id),
        circuit=circuit,
        paused=circuit.blocks(now),
        transmissions=use.store.open_transmissions(contract.id),
        month=wage_month(contract, today),
        help=provider.credential_help.text(reading_language(language_of(request))),
        deliveries=_deliveries(request, provider.credential_delivery),
        refused=refused,
        columns=_transmission_columns(request),
    )


def _transmission_columns(request: Request) -> tuple[Column, ...]:
    words = words_of(request)
    return (
        Column("kind", words.text("What")),
        Column("rows", words.text("Rows"), numeric=True),
        Column("state", words.text("State")),
        Column("sent", words.text("Sent at")),
        Column("next", words.text("Asked again at")),
    )


def _deliveries(request: Request, ways: frozenset[CredentialDelivery]) -> list[str]:
    say = Say(words_of(request))
    return [say.delivery(way.value) for way in CredentialDelivery if way in ways]


# ---------------------------------------------------------------------------- forms


def _fields(form: Mapping[str, str], contract: Contract | None = None) -> ContractFields:
    """The contract as stated; an account left empty stays what it is."""
    given: dict[str, Any] = {
        name: form[name].strip() for name in _TEXTS if form.get(name, "").strip()
    }
    if rate := form.get("min_deduction_rate", "").strip():
        given["min_deduction_rate"] = decimal_text(rate)
    days = form.get("pay_days", "").replace(",", " ").replace(";", " ").split()
    given["pay_days"] = [int(day) if day.isascii() and day.isdigit() else day for day in days]
    body = parse_model(ContractIn, given)
    accounts = {
        name: getattr(contract, name)
        if contract is not None and getattr(body, name) is None and f"remove_{name}" not in form
        else getattr(body, name)
        for name in _ACCOUNTS
    }
    return ContractFields(
        provider_code=body.provider_code,
        contract_code=body.contract_code,
        contract_no=body.contract_no,
        payroll_contract_no=body.payroll_contract_no,
        min_deduction_rate=body.min_deduction_rate,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        pay_days=tuple(sorted(set(body.pay_days))),
        **accounts,
    )


def _values(contract: Contract, number: Any) -> dict[str, str]:
    return {
        "provider_code": contract.provider_code,
        "contract_code": contract.contract_code,
        "contract_no": contract.contract_no,
        "payroll_contract_no": contract.payroll_contract_no,
        "min_deduction_rate": number(contract.min_deduction_rate.percent),
        "starts_on": contract.starts_on.isoformat(),
        "ends_on": contract.ends_on.isoformat() if contract.ends_on else "",
        "pay_days": ", ".join(str(day) for day in contract.pay_days),
    }
