"""News of other contexts, incidents, jobs, timelines, uploads, audit."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from kernel.errors import ConflictError, NotFoundError, ValidationError
from kernel.events import Event
from kernel.money import Money
from tests.support.fakes.workspace_services import FakeUploads
from tests.unit.workspace.conftest import Desk
from workspace.application.start_upload import StartUpload
from workspace.application.verify_audit import VerifyAudit
from workspace.domain.incident import IncidentState
from workspace.domain.message import MessageKind
from workspace.domain.subject import Subject
from workspace.domain.tenant import Tenant
from workspace.ports import JobView

CONTRACT = "01KT16JKM00000000000000777"


def _event(desk: Desk, tenant: Tenant, name: str, /, minutes: int = 0, **data: Any) -> Event:
    return Event(
        id=desk.state.ids.new(),
        type=f"pensions.{name}.v1",
        source="kopru.pensions",
        time=desk.clock.now() + timedelta(minutes=minutes),
        tenant_id=tenant.id,
        subject=f"contract:{CONTRACT}",
        data=data,
    )


# ---------------------------------------------------------------------------- news


def test_attention_is_raised_and_cleared(desk: Desk) -> None:
    tenant = desk.tenant()
    project = desk.app.project_event()
    raised = _event(
        desk,
        tenant,
        "AttentionRaised",
        key="gap:1",
        subject=f"contract:{CONTRACT}",
        code="gap",
        severity="high",
        money_minor=7400,
        currency="TRY",
        due_on="2026-06-02",
        count=2,
        contract_id=CONTRACT,
    )
    project(raised)
    today = desk.app.list_today()(desk.context(tenant))
    (row,) = today.deadlines
    assert row.amount == Money(7400, "TRY")
    assert row.due_on == date(2026, 6, 2)
    assert (row.count, row.contract_id) == (2, CONTRACT)
    project(_event(desk, tenant, "AttentionCleared", 1, key="gap:1"))
    assert desk.app.list_today()(desk.context(tenant)).deadlines == ()
    assert len(desk.app.list_events()(desk.context(tenant), limit=9, after=None).items) == 3


def test_an_event_counts_once_and_late_news_is_only_logged(desk: Desk) -> None:
    tenant = desk.tenant()
    project = desk.app.project_event()
    cleared = _event(desk, tenant, "AttentionCleared", 5, key="k")
    raised = _event(desk, tenant, "AttentionRaised", 1, key="k", code="c", severity="low")
    project(cleared)
    project(raised)
    project(raised)
    project(cleared)
    assert desk.app.list_today()(desk.context(tenant)).exceptions == ()
    logged = desk.app.list_events()(desk.context(tenant), limit=9, after=None).items
    assert [event.id for event in logged][:2] == [raised.id, cleared.id]


def test_an_incident_is_opened_once_with_its_facts(desk: Desk) -> None:
    tenant = desk.tenant()
    opened = _event(
        desk,
        tenant,
        "IncidentOpened",
        incident_id=CONTRACT,
        subject="transmission:01KT16JKM00000000000000001",
        code="unknown_status",
        actor="operator",
        count=3,
        contract_id=CONTRACT,
        word="E-500",
    )
    project = desk.app.project_event()
    project(opened)
    project(opened)
    project(replace(opened, id=desk.state.ids.new()))
    incident = desk.app.read_incident()(desk.context(tenant), CONTRACT)
    assert (incident.code, incident.count, incident.facts) == (
        "unknown_status",
        3,
        {"word": "E-500"},
    )
    assert incident.source == "pensions"


def test_refused_credentials_are_told_to_owners_and_accountants_in_their_language(
    desk: Desk,
) -> None:
    tenant = desk.tenant()
    desk.person(tenant, "owner", "o@ornek.example", "el")
    desk.person(tenant, "accountant", "a@ornek.example", "en")
    desk.person(tenant, "payroll", "p@ornek.example")
    told = _event(
        desk, tenant, "CredentialsRefused", contract_id=CONTRACT, provider_code="agesa", code="x"
    )
    project = desk.app.project_event()
    project(told)
    project(told)
    desk.run_mail()
    assert sorted((mail.to, mail.message.language) for mail in desk.mailer.sent) == [
        ("a@ornek.example", "en"),
        ("o@ornek.example", "el"),
    ]
    assert {mail.message.kind for mail in desk.mailer.sent} == {MessageKind.CREDENTIALS_REFUSED}
    assert {mail.link for mail in desk.mailer.sent} == {
        f"http://localhost:8000/pensions/contracts/{CONTRACT}"
    }


def test_an_unknown_event_is_logged_and_a_broken_one_refused(desk: Desk) -> None:
    tenant = desk.tenant()
    project = desk.app.project_event()
    project(_event(desk, tenant, "SomethingNew", x=1))
    assert len(desk.state.events) == 2
    for data in ({}, {"key": 5}, {"key": "k", "money_minor": "1"}, {"key": "k", "due_on": "x"}):
        with pytest.raises(ValidationError) as refused:
            project(_event(desk, tenant, "AttentionRaised", **data))
        assert refused.value.code == "event_data"
    assert len(desk.state.inbox) == 1
    nowhere = replace(tenant, id="01KT16JKM0ZZZZZZZZZZZZZZZZ")
    with pytest.raises(NotFoundError):
        project(_event(desk, nowhere, "AttentionRaised", key="k"))


# ---------------------------------------------------------------------------- incidents


def _opened(desk: Desk, tenant: Tenant) -> str:
    identity = desk.state.ids.new()
    desk.app.project_event()(
        _event(
            desk,
            tenant,
            "IncidentOpened",
            incident_id=identity,
            subject=f"contract:{CONTRACT}",
            code="system",
        )
    )
    return identity


def test_resolving_tells_the_owner_of_the_item(desk: Desk) -> None:
    tenant = desk.tenant()
    identity = _opened(desk, tenant)
    resolve = desk.app.resolve_incident()
    done = resolve(desk.context(tenant, "user:o"), identity, " Sigortacı düzeltti. ")
    assert (done.state, done.note, done.resolved_by) == (
        IncidentState.RESOLVED,
        "Sigortacı düzeltti.",
        "user:o",
    )
    event = desk.state.published[-1]
    assert event.type == "workspace.IncidentResolved.v1"
    assert event.data == {
        "incident_id": identity,
        "subject": f"contract:{CONTRACT}",
        "code": "system",
        "note": "Sigortacı düzeltti.",
    }
    with pytest.raises(ConflictError, match="incident_resolved"):
        resolve(desk.context(tenant), identity, "yine")
    with pytest.raises(ValidationError):
        resolve(desk.context(tenant), identity, "")


def test_the_operator_finds_open_incidents_of_all_companies(desk: Desk) -> None:
    tenants = [desk.tenant(), desk.tenant()]
    identities = [_opened(desk, tenant) for tenant in tenants]
    page = desk.app.list_open_incidents()(limit=9, after=None)
    assert [item.id for item in page.items] == identities
    assert desk.app.locate_incident()(identities[1]) == tenants[1].id
    with pytest.raises(NotFoundError):
        desk.app.locate_incident()(CONTRACT)
    foreign = desk.context(tenants[0])
    with pytest.raises(NotFoundError):
        desk.app.read_incident()(foreign, identities[1])
    with pytest.raises(NotFoundError):
        desk.app.resolve_incident()(foreign, identities[1], "benim değil")


# ---------------------------------------------------------------------------- jobs and more


def _job(desk: Desk, tenant: Tenant, **changes: Any) -> JobView:
    job = JobView(
        id=desk.state.ids.new(),
        kind="employees_import",
        status="running",
        total=10,
        done=4,
        failed=1,
        created_at="2026-06-01T09:00:00.000Z",
        finished_at=None,
        subject=f"contract:{CONTRACT}",
        result={},
        problems=(),
        cancellable=True,
    )
    job = replace(job, **changes)
    desk.state.jobs[tenant.id, job.id] = job
    return job


def test_jobs_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    tenant = desk.tenant()
    jobs = [_job(desk, tenant) for _ in range(3)]
    listing = desk.app.list_jobs()
    first = listing(desk.context(tenant), limit=2, before=None)
    assert first.next is not None
    rest = listing(desk.context(tenant), limit=2, before=str(first.next["before"]))
    assert [*first.items, *rest.items] == jobs[::-1]
    assert rest.next is None


def test_only_an_owner_that_listens_is_asked_to_stop(desk: Desk) -> None:
    tenant, other = desk.tenant(), desk.tenant()
    cancel = desk.app.cancel_job()
    job = _job(desk, tenant)
    assert cancel(desk.context(tenant), job.id) == job
    event = desk.state.published[-1]
    assert event.type == "workspace.JobCancelRequested.v1"
    assert event.data == {"job_id": job.id, "kind": job.kind, "subject": job.subject}
    before = len(desk.state.published)
    for changes, code in (
        ({"cancellable": False}, "job_not_cancellable"),
        ({"status": "succeeded"}, "job_finished"),
    ):
        with pytest.raises(ConflictError, match=code):
            cancel(desk.context(tenant), _job(desk, tenant, **changes).id)
    with pytest.raises(NotFoundError):
        cancel(desk.context(other), job.id)
    assert len(desk.state.published) == before


def test_a_timeline_without_history_does_not_exist(desk: Desk) -> None:
    tenant, other = desk.tenant(), desk.tenant()
    subject = Subject("tenant", tenant.id)
    read = desk.app.read_timeline()
    page = read(desk.context(tenant), subject, limit=9, after=None)
    assert [entry.action for entry in page.items] == ["tenant.created"]
    with pytest.raises(NotFoundError):
        read(desk.context(other), subject, limit=9, after=None)


def test_an_upload_ticket_is_for_exactly_one_file(desk: Desk) -> None:
    uploads = FakeUploads()
    start = StartUpload(uploads, desk.state.ids)
    tenant = desk.tenant()
    ticket = start(desk.context(tenant), filename="bordro.csv", content_type="text/csv", size=10)
    assert uploads.asked == [{"tenant_id": tenant.id, "filename": "bordro.csv", "size": 10}]
    assert ticket.upload_id
    with pytest.raises(ValidationError):
        start(desk.context(tenant), filename="x.exe", content_type="application/x-msdos", size=1)
    assert len(uploads.asked) == 1


def test_an_audit_run_goes_on_where_it_stopped_and_names_a_fault(desk: Desk) -> None:
    tenant = desk.tenant()
    for number in range(3):
        desk.invite(tenant, f"p{number}@ornek.example")
    chains = {key: rows for key, rows in desk.state.chain_rows.items() if key[0] == tenant.id}
    for rows in chains.values():
        previous = "0" * 64
        for row in rows:
            row.update(prev_hash=previous, hash=f"h{row['seq']}")  # type: ignore[attr-defined]
            previous = f"h{row['seq']}"
    verify = VerifyAudit(desk.app.store, lambda row: f"h{row['seq']}")
    report, after = verify(desk.context(tenant), limit=4)
    assert (report.entities, report.fault, report.complete) == (4, None, False)
    rest, end = verify(desk.context(tenant), limit=4, after=after)
    assert (rest.entities, rest.complete, end) == (len(chains) - 4, True, None)
    victim = sorted(chains)[2]
    chains[victim][0]["hash"] = "forged"  # type: ignore[index]
    broken, nowhere = verify(desk.context(tenant))
    assert broken.fault is not None
    assert (broken.fault.entity, broken.fault.sequence) == (victim[1], 1)
    assert nowhere is None
