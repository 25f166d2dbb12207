"""Mails about tasks: who gets one, in which language, and what its link can do."""

from dataclasses import replace
from typing import Any

import pytest

from kernel.errors import ForbiddenError, NotFoundError
from kernel.events import Event
from kernel.parsing import format_instant
from tests.unit.workspace.conftest import PASSWORD, Desk
from webkit.render import Renderer
from workspace.adapters.ses_mailer import SesMailer
from workspace.application.entrance import StepNeeded
from workspace.application.telling import MAX_RECIPIENTS
from workspace.bootstrap import PAGES
from workspace.domain.message import MessageKind, MessageState
from workspace.domain.tenant import Tenant
from workspace.domain.user import Person

APPROVAL = "01JXQ60A1B2C3D4E5F6G7H8J9P"
TASK = f"approval:{APPROVAL}-0-1"


def _raised(desk: Desk, tenant: Tenant, why: str = "opened", **more: Any) -> None:
    mail = {"why": why, "to": more.pop("to", ["role:accountant"]), "not_to": more.pop("not_to", [])}
    data = {
        "key": TASK,
        "subject": f"approval:{APPROVAL}",
        "code": "approval_waiting",
        "severity": "medium",
        "kind": "purchase",
        "due_on": "2026-06-03",
        "candidates": ["role:accountant"],
        "money_minor": 150000,
        "currency": "TRY",
        "mail": mail,
    }
    _happens(desk, tenant, "workflow.AttentionRaised.v1", data)


def _happens(desk: Desk, tenant: Tenant, kind: str, data: dict[str, Any]) -> None:
    desk.later(seconds=1)
    event = {
        "id": desk.app.platform.ids.new(),
        "type": kind,
        "source": "kopru.workflow",
        "time": format_instant(desk.clock.now()),
        "tenant_id": tenant.id,
        "subject": f"approval:{APPROVAL}",
        "data": data,
    }
    desk.app.project_event()(Event.from_dict(event))


def _decided(desk: Desk, tenant: Tenant) -> None:
    data = {"key": TASK, "subject": f"approval:{APPROVAL}"}
    _happens(desk, tenant, "workflow.AttentionCleared.v1", data)


@pytest.fixture
def office(desk: Desk) -> tuple[Desk, Tenant, Person]:
    """A company with an owner who asks and an accountant, reading Greek, who decides."""
    tenant = desk.tenant()
    desk.person(tenant)
    accountant = desk.person(tenant, "accountant", language="el")
    desk.state.orders.clear()
    return desk, tenant, accountant


def _readers(desk: Desk) -> list[str]:
    return sorted(
        each.person_id for each in desk.state.messages.values() if each.kind is MessageKind.TASK
    )


def test_everybody_who_is_asked_gets_a_mail_in_the_own_language(
    office: tuple[Desk, Tenant, Person],
) -> None:
    desk, tenant, accountant = office
    _raised(desk, tenant)
    desk.run_mail()
    assert _readers(desk) == [accountant.id]
    (sent,) = desk.mailer.sent
    assert sent.link.startswith("http://localhost:8000/task-links/")
    assert desk.message().state is MessageState.SENT
    assert desk.message().language == "el"


def test_who_asked_or_has_left_gets_none(office: tuple[Desk, Tenant, Person]) -> None:
    desk, tenant, accountant = office
    _raised(desk, tenant, not_to=[f"user:{accountant.id}"])
    _raised(desk, tenant, to=["user:01JXQ60A1B2C3D4E5F6G7H8J9Z", "role:payroll"])
    assert _readers(desk) == []
    _raised(desk, tenant, "given", to=[f"user:{accountant.id}"])
    assert _readers(desk) == [accountant.id]


def test_overtaken_news_sends_nothing(office: tuple[Desk, Tenant, Person]) -> None:
    desk, tenant, _ = office
    early = desk.clock.now()
    _decided(desk, tenant)
    desk.clock.set(early)
    desk.later(seconds=-30)
    _raised(desk, tenant)
    assert _readers(desk) == []


