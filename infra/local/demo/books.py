"""Puts pension contracts and people into the companies of a fresh stack, so no page is empty.

The product's own use cases do it, in this process, from the demo payroll with its mistakes. What is
only started here (a submission) is done by the stack's workers once its door is open.
"""

from __future__ import annotations

from typing import Final

from infra.local.demo.payroll import Demo, DemoCompany, DemoContract, make_demo
from kernel.files import UploadedFile
from kernel.identifiers import iban
from kernel.rates import Rate
from kernel.sensitive import Iban, Secret
from pensions.application.contracts import ContractFields
from pensions.bootstrap import Application, Pensions
from toolkit.auth import TenantContext

_ACTOR: Final = "system:seed"
_PASSWORD: Final = "demo-Parola-1"  # noqa: S105  (the simulators take any that is not "wrong…")
_PAYER_ACCOUNT: Final = "100200300"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def fill(application: Application, tenant_ids: tuple[str, str]) -> None:
    """The first company gets contracts with people to send, the second one to look at."""
    demo = make_demo()
    textile, food = demo.companies[0], demo.companies[1]
    for tenant_id, company in zip(tenant_ids, (textile, food), strict=True):
        use = application.for_tenant(TenantContext(tenant_id, _ACTOR, "seed"))
        for contract in company.contracts:
            _contract(use, demo, company, contract)


def _contract(use: Pensions, demo: Demo, company: DemoCompany, contract: DemoContract) -> None:
    registered = use.register_contract()(
        ContractFields(
            provider_code=contract.provider_code,
            contract_code=contract.contract_code,
            contract_no=contract.contract_no,
            payroll_contract_no=contract.payroll_contract_no,
            min_deduction_rate=Rate.from_api(contract.min_deduction_rate),
            starts_on=contract.starts_on,
            pay_days=contract.pay_days,
            payer_iban=Iban(iban.build("TR", "00001", _PAYER_ACCOUNT)),
        )
    )
    use.store_credentials()(registered.id, f"{contract.provider_code}-user", Secret(_PASSWORD))
    file = next(
        item
        for item in demo.files
        if item.kind == "employees"
        and item.path.startswith(f"{company.slug}/{contract.provider_code}/")
        and str(demo.period) in item.path
    )
    content_type = _XLSX if file.path.endswith(".xlsx") else "text/csv"
    name = file.path.rpartition("/")[2]
    started = use.start_import()(
        registered.id, "employees", file=UploadedFile(file.content, content_type, name)
    )
    # The file is read here, so that the first page shows people; the worker finds the job done.
    use.run_import()(started.job_id)
