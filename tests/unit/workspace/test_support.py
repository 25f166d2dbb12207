"""Support access: a reason, a second person, some hours, reading only, everything written down."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from html import unescape

import pytest

from kernel.errors import ConflictError, ForbiddenError, NotFoundError, ValidationError
from kernel.ids import is_id
from kernel.sensitive import Email, Secret
from tests.unit.workspace.conftest import PASSWORD, Desk
from toolkit.auth import ROLE_PERMISSIONS, SUPPORT, Principal
from webkit.render import Renderer
from workspace.adapters.ses_mailer import SesMailer
from workspace.application.entrance import SignedIn
from workspace.bootstrap import PAGES
from workspace.domain.message import MessageKind, MessageState
from workspace.domain.support import GrantState, Phase, SupportGrant, looked_at
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import Person

ACT = "GET /people"
VISIT = "support:visit:read"


@dataclass
class Help:
    """Two operators, a company with an owner, and the first operator's session."""

    desk: Desk
    tenant: Tenant
    owner: Person
    asker: Person
    second: Person
    token: Secret

    def ask(self, hours: int = 2, reason: str = "Tahsilat gelmiyor, bakıyorum") -> SupportGrant:
        """The first operator asks."""
        return self.desk.app.ask_for_support()(
            self.asker.id, self.tenant.id, reason=reason, hours=hours, correlation_id="corr"
        )

    def approve(self, grant: SupportGrant, by: Person) -> SupportGrant:
        """Somebody approves."""
        context = self.desk.context(self.tenant, f"user:{by.id}")
        return self.desk.app.decide_support().approve(context, grant.id, by.id)

    def granted(self, hours: int = 2) -> SupportGrant:
        """A grant in force."""
        return self.approve(self.ask(hours), self.second)

    def look(self, wish: str | None = None, act: str = ACT) -> Principal:
        """What the authorizer makes of the first operator's request."""
        made = self.desk.app.identify_session()(self.token, wish or self.tenant.id, act)
        assert made is not None
        return made

    def timeline(self, grant: SupportGrant) -> list[str]:
        """What the company finds about a grant."""
        rows = self.desk.state.history[self.tenant.id, f"support_grant:{grant.id}"]
        return [row.action for row in rows]


def _operator(desk: Desk, email: str) -> Person:
    return desk.app.install_operator()(
        email=Email(email), name="Destek Kişi", language="tr", password=PASSWORD
    )


@pytest.fixture
def help_(desk: Desk) -> Help:
    """Nobody has asked for anything yet."""
    tenant = desk.tenant()
    owner = desk.person(tenant)
    asker, second = _operator(desk, "bir@op.example"), _operator(desk, "iki@op.example")
    done = desk.app.sign_in()("bir@op.example", PASSWORD, source_ip="ip", user_agent="Firefox/1")
    assert isinstance(done, SignedIn)
    return Help(desk, tenant, owner, asker, second, done.token)


def _sees_nothing(help_: Help) -> None:
    principal = help_.look()
    assert (principal.tenant_id, principal.roles) == ("", ("operator",))
    assert not principal.may("pensions:employee:read")


# ---------------------------------------------------------------------------- asking, deciding


def test_without_a_grant_an_operator_sees_nothing(help_: Help) -> None:
    _sees_nothing(help_)
    help_.ask()
    _sees_nothing(help_)


@pytest.mark.parametrize("by", ["second", "owner"])
def test_a_second_operator_or_the_owner_lets_in(help_: Help, by: str) -> None:
    grant = help_.ask()
    done = help_.approve(grant, getattr(help_, by))
    assert done.until == help_.desk.clock.now() + timedelta(hours=2)
    principal = help_.look()
    assert (principal.tenant_id, principal.roles) == (help_.tenant.id, (SUPPORT,))


def test_who_asks_does_not_decide(help_: Help) -> None:
    grant = help_.ask()
    decide = help_.desk.app.decide_support()
    context = help_.desk.context(help_.tenant)
    for act in (decide.approve, decide.refuse):
        with pytest.raises(ForbiddenError, match="Somebody else"):
            act(context, grant.id, help_.asker.id)
    _sees_nothing(help_)


