"""One company with contracts and people in every state, and a browser-like caller of the pages."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

import pensions.bootstrap as bootstrap
from kernel.clock import FixedClock
from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Iban, Phone, Secret, Tckn
from pensions.application.contracts import ContractFields
from pensions.domain.contract import Contract, Credentials, CredentialsState
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.employee import Employee, EmployeeProblem, EmployeeStatus, ProblemActor
from pensions.pages import words
from pensions.settings import PensionsSettings
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke
from tests.support.fakes.insurers import FakeInsurers
from tests.support.pensions_builders import tckn
from toolkit.auth import Principal, TenantContext
from toolkit.platform import Platform
from webkit.assets import Assets

TENANT = "01J00000000000000000TENANT"
OTHER = "01J0000000000000000STRANGE"
MONTH = Period(2026, 5)
IBAN = "TR330006100519786457841326"
HTML = {"accept": "text/html"}
S = EmployeeStatus


@dataclass
class Site:
    """The pages as one person sees them."""

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    principal: Principal
    use: bootstrap.Pensions
    contract: Contract
    people: dict[str, Employee] = field(default_factory=dict)

    def speaking(self, language: str) -> "Site":
        """The same person, reading another language."""
        return replace(self, principal=replace(self.principal, language=language))

    def acting_as(self, *roles: str, tenant: str = TENANT) -> "Site":
        """Somebody else: other roles, or another company."""
        who = replace(self.principal, roles=roles, tenant_id=tenant)
        return replace(self, principal=who)

    def get(self, path: str, query: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """A page."""
        event = http_event("GET", path, principal=self.principal, query=query, headers=HTML)
        return invoke(self.handler, event, **more)

    def post(self, path: str, form: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """A form with its token."""
        from pensions.handlers.http.app import app

        fields = {"csrf_token": app.csrf_token(self.principal), **(form or {})}
        event = http_event("POST", path, principal=self.principal, form=fields, headers=HTML)
        return invoke(self.handler, event, **more)


@pytest.fixture
def insurers(clock: FixedClock) -> FakeInsurers:
    """All insurers in memory."""
    return FakeInsurers(clock.now)


@pytest.fixture(scope="session")
def _renderer() -> Iterator[None]:
    """One renderer for all tests, so that templates are compiled once; no built assets needed."""
    words.renderer.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Assets, "packaged", classmethod(lambda _cls: Assets.plain()))
        words.renderer()
    yield
    words.renderer.cache_clear()


@pytest.fixture
def application(
    aws: AwsWorld,
    platform: Platform,
    insurers: FakeInsurers,
    _renderer: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[bootstrap.Application]:
    """The context of the test as the process's own."""
    settings = PensionsSettings.from_environment()
    aws.create_queue("pensions-send-aegon")
    built = bootstrap.build(settings, platform=platform, gateway_of=lambda _context: insurers)
    bootstrap.application.cache_clear()
    monkeypatch.setattr(bootstrap, "build", lambda _settings: built)
    yield built
    bootstrap.application.cache_clear()


@pytest.fixture
def site(application: bootstrap.Application) -> Site:
    """The owner of the company, reading English, before a contract with nobody in it."""
    from pensions.handlers.api import handler

    context = TenantContext(TENANT, "user:01J0000000000000000000USER")
    use = application.for_tenant(context)
    principal = Principal(
        kind="session",
        id="01J0000000000000000000USER",
        tenant_id=TENANT,
        roles=("owner",),
        session_hash="a-session",
        proved_at=use.scope.clock.now().isoformat(),
        language="en",
        name="Ayşe Yılmaz",
        email="ayse@example.com",
        tenant_name="Örnek Tekstil A.Ş.",
    )
    return Site(handler, principal, use, contract_of(use))