def test_a_mail_about_a_decided_task_does_not_leave(office: tuple[Desk, Tenant, Person]) -> None:
    desk, tenant, _ = office
    _raised(desk, tenant)
    _decided(desk, tenant)
    desk.run_mail()
    assert desk.mailer.sent == []
    assert (desk.message().state, desk.message().code) == (MessageState.WITHDRAWN, "task_closed")


def test_one_transaction_tells_at_most_twenty(office: tuple[Desk, Tenant, Person]) -> None:
    desk, tenant, _ = office
    for number in range(MAX_RECIPIENTS + 3):
        desk.person(tenant, "payroll", email=f"p{number}@ornek.example")
    _raised(desk, tenant, to=["role:payroll"])
    assert len(_readers(desk)) == MAX_RECIPIENTS


# ---------------------------------------------------------------------------- the link


def test_opening_a_link_a_hundred_times_changes_nothing(
    office: tuple[Desk, Tenant, Person],
) -> None:
    desk, tenant, accountant = office
    _raised(desk, tenant)
    desk.run_mail()
    before = dict(desk.state.links)
    for _ in range(100):
        view = desk.app.show_task_link()(desk.token())
    assert desk.state.links == before
    assert view.company == tenant.name
    assert view.task.subject == f"approval:{APPROVAL}"
    assert view.link.person_id == accountant.id


def test_a_link_is_used_once_by_its_reader(office: tuple[Desk, Tenant, Person]) -> None:
    desk, tenant, accountant = office
    _raised(desk, tenant)
    desk.run_mail()
    session = _session(desk, accountant)
    follow = desk.app.follow_task_link()
    with pytest.raises(ForbiddenError):
        follow(desk.token(), "somebody-else", session)
    view = follow(desk.token(), accountant.id, session)
    assert desk.state.sessions[session].tenant_id == tenant.id
    assert view.task.subject.endswith(APPROVAL)
    with pytest.raises(NotFoundError):
        follow(desk.token(), accountant.id, session)


@pytest.mark.parametrize("end", ["decided", "old", "mandate", "purpose"])
def test_a_link_ends(office: tuple[Desk, Tenant, Person], end: str) -> None:
    desk, tenant, accountant = office
    _raised(desk, tenant)
    desk.run_mail()
    token = desk.token()
    if end == "decided":
        _decided(desk, tenant)
    elif end == "old":
        desk.later(days=14)
    elif end == "mandate":
        key = next(key for key in desk.state.memberships if key[1] == accountant.id)
        gone = replace(
            desk.state.memberships[key], until=desk.clock.now().date().replace(year=2020)
        )
        desk.state.memberships[key] = gone
    else:
        desk.invite(tenant)
        desk.run_mail()
        token = desk.token()
    with pytest.raises(NotFoundError) as caught:
        desk.app.show_task_link()(token)
    assert caught.value.code == "link_invalid"


def _session(desk: Desk, person: Person) -> str:
    signed = desk.app.sign_in()(
        person.email.reveal("test"), PASSWORD, source_ip="1.1.1.1", user_agent="t"
    )
    assert not isinstance(signed, StepNeeded)
    return str(signed.session.digest)


# ---------------------------------------------------------------------------- the words


@pytest.mark.parametrize("language", ["tr", "el", "en"])
@pytest.mark.parametrize("why", ["opened", "reminder", "escalated", "given", "question", "answer"])
def test_the_mail_says_what_how_much_and_until_when(
    office: tuple[Desk, Tenant, Person], language: str, why: str
) -> None:
    desk, tenant, _ = office
    _raised(desk, tenant, why)
    message = replace(desk.message(), language=language)
    mailer = SesMailer(None, Renderer.for_pages(PAGES))  # type: ignore[arg-type]
    link = "https://kopru.example/task-links/x"
    mail = mailer.write(message, name="Deniz", company=tenant.name, link=link)
    assert link in mail.text
    assert link in mail.html
    amount = {"tr": "1.500,00", "el": "1.500,00", "en": "1,500.00"}[language]
    assert amount in mail.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "%(" not in mail.subject
    assert "role:" not in mail.text