@pytest.mark.parametrize("hours", [-1, 0, 9, 10_000])
def test_hours_are_few(help_: Help, hours: int) -> None:
    with pytest.raises(ValidationError) as refused:
        help_.ask(hours)
    assert [(each.pointer, each.code) for each in refused.value.problems] == [
        ("/hours", "support_hours")
    ]
    assert not help_.desk.state.grants


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "Ayşe 10000000146 için", "a\u200bb"])
def test_a_reason_is_given_and_names_nobody(help_: Help, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        help_.ask(reason=reason)
    assert refused.value.problems[0].pointer == "/reason"


def test_only_an_active_company_is_asked_for(help_: Help) -> None:
    desk = help_.desk
    closed = replace(desk.state.tenants[help_.tenant.id], state=TenantState.SUSPENDED)
    grant = help_.granted()
    desk.state.tenants[help_.tenant.id] = closed
    with pytest.raises(NotFoundError):
        help_.ask()
    with pytest.raises(NotFoundError):
        desk.app.ask_for_support()(
            help_.asker.id, "x", reason="Bakıyorum", hours=1, correlation_id="c"
        )
    _sees_nothing(help_)
    assert "support_grant.used" not in help_.timeline(grant)


def test_it_is_decided_once_and_within_a_day(help_: Help) -> None:
    decide, context = help_.desk.app.decide_support(), help_.desk.context(help_.tenant)
    grant = help_.ask()
    refused = decide.refuse(context, grant.id, help_.owner.id)
    assert refused.state is GrantState.REFUSED
    for act in (decide.approve, decide.refuse):
        with pytest.raises(ConflictError, match="decided"):
            act(context, grant.id, help_.second.id)
    with pytest.raises(ConflictError, match="over"):
        decide.revoke(context, grant.id, help_.owner.id)
    _sees_nothing(help_)
    late = help_.ask()
    help_.desk.later(hours=24)
    with pytest.raises(ConflictError):
        decide.approve(context, late.id, help_.second.id)
    assert late.phase(help_.desk.clock.now()) is Phase.LAPSED


# ---------------------------------------------------------------------------- how it ends


def test_it_ends_by_itself_to_the_instant(help_: Help) -> None:
    grant = help_.granted(hours=8)
    now = help_.desk.clock.now()
    assert grant.until is not None
    assert grant.lets_in(help_.asker.id, grant.until - timedelta(microseconds=1))
    assert not grant.lets_in(help_.asker.id, grant.until)
    assert grant.phase(now) is Phase.GRANTED
    for _ in range(24):
        # A session that is used stays alive; what it opens does not.
        assert help_.look().tenant_id == help_.tenant.id
        help_.desk.later(minutes=20)
    _sees_nothing(help_)
    assert grant.phase(help_.desk.clock.now()) is Phase.ENDED
    with pytest.raises(ConflictError):
        help_.approve(grant, help_.second)


@pytest.mark.parametrize("by", ["owner", "second", "asker"])
def test_anybody_ends_it_at_once(help_: Help, by: str) -> None:
    grant = help_.granted()
    assert help_.look().roles == (SUPPORT,)
    context = help_.desk.context(help_.tenant)
    help_.desk.app.decide_support().revoke(context, grant.id, getattr(help_, by).id)
    _sees_nothing(help_)
    with pytest.raises(ConflictError):
        help_.approve(grant, help_.second)


def test_a_new_grant_takes_the_place_of_an_old_one(help_: Help) -> None:
    help_.granted(hours=1)
    help_.desk.later(hours=2)
    done = help_.desk.app.sign_in()("bir@op.example", PASSWORD, source_ip="ip", user_agent="")
    assert isinstance(done, SignedIn)
    help_.token = done.token
    _sees_nothing(help_)
    help_.granted(hours=1)
    assert help_.look().roles == (SUPPORT,)


def test_who_is_no_operator_any_more_is_not_let_in(help_: Help) -> None:
    help_.granted()
    state = help_.desk.state
    state.persons[help_.asker.id] = replace(state.persons[help_.asker.id], operator=False)
    principal = help_.look()
    assert (principal.tenant_id, principal.roles) == ("", ())


def test_a_grant_opens_one_company_for_one_operator(help_: Help) -> None:
    grant = help_.granted()
    other = help_.desk.tenant("Başka Ltd")
    assert help_.look(other.id).tenant_id == ""
    done = help_.desk.app.sign_in()("iki@op.example", PASSWORD, source_ip="ip", user_agent="")
    assert isinstance(done, SignedIn)
    colleague = help_.desk.app.identify_session()(done.token, help_.tenant.id, ACT)
    assert colleague is not None
    assert colleague.tenant_id == ""
    assert "support_grant.used" not in help_.timeline(grant)


# ---------------------------------------------------------------------------- what it opens


def test_a_visit_reads_and_holds_no_other_right(help_: Help) -> None:
    help_.granted()
    principal = help_.look()
    held = principal.permissions()
    assert held == ROLE_PERMISSIONS["viewer"] | {"support:visit:read"}
    assert {each.rpartition(":")[2] for each in held} == {"read"}
    visiting = {
        role for role in ROLE_PERMISSIONS if Principal("session", "p", roles=(role,)).may(VISIT)
    }
    assert visiting == {SUPPORT}
    # Not even what an operator may do elsewhere.
    assert not principal.may("operator:incident:read")
    assert not principal.may("workspace:incident:resolve")
    assert not principal.may("workspace:privacy:export")


def test_every_look_is_written_down_for_the_company(help_: Help) -> None:
    grant = help_.granted()
    help_.look(act="GET /people")
    help_.look(act="POST /people/new")
    assert help_.timeline(grant) == [
        "support_grant.requested",
        "support_grant.approved",
        "support_grant.used",
        "support_grant.used",
    ]
    assert help_.desk.state.grants[help_.tenant.id, grant.id].uses == 2


def test_a_visit_is_one_s_own(help_: Help) -> None:
    grant = help_.granted()
    visit, store = help_.desk.app.visit_company(), help_.desk.state.sessions
    (session,) = (each for each in store.values() if each.person_id == help_.asker.id)
    with pytest.raises(NotFoundError):
        visit.enter(help_.second.id, session.digest, grant.id, help_.tenant.id)
    visit.enter(help_.asker.id, session.digest, grant.id, help_.tenant.id)
    assert store[session.digest].tenant_id == help_.tenant.id
    visit.leave(session.digest)
    assert store[session.digest].tenant_id == ""
    help_.desk.later(hours=3)
    with pytest.raises(NotFoundError):
        visit.enter(help_.asker.id, session.digest, grant.id, help_.tenant.id)


ID = "01KT16JKM00000000000000001"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "GET /"),
        ("/pensions/contracts", "GET /pensions/contracts"),
        (f"/v1/users/{ID}", f"GET /v1/users/{ID}"),
        ("/people/Ayşe Yılmaz", "GET /people/…"),
        ("/x/10000000146", "GET /x/…"),
        ("/x/TR330006100519786457841326", "GET /x/…"),
        ("/x/ayse@ornek.example", "GET /x/…"),
        ("/" + "a/" * 40, "GET /" + "/".join("a" * 12)),
        ("/" + "a" * 60, "GET /…"),
    ],
)
def test_what_was_typed_into_an_address_is_not_written_down(path: str, shown: str) -> None:
    assert looked_at(f"GET {path}") == shown
    assert is_id(ID)
    assert looked_at("G3T /") == "… /"


