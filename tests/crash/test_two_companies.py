"""Two companies in one world: whatever the other one does, a company's own world is the same."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pensions.adapters.field_parsers import API_PARSERS
from pensions.application.employees import ChangeEmployee
from tests.crash.use_cases import calculated, command, small_groups
from tests.support.aws import ROLES
from tests.support.drive import PROVIDER, TENANT, Drive, Snapshot, driving
from tests.support.invariants import settled
from tests.support.pensions_builders import JUNE, tckn
from tests.support.scanner import SCANNER, Scanner

pytestmark = pytest.mark.slow
OTHER = "TENANT-B"
FIRST = {TENANT: 1, OTHER: 101}
SPACE = {TENANT: 0, OTHER: 50}


@pytest.fixture(autouse=True)
def _groups() -> Iterator[None]:
    with small_groups():
        yield


def working(drive: Drive, tenant: str) -> Iterator[None]:
    """A month of one company, one step at a time; every message is a step of its own."""
    number, first = f"NO-{tenant}", FIRST[tenant]
    contract_id = drive.contract(tenant_id=tenant, contract_no=number, payroll_contract_no=number)
    yield
    ids = drive.people(contract_id, 3, first=first, tenant_id=tenant)
    use = drive.use(tenant)
    for identity in ids:
        change = ChangeEmployee(use.scope, API_PARSERS)
        change(identity, 1, {"email": f"{SCANNER.canary(tenant)}@example.com"})
    yield
    drive.insurers.script(PROVIDER, {"reject": {"national_id": tckn(first), "reason": "iban"}})
    use.submit_employees()(contract_id, None, command("people"))
    yield from delivering(drive, tenant)
    rows = [identity for identity in ids if use.store.employee(identity).policy_no]
    calculated(drive, contract_id, rows, tenant_id=tenant)
    yield
    use.submit_contributions()(contract_id, JUNE, command("month"))
    yield from delivering(drive, tenant)
    fact = {"national_id": tckn(first + 1), "on": "2026-05-20"}
    drive.insurers.script(PROVIDER, {"opt_out": fact})
    use.start_status_refresh()(contract_id)
    yield from delivering(drive, tenant)
    use.mark_remittance_paid()(contract_id, JUNE)
    yield from delivering(drive, tenant)


def delivering(drive: Drive, tenant: str) -> Iterator[None]:
    """Every message of the company, one a step."""
    drive.collect()
    yield
    while mine := [work for work in drive.mailbox if work.body["tenant_id"] == tenant]:
        assert drive.deliver(mine[0]), drive.logs.getvalue()
        yield


def projection(drive: Drive, tenant: str) -> str:
    """Everything stored, sent and told for one company."""
    rows = [
        row
        for role in ROLES
        for row in drive.rows(role)
        if row["pk"].startswith(f"pen#T#{tenant}#") and role != "secrets"
    ]
    events = [event for event in drive.events if event["tenant_id"] == tenant]
    work = [dict(work.body) for work in drive.received if work.body["tenant_id"] == tenant]
    effects = [
        vars_of
        for effect in drive.insurers.effects
        if (vars_of := repr(effect)) and f"NO-{tenant}" in vars_of
    ]
    everything = [rows, events, work, effects]
    return json.dumps(everything, sort_keys=True, ensure_ascii=False, default=str)


def run(drive: Drive, turns: list[bool]) -> None:
    """Both companies at once; ``turns`` says whose step is next while both have one."""
    scripts = {tenant: working(drive, tenant) for tenant in (TENANT, OTHER)}
    choices = iter(turns)
    while scripts:
        names = list(scripts)
        tenant = names[next(choices, False)] if len(names) > 1 else names[0]
        drive.ids.space = SPACE[tenant]
        if next(scripts[tenant], "over") == "over":
            del scripts[tenant]
    drive.ids.space = 0


def alone(drive: Drive, tenant: str) -> str:
    """What one company's world is without the other."""
    drive.ids.space = SPACE[tenant]
    for _ in working(drive, tenant):
        pass
    drive.ids.space = 0
    return projection(drive, tenant)


def test_one_company_never_changes_the_world_of_another(identity_scanner: Scanner) -> None:
    words = {tenant: identity_scanner.canary(tenant) for tenant in (TENANT, OTHER)}
    with driving() as drive:
        drive.tenants = (TENANT, OTHER)
        empty: Snapshot = drive.snapshot()
        expected = {}
        for tenant in words:
            drive.restore(empty)
            expected[tenant] = alone(drive, tenant)

        @settings(
            max_examples=12,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(st.booleans(), min_size=20, max_size=40))
        def interleaved(turns: list[bool]) -> None:
            drive.restore(empty)
            run(drive, turns)
            for tenant, word in words.items():
                seen = projection(drive, tenant)
                assert seen == expected[tenant]
                assert word in seen
                strangers = [*identity_scanner.strangers_in(seen, tenant)]
                assert not strangers
            for word in words.values():
                assert word not in drive.logs.getvalue()
            assert settled(drive) == []

        interleaved()