def contract_of(use: bootstrap.Pensions, no: str = "KM013870", **more: Any) -> Contract:
    """A contract that can send."""
    fields = ContractFields(
        provider_code="aegon",
        contract_code="001",
        contract_no=no,
        payroll_contract_no=no,
        min_deduction_rate=Rate.from_api("3.00"),
        starts_on=date(2026, 1, 1),
        pay_days=(5,),
        **{"provider_iban": Iban(IBAN), **more},
    )
    contract = use.register_contract()(fields)
    use.store_credentials()(contract.id, "ornek-kullanici", Secret("synthetic-word"))
    before = use.store.contract(contract.id)
    state = Credentials(**{**_members(before.credentials), "state": CredentialsState.VALID})
    unit = use.store.unit()
    unit.save_contract(before, replace(before, credentials=state), "contract.changed", {})
    unit.commit()
    return use.store.contract(contract.id)


def _members(credentials: Credentials) -> dict[str, Any]:
    return {name: getattr(credentials, name) for name in Credentials.__slots__}


def person(site: Site, seed: int, status: EmployeeStatus, name: str = "", **more: Any) -> Employee:
    """A person of the contract in a state, with what belongs to the state."""
    employee = Employee(
        id=site.use.scope.ids.new(),
        contract_id=site.contract.id,
        status=status,
        national_id=Tckn(tckn(seed)),
        first_name=name or f"Kişi{seed}",
        last_name="Örnek",
        birth_date=date(1990, 2, 17),
        hired_on=date(2026, 3, 1),
        mobile=Phone("+905321234567"),
    )
    employee = replace(employee, **more)
    unit = site.use.store.unit()
    unit.add_employee(employee, "employee.added", {})
    unit.commit()
    return site.use.store.employee(employee.id)


@pytest.fixture
def staffed(site: Site) -> Site:
    """People in every state."""
    problem = EmployeeProblem("mobile", "mobile_invalid", "", ProblemActor.USER)
    wrong = EmployeeProblem("national_id", "check", "", ProblemActor.USER)
    site.people = {
        "ready": person(site, 1, S.READY, "Işıl"),
        "enrolled": person(site, 2, S.ENROLLED, "Çağrı", policy_no="P-100"),
        "second": person(site, 8, S.ENROLLED, "Deniz", policy_no="P-101"),
        "rejected": person(
            site, 3, S.REJECTED, "Ömer", reason="mobile_invalid", problems=(problem,)
        ),
        "invalid": person(
            site,
            4,
            S.INVALID,
            "Şule",
            national_id=None,
            problems=(wrong,),
            raw={"national_id": "12345678901"},
        ),
        "held": person(site, 5, S.HELD, "Ğ", reason="system_error"),
        "unknown": person(site, 6, S.UNKNOWN, "Belirsiz", reason="timeout"),
        "opted_out": person(
            site, 7, S.OPTED_OUT, "Cayan", reason="opted_out", effective_on=date(2026, 5, 4)
        ),
    }
    return site


def contribution(
    site: Site, who: str, status: ContributionStatus, lira: int = 120, **more: Any
) -> Contribution:
    """A contribution of May 2026."""
    item = Contribution(
        id=site.use.scope.ids.new(),
        contract_id=site.contract.id,
        employee_id=site.people[who].id,
        period=MONTH,
        sequence=1,
        earnings=Money(lira * 100 * 100 // 3 + 100, "TRY"),
        rate=Rate.from_api("3.00"),
        amount=Money(lira * 100, "TRY"),
        paid_on=date(2026, 6, 5),
        status=status,
    )
    item = replace(item, **more)
    unit = site.use.store.unit()
    unit.add_contribution(item, "contribution.added", {})
    unit.commit()
    return site.use.store.contribution(item.id)


@pytest.fixture
def paid(staffed: Site) -> Site:
    """A month that is decided: one accepted row, one refused, one left out."""
    contribution(staffed, "enrolled", ContributionStatus.ACCEPTED, 968)
    contribution(staffed, "second", ContributionStatus.REJECTED, 60, reason="policy_not_active")
    contribution(staffed, "opted_out", ContributionStatus.EXCLUDED, 14, reason="opted_out")
    return staffed