# ---------------------------------------------------------------------------- who is told


def _told(help_: Help) -> list[str]:
    """What the owner finds among the tasks of Today."""
    today = help_.desk.app.list_today()(help_.desk.context(help_.tenant))
    return [row.code for row in today.tasks_for(f"user:{help_.owner.id}", ("owner",))]


def _mails(help_: Help) -> list[tuple[str, str]]:
    """Reader and reason of every mail about support."""
    return [
        (each.person_id, each.params["why"])
        for each in help_.desk.state.messages.values()
        if each.kind is MessageKind.SUPPORT_ACCESS
    ]


def test_the_owners_are_told_that_somebody_asks_and_nobody_else(help_: Help) -> None:
    viewer = help_.desk.person(help_.tenant, "viewer")
    second = help_.desk.person(help_.tenant, "owner", email="iki@ornek.example", language="el")
    help_.ask()
    assert sorted(_mails(help_)) == sorted(
        (each.id, "support_requested") for each in (help_.owner, second)
    )
    assert _told(help_) == ["support_requested"]
    today = help_.desk.app.list_today()(help_.desk.context(help_.tenant))
    assert today.tasks_for(f"user:{viewer.id}", ("viewer",)) == ()
    assert (today.exceptions, today.deadlines) == ((), ())
    (task,) = today.tasks
    assert task.due_on == date(2026, 6, 2)


