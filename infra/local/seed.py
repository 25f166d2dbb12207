"""What is in a fresh local stack: an operator, two companies, people and keys.

Everything is made by the product's own use cases, in this process, against the stack's endpoint:
the very first key cannot be made with a key. Passwords are random, so that nobody can learn them
from this repository; they stand in ``.local/credentials.json`` and nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.local.cloud import LocalCloud
from infra.local.demo.books import fill
from kernel.sensitive import Email, Secret
from pensions.bootstrap import Application as PensionsApplication
from pensions.bootstrap import build as build_pensions
from pensions.settings import PensionsSettings
from toolkit.auth import TenantContext
from toolkit.platform import Platform
from toolkit.settings import Environment
from workflow.application.record_parameter import Value
from workflow.bootstrap import build as build_workflow
from workflow.settings import WorkflowSettings
from workspace.bootstrap import Application, build
from workspace.settings import WorkspaceSettings

_HANDLER: Final = "workspace.handlers.api.handler"
_PENSIONS_HANDLER: Final = "pensions.handlers.api.handler"
_WORKFLOW_HANDLER: Final = "workflow.handlers.api.handler"
APPROVALS: Final[Mapping[str, Any]] = {
    "approval.limit[pension_remittance]": "25000.00",
    "approval.required[card_contract_change]": True,
}
"""Parameters of the second company; without them nothing waits for anybody."""
_ACTOR: Final = "system:seed"
_WORDS_TEXT: Final = (
    "ardic badem ceviz defne erguvan fener gelincik hurma incir kestane lavanta menekse nergis "
    "orkide papatya safran turna ulgen vadi yakamoz zeytin bulut cinar dalga firtina gumus harman "
    "imbat kervan mercan nehir pinar ruzgar sahil tepe umut yelken anemos thalassa ouranos vrachos "
    "ammos kyma faros limani elia lemoni rodi mandarini"
)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person of the demo and the roles they hold in a company."""

    role: str
    email: str
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """One company of the demo with its people."""

    name: str
    language: str
    people: Sequence[DemoPerson]


COMPANIES: Final = (
    DemoCompany(
        "Yıldız Mali Müşavirlik",
        "tr",
        (
            DemoPerson("owner", "owner@kopru.example", "Defne Yıldız", "tr"),
            DemoPerson("accountant", "accountant@kopru.example", "Kerem Aksoy", "tr"),
            DemoPerson("payroll", "payroll@kopru.example", "Elif Şahin", "tr"),
            DemoPerson("finance", "finance@kopru.example", "Nikos Vlachos", "el"),
        ),
    ),
    DemoCompany(
        "Ege Tekstil Sanayi A.Ş.",
        "tr",
        (
            DemoPerson("owner", "owner@egetekstil.example", "Oya Çınar", "tr"),
            # One accountant works for several companies: the company switch has something to do.
            DemoPerson("accountant", "accountant@kopru.example", "Kerem Aksoy", "tr"),
        ),
    ),
)

OPERATOR: Final = DemoPerson("operator", "operator@kopru.example", "Selin Akın", "tr")


@dataclass
class _StackPlatform(Platform):
    """Plumbing whose clients talk to the stack that is being filled."""

    cloud: LocalCloud | None = None

    def client(self, service: str) -> Any:
        assert self.cloud is not None  # noqa: S101  (given by `seed`)
        return self.cloud.client(service)


def seed(base_url: str, cloud: LocalCloud) -> Mapping[str, Any]:
    """Fill an empty stack; returns the content of ``credentials.json``.

    ``cloud`` has been started and deployed; functions need not run yet. Raises: RuntimeError when
    the workspace is not among the deployed functions.
    """
    app = _application(base_url, cloud)
    _, operator_secret = app.issue_operator_key()("operator of this stack")
    credentials: dict[str, Any] = {
        "base_url": base_url,
        "api_key": "",
        "operator_key": _clear(operator_secret),
        "second_tenant_api_key": "",
        "users": [],
    }
    passwords: dict[str, str] = {}
    tenant_ids: list[str] = []
    for company, key_name in zip(COMPANIES, ("api_key", "second_tenant_api_key"), strict=True):
        tenant_id, credentials[key_name] = _add(app, company, passwords, credentials["users"])
        tenant_ids.append(tenant_id)
    credentials["users"].append(_operator(app))
    fill(_pensions(base_url, cloud), (tenant_ids[0], tenant_ids[1]))
    _want_approvals(base_url, cloud, tenant_ids[1])
    return credentials


def _operator(app: Application) -> dict[str, str]:
    """The person who runs this stack; works for no company."""
    password = _passphrase()
    app.install_operator()(
        email=Email(OPERATOR.email),
        name=OPERATOR.name,
        language=OPERATOR.language,
        password=Secret(password),
    )
    return {"email": OPERATOR.email, "password": password, "role": OPERATOR.role}


def _environment(base_url: str, cloud: LocalCloud, handler: str) -> Environment:
    functions = cloud.deployment.functions if cloud.deployment else ()
    spec = next((spec for spec in functions if spec.handler == handler), None)
    if spec is None:
        message = f"{handler} is not deployed"
        raise RuntimeError(message)
    return Environment({**spec.env, "KOPRU_BASE_URL": base_url})


def _application(base_url: str, cloud: LocalCloud) -> Application:
    settings = WorkspaceSettings.from_environment(_environment(base_url, cloud, _HANDLER))
    return build(settings, platform=_StackPlatform(settings.common, cloud=cloud))


def _pensions(base_url: str, cloud: LocalCloud) -> PensionsApplication:
    environment = _environment(base_url, cloud, _PENSIONS_HANDLER)
    settings = PensionsSettings.from_environment(environment)
    return build_pensions(settings, platform=_StackPlatform(settings.common, cloud=cloud))


def _want_approvals(base_url: str, cloud: LocalCloud, tenant_id: str) -> None:
    """The second company wants large bank orders and changes of card contracts approved."""
    settings = WorkflowSettings.from_environment(_environment(base_url, cloud, _WORKFLOW_HANDLER))
    app = build_workflow(settings, platform=_StackPlatform(settings.common, cloud=cloud))
    use = app.for_tenant(TenantContext(tenant_id, _ACTOR, "seed"))
    for key, value in APPROVALS.items():
        use.record_parameter()(Value(key, value, use.scope.today))


def _add(
    app: Application,
    company: DemoCompany,
    passwords: dict[str, str],
    users: list[dict[str, str]],
) -> tuple[str, str]:
    """Open one company with its people; returns its id and the clear API key."""
    made = app.create_tenant()(
        actor=_ACTOR,
        correlation_id="seed",
        name=company.name,
        language=company.language,
        zone="Europe/Istanbul",
        owner=None,
        with_key=True,
    )
    context = TenantContext(made.tenant.id, _ACTOR, "seed")
    for person in company.people:
        password = passwords.setdefault(person.email, _passphrase())
        app.install_user()(
            context,
            email=Email(person.email),
            name=person.name,
            roles=[person.role],
            language=person.language,
            password=Secret(password),
        )
        users.append(
            {
                "email": person.email,
                "password": password,
                "role": person.role,
                "company": company.name,
            }
        )
    assert made.secret is not None  # noqa: S101  (a key was asked for)
    return made.tenant.id, _clear(made.secret)


def _clear(secret: Secret) -> str:
    return secret.reveal("credentials file of the local stack")


def _passphrase() -> str:
    """Four words and a number: typed easily, guessed hardly."""
    known = _WORDS_TEXT.split()
    words = [secrets.choice(known) for _ in range(4)]
    return "-".join([*words, str(10 + secrets.randbelow(90))])