@pytest.mark.parametrize("act", ["refuse", "revoke"])
def test_what_is_decided_or_withdrawn_waits_no_longer(help_: Help, act: str) -> None:
    grant = help_.ask()
    context = help_.desk.context(help_.tenant)
    by = help_.owner if act == "refuse" else help_.asker
    getattr(help_.desk.app.decide_support(), act)(context, grant.id, by.id)
    assert _told(help_) == []
    help_.desk.run_mail()
    assert help_.desk.mailer.sent == []
    assert help_.desk.message().state is MessageState.WITHDRAWN


def test_a_request_that_got_too_old_waits_no_longer(help_: Help) -> None:
    help_.ask()
    help_.desk.later(hours=24, seconds=-1)
    assert _told(help_) == ["support_requested"]
    help_.desk.later(seconds=1)
    assert _told(help_) == []
    help_.desk.run_mail()
    assert help_.desk.mailer.sent == []


@pytest.mark.parametrize("end", ["time", "owner", "asker"])
def test_a_visit_stands_on_today_until_it_ends(help_: Help, end: str) -> None:
    grant = help_.granted(hours=2)
    assert _told(help_) == ["support_in_force"]
    if end == "time":
        help_.desk.later(hours=2, seconds=-1)
        assert _told(help_) == ["support_in_force"]
        help_.desk.later(seconds=1)
    else:
        by, context = getattr(help_, end), help_.desk.context(help_.tenant)
        help_.desk.app.decide_support().revoke(context, grant.id, by.id)
    assert _told(help_) == []


def test_owners_are_told_of_what_a_second_operator_approved_not_of_their_own_word(
    help_: Help,
) -> None:
    help_.approve(help_.ask(), help_.owner)
    assert [why for _, why in _mails(help_)] == ["support_requested"]
    help_.granted()
    assert _mails(help_)[-1] == (help_.owner.id, "support_in_force")
    help_.desk.run_mail()
    # The two wishes were decided before their mails left: only what holds now is said.
    assert len(help_.desk.mailer.sent) == 1


def test_the_mail_leads_its_reader_to_what_is_asked_while_it_is_asked(help_: Help) -> None:
    desk = help_.desk
    grant = help_.ask()
    desk.run_mail()
    (sent,) = desk.mailer.sent
    assert sent.link.startswith("http://localhost:8000/task-links/")
    view = desk.app.show_task_link()(desk.token())
    assert (view.task.subject, view.company) == (f"support_grant:{grant.id}", help_.tenant.name)
    help_.approve(grant, help_.second)
    with pytest.raises(NotFoundError, match="link"):
        desk.app.show_task_link()(desk.token())


@pytest.mark.parametrize("language", ["tr", "el", "en"])
@pytest.mark.parametrize("why", ["support_requested", "support_in_force"])
def test_the_mail_says_for_how_long_and_nothing_of_the_reason(
    help_: Help, language: str, why: str
) -> None:
    grant = help_.ask(hours=2)
    if why == "support_in_force":
        help_.approve(grant, help_.second)
    message = replace(help_.desk.message(), language=language)
    assert message.params["why"] == why
    mailer = SesMailer(None, Renderer.for_pages(PAGES))  # type: ignore[arg-type]
    link = "https://kopru.example/task-links/x"
    mail = mailer.write(message, name="Deniz", company=help_.tenant.name, link=link)
    words = Renderer.for_pages(PAGES).language(language)
    ends_at = grant.requested_at + timedelta(hours=24 if why == "support_requested" else 2)
    for text in (mail.text, unescape(mail.html)):
        assert link in text
        assert help_.tenant.name in text
        assert words.formats.instant(ends_at, help_.tenant.zone) in text
        assert grant.reason not in text
    assert help_.tenant.name in mail.subject
    assert "%(" not in mail.subject + mail.text
