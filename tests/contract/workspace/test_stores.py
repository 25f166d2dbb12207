"""ONE suite for the stores of the workspace: memory and DynamoDB answer the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from kernel.clock import FixedClock
from kernel.errors import NotFoundError, ValidationError
from kernel.events import Event
from kernel.ids import SequenceIds
from kernel.money import Money
from kernel.parsing import format_instant
from kernel.sensitive import Email
from kernel.storing import Remembered, WriteRefusedError
from tests.support.aws import START, AwsWorld
from tests.support.fakes.workspace import MemorySystemStore
from tests.support.fakes.workspace_unit import MemoryState
from toolkit.auth import TenantContext
from toolkit.http.idempotency import Command
from toolkit.platform import Platform
from workspace.adapters.dynamodb_unit import Workshop
from workspace.adapters.dynamodb_workspace import DynamoSystemStore
from workspace.domain.api_key import ApiKey, ApiKeyState
from workspace.domain.attention import Attention
from workspace.domain.incident import Incident, IncidentState, resolve
from workspace.domain.link import LinkPurpose, new_link
from workspace.domain.message import Message, MessageKind, MessageState, claimed, handed_over
from workspace.domain.saved_view import SavedView
from workspace.domain.second_factor import SignInStep, StepMethod, confirmed, started
from workspace.domain.session import Session
from workspace.domain.signup import Signup, SignupState, rejected
from workspace.domain.support import SupportGrant, approved
from workspace.domain.tenant import Tenant
from workspace.domain.user import Company, Membership, MembershipState, Person, PersonState
from workspace.ports import KeyOwner, SystemStore, WorkspaceUnit

EMAIL = Email("Ayse.Demir@ornek.example")


@dataclass
class Stores:
    """A store with its clock and ids, and how many mail orders it was given."""

    store: SystemStore
    clock: FixedClock
    ids: SequenceIds
    orders: Callable[[], list[dict[str, str]]]

    def tenant(self, name: str = "Örnek Ltd") -> Tenant:
        """A stored tenant."""
        tenant = Tenant(self.ids.new(), name)
        unit = self.store.unit("key:op").for_tenant(self.context(tenant.id))
        stored = unit.add_tenant(tenant)
        unit.commit()
        return stored

    def context(self, tenant_id: str, actor: str = "user:somebody") -> TenantContext:
        """Context of a tenant."""
        return TenantContext(tenant_id, actor, "corr")

    def person(self, email: Email = EMAIL) -> Person:
        """A stored person."""
        unit = self.store.unit("system:test")
        person = unit.add_person(Person(self.ids.new(), email, "Ayşe Demir"))
        unit.commit()
        return person

    def member(self, tenant: Tenant, person: Person, *roles: str) -> Membership:
        """A stored membership."""
        unit = self.store.company(self.context(tenant.id)).unit()
        member = unit.add_membership(
            Membership(person.id, person.email, person.name, roles or ("owner",)), "user.invited"
        )
        unit.commit()
        return member


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Both implementations, one after the other."""
    if request.param == "memory":
        clock, ids = FixedClock(START), SequenceIds(at=START)
        state = MemoryState(clock, ids)
        yield Stores(MemorySystemStore(state), clock, ids, lambda: state.orders)
        return
    aws: AwsWorld = request.getfixturevalue("aws")
    platform: Platform = request.getfixturevalue("platform")

    def orders() -> list[dict[str, str]]:
        bodies = aws.messages("workspace-send-mail", delete=False)
        return [{k: v for k, v in body.items() if k not in ("v", "hops")} for body in bodies]

    workshop = Workshop(
        platform.machinery,
        aws.queue_url("workspace-send-mail"),
        lambda email: email.reveal("test").lower().replace("@", "-"),
    )
    yield Stores(
        DynamoSystemStore(workshop),
        request.getfixturevalue("clock"),
        request.getfixturevalue("ids"),
        orders,
    )


# ---------------------------------------------------------------------------- companies


def test_a_tenant_is_read_as_it_was_written(stores: Stores) -> None:
    tenant = stores.tenant()
    read = stores.store.company(stores.context(tenant.id)).tenant()
    assert read == tenant
    assert read.stamp.version == 1
    assert read.stamp.created_at == "2026-06-01T09:00:00.000Z"


def test_tenants_are_listed_page_by_page(stores: Stores) -> None:
    made = [stores.tenant(f"Firma {number}") for number in range(3)]
    first = stores.store.tenants(limit=2, after=None)
    rest = stores.store.tenants(limit=2, after=first.next)
    assert [tenant.id for tenant in (*first.items, *rest.items)] == [each.id for each in made]
    assert rest.next is None
    assert set(stores.store.tenants_by_id([made[0].id, "01KT16JKM0ZZZZZZZZZZZZZZZZ"])) == {
        made[0].id
    }


def test_a_foreign_and_a_missing_item_are_the_same(stores: Stores) -> None:
    ours, theirs = stores.tenant(), stores.tenant()
    person = stores.person()
    stores.member(theirs, person)
    company = stores.store.company(stores.context(ours.id))
    for read in (company.membership, company.api_key, company.incident, company.message):
        with pytest.raises(NotFoundError, match="not_found"):
            read(person.id)
    assert list(company.memberships()) == []


def test_a_write_based_on_a_stale_read_is_refused(stores: Stores) -> None:
    tenant = stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    unit = company.unit()
    saved = unit.save_tenant(tenant, replace(tenant, name="Yeni Ltd"), "tenant.changed")
    unit.commit()
    assert saved.stamp.version == 2
    late = company.unit()
    late.save_tenant(tenant, replace(tenant, name="Eski Ltd"), "tenant.changed")
    with pytest.raises(WriteRefusedError) as refused:
        late.commit()
    assert refused.value.refused(f"tenant:{tenant.id}")
    assert company.tenant().name == "Yeni Ltd"


def test_a_refused_unit_writes_nothing_at_all(stores: Stores) -> None:
    tenant = stores.tenant()
    person = stores.person()
    stores.member(tenant, person)
    company = stores.store.company(stores.context(tenant.id))
    unit = company.unit()
    unit.add_message(Message(stores.ids.new(), tenant.id, MessageKind.INVITATION, person.id, "tr"))
    unit.add_membership(Membership(person.id, person.email, "X Y", ("owner",)), "user.invited")
    with pytest.raises(WriteRefusedError):
        unit.commit()
    assert company.messages(limit=10, after=None).items == ()
    assert stores.orders() == []


# ---------------------------------------------------------------------------- people


def test_an_address_belongs_to_one_person_whatever_its_case(stores: Stores) -> None:
    person = stores.person()
    assert stores.store.person_of(Email("ayse.demir@ornek.example")) == person
    unit = stores.store.unit("system:test")
    unit.add_person(Person(stores.ids.new(), Email("AYSE.DEMIR@ornek.example"), "Baska Biri"))
    with pytest.raises(WriteRefusedError) as refused:
        unit.commit()
    assert refused.value.refused("unique:EMAIL")


def test_an_account_is_person_and_password(stores: Stores) -> None:
    assert stores.store.account(EMAIL) == type(stores.store.account(EMAIL))(None, None)
    person = stores.person()
    assert stores.store.account(EMAIL).password_hash is None
    unit = stores.store.unit("user:x")
    unit.set_password(person.id, "hash-1")
    unit.commit()
    again = stores.store.unit("user:x")
    again.set_password(person.id, "hash-2")
    after = again.save_person(
        person, replace(person, state=PersonState.ACTIVE, session_epoch=1), "person.password_reset"
    )
    again.commit()
    account = stores.store.account(EMAIL)
    assert account.person == after
    assert account.password_hash == "hash-2"
    assert stores.store.password_hash(person.id) == "hash-2"


def test_mandates_and_standing_are_read_now(stores: Stores) -> None:
    first, second = stores.tenant("Birinci"), stores.tenant("İkinci")
    person = stores.person()
    member = stores.member(first, person, "payroll")
    companies = (Company(first.id, first.name), Company(second.id, second.name))
    unit = stores.store.unit("user:x")
    person = unit.save_person(person, replace(person, companies=companies), "person.refreshed")
    unit.commit()
    assert stores.store.mandates_of(person) == [(first, member)]
    assert stores.store.standing(person.id, first.id) == (person, member, first)
    assert stores.store.standing(person.id, second.id) == (person, None, second)
    assert stores.store.standing(person.id, "") == (person, None, None)
    company = stores.store.company(stores.context(first.id))
    leaving = company.unit()
    leaving.save_membership(member, replace(member, state=MembershipState.REMOVED), "user.removed")
    leaving.commit()
    standing = stores.store.standing(person.id, first.id)[1]
    assert standing is not None
    assert standing.state is MembershipState.REMOVED


def test_the_last_sign_in_moves_without_a_version(stores: Stores) -> None:
    tenant, person = stores.tenant(), stores.person()
    member = stores.member(tenant, person)
    company = stores.store.company(stores.context(tenant.id))
    company.note_sign_in(person.id, "2026-06-01T10:00:00Z")
    company.note_sign_in("01KT16JKM0ZZZZZZZZZZZZZZZZ", "2026-06-01T10:00:00Z")
    assert company.membership(person.id) == replace(member, last_seen_at="2026-06-01T10:00:00Z")
    assert len(list(company.memberships())) == 1


# ---------------------------------------------------------------------------- sign-ups


def _signup(stores: Stores) -> Signup:
    signup = Signup(
        id=stores.ids.new(),
        company="Başvuran Ltd",
        tax_no="4540536920",
        name="Aday Kişi",
        email=EMAIL,
        language="tr",
        accountant_no="MHN12",
        numbers="numbers-1",
        national_id_masked="100******78",
        agreement="2026-11",
        agreement_language="tr",
        agreement_sha256="hash",
        accepted_at=stores.clock.now(),
        accepted_from="203.0.113.9",
    )
    unit = stores.store.unit("system:signup")
    made = unit.add_signup(signup)
    unit.commit()
    return made


def test_sign_ups_wait_first_and_are_decided_once(stores: Stores) -> None:
    first, second, third = (_signup(stores) for _ in range(3))
    assert stores.store.signup(first.id) == first
    unit = stores.store.unit("key:operator")
    done = unit.save_signup(third, rejected(third, "Hayır."), "signup.rejected")
    unit.commit()
    late = stores.store.unit("key:operator")
    late.save_signup(third, rejected(third, "Hayır."), "signup.rejected")
    with pytest.raises(WriteRefusedError):
        late.commit()
    page = stores.store.signups(None, limit=2, after=None)
    rest = stores.store.signups(None, limit=2, after=page.next)
    assert [*page.items, *rest.items] == [second, first, done]
    only = stores.store.signups(SignupState.REJECTED, limit=9, after=None)
    assert only.items == (done,)
    with pytest.raises(NotFoundError):
        stores.store.signup("01KT16JKM0ZZZZZZZZZZZZZZZZ")


def test_numbers_lead_to_one_account(stores: Stores) -> None:
    person = stores.person()
    assert stores.store.person_of_numbers("numbers-1") is None
    assert stores.store.account_of_numbers("numbers-1").person is None
    unit = stores.store.unit("key:operator")
    unit.reserve_numbers("numbers-1", person.id)
    unit.set_password(person.id, "hash-1")
    unit.commit()
    assert stores.store.person_of_numbers("numbers-1") == person
    account = stores.store.account_of_numbers("numbers-1")
    assert (account.person, account.password_hash) == (person, "hash-1")
    again = stores.store.unit("key:operator")
    again.reserve_numbers("numbers-1", "somebody-else")
    with pytest.raises(WriteRefusedError) as refused:
        again.commit()
    assert refused.value.refused("unique:NUMBERS")


def test_an_account_of_the_provider_leads_to_one_person(stores: Stores) -> None:
    person = stores.person()
    assert stores.store.person_of_subject("subject-1") is None
    unit = stores.store.unit(f"user:{person.id}")
    unit.link_subject("subject-1", person.id)
    unit.commit()
    assert stores.store.person_of_subject("subject-1") == person.id
    again = stores.store.unit("user:somebody-else")
    again.link_subject("subject-1", "somebody-else")
    with pytest.raises(WriteRefusedError) as refused:
        again.commit()
    assert refused.value.refused("subject")


# ---------------------------------------------------------------------------- links, sessions


def test_a_link_is_used_once(stores: Stores) -> None:
    link = new_link("d1", LinkPurpose.INVITATION, "p", "t", stores.clock.now())
    unit = stores.store.unit("system:mail")
    unit.add_link(link)
    unit.commit()
    assert stores.store.link("d1") == link
    assert stores.store.link("d2") is None
    use = stores.store.unit("user:p")
    use.use_link(link)
    use.commit()
    used = stores.store.link("d1")
    assert used is not None
    assert used.used
    again = stores.store.unit("user:p")
    again.use_link(link)
    with pytest.raises(WriteRefusedError) as refused:
        again.commit()
    assert refused.value.refused("link")


def test_sessions_open_move_and_close(stores: Stores) -> None:
    person = stores.person()
    now = stores.clock.now()
    session = Session("s1", person.id, 0, "t1", now, now, "Firefox")
    stores.store.open_session(session)
    assert stores.store.session("s1") == session
    later = now + timedelta(minutes=5)
    stores.store.touch_session("s1", later)
    stores.store.move_session("s1", tenant_id="t2", epoch=None)
    assert stores.store.session("s1") == replace(session, last_seen_at=later, tenant_id="t2")
    other = Session("s2", person.id, 0, "t1", later, later)
    stores.store.open_session(other)
    assert [each.digest for each in stores.store.sessions_of(person.id)] == ["s2", "s1"]
    stores.store.close_session(other)
    assert stores.store.session("s2") is None
    assert [each.digest for each in stores.store.sessions_of(person.id)] == ["s1"]
    stores.store.move_session("s1", tenant_id=None, epoch=7)
    assert stores.store.sessions_of(person.id) == []
    stores.store.touch_session("gone", later)
    assert stores.store.session("gone") is None


def test_a_step_is_finished_once_together_with_its_session(stores: Stores) -> None:
    person, now = stores.person(), stores.clock.now()
    ends = now + timedelta(minutes=10)
    step = SignInStep("step-1", person.id, 0, StepMethod.MAIL, ends)
    unit = stores.store.unit("user:p")
    unit.add_step(step)
    unit.add_step_code("step-1", "attempt-1", "code-1")
    unit.commit()
    more = stores.store.unit("system:mail")
    more.add_step_code("step-1", "attempt-2", "code-2")
    more.commit()
    assert stores.store.step("step-1") == step
    assert stores.store.step("step-2") is None
    assert stores.store.step_codes(step) == {"code-1", "code-2"}
    session = Session("s1", person.id, 0, "t1", now, now, second_factor=True)

    def finish(session: Session) -> None:
        done = stores.store.unit("user:p")
        done.use_step(step)
        done.add_session(session)
        done.commit()

    finish(session)
    assert stores.store.session("s1") == session
    with pytest.raises(WriteRefusedError) as refused:
        finish(replace(session, digest="s2"))
    assert refused.value.refused("step")
    assert stores.store.session("s2") is None
    later = now + timedelta(minutes=1)
    stores.store.move_session(
        "s1", tenant_id=None, epoch=None, second_factor=False, proved_at=later
    )
    assert stores.store.session("s1") == replace(session, second_factor=False, proved_at=later)


def test_a_device_is_known_until_its_end(stores: Stores) -> None:
    unit = stores.store.unit("user:p")
    unit.add_device("d1", "p", stores.clock.now() + timedelta(days=1))
    unit.commit()
    assert stores.store.device_owner("d1") == "p"
    assert stores.store.device_owner("d2") is None
    stores.clock.advance(timedelta(days=1))
    assert stores.store.device_owner("d1") is None


def test_a_second_factor_changes_from_what_was_read(stores: Stores) -> None:
    person = stores.person()
    assert stores.store.second_factor(person.id) is None
    first = started(None, b"sealed")
    unit = stores.store.unit("user:p")
    unit.save_second_factor(person.id, None, first)
    unit.commit()
    assert stores.store.second_factor(person.id) == first
    active = confirmed(first, 7, ("r1", "r2"), "2026-06-01T09:00:00Z")
    unit = stores.store.unit("user:p")
    unit.save_second_factor(person.id, first, active)
    unit.commit()
    assert stores.store.account(EMAIL).second_factor == active
    for stale in (None, first):
        late = stores.store.unit("user:p")
        late.save_second_factor(person.id, stale, active)
        with pytest.raises(WriteRefusedError) as refused:
            late.commit()
        assert refused.value.refused("second_factor")


def test_support_grants_belong_to_a_company_and_are_found_by_operators(stores: Stores) -> None:
    tenant, other = stores.tenant(), stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    stranger = stores.store.company(stores.context(other.id))
    now = stores.clock.now()
    first, second = (
        SupportGrant(stores.ids.new(), tenant.id, "operator", "Bakıyorum", 2, now) for _ in range(2)
    )
    for grant in (first, second):
        unit = company.unit()
        unit.add_support_grant(grant)
        unit.commit()
    assert company.support_of("operator") is None
    stored = company.support_grant(first.id)
    assert replace(stored, stamp=first.stamp) == first
    unit = company.unit()
    after = unit.save_support_grant(
        stored, approved(stored, "second", now), "support_grant.approved"
    )
    unit.commit()
    assert company.support_of("operator") == after == company.support_grant(first.id)
    assert company.support_of("somebody") is None
    assert stranger.support_of("operator") is None
    late = company.unit()
    late.save_support_grant(stored, replace(stored, uses=1), "support_grant.used", act="GET /")
    with pytest.raises(WriteRefusedError):
        late.commit()
    page = company.support_grants(limit=1, after=None)
    rest = company.support_grants(limit=9, after=page.next)
    assert [each.id for each in (*page.items, *rest.items)] == [second.id, first.id]
    assert stranger.support_grants(limit=9, after=None).items == ()
    with pytest.raises(NotFoundError):
        stranger.support_grant(first.id)
    newest = stores.store.support_grants(limit=1, after=None)
    older = stores.store.support_grants(limit=9, after=newest.next)
    both = (company.support_grant(second.id), company.support_grant(first.id))
    assert (*newest.items, *older.items) == both
    assert stores.store.tenant_of_support(first.id) == tenant.id
    assert stores.store.tenant_of_support(tenant.id) is None


def test_views_belong_to_a_company(stores: Stores) -> None:
    tenant, other = stores.tenant(), stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    unit = company.unit()
    view = unit.add_saved_view(SavedView(stores.ids.new(), "Bitmemiş", "/jobs?q=x", "p"))
    unit.commit()
    assert company.saved_view(view.id) == view
    assert list(company.saved_views()) == [view]
    stranger = stores.store.company(stores.context(other.id))
    assert list(stranger.saved_views()) == []
    with pytest.raises(NotFoundError):
        stranger.saved_view(view.id)
    unit = company.unit()
    gone = unit.save_saved_view(view, replace(view, state="removed"), "saved_view.removed")
    unit.commit()
    assert company.saved_view(view.id) == gone
    late = company.unit()
    late.save_saved_view(view, replace(view, state="removed"), "saved_view.removed")
    with pytest.raises(WriteRefusedError):
        late.commit()


def test_one_feed_of_a_person_counts(stores: Stores) -> None:
    person = stores.person()
    assert not stores.store.has_feed(person.id)
    for digest in ("feed-1", "feed-2"):
        unit = stores.store.unit("user:p")
        unit.set_feed(person.id, digest)
        unit.commit()
    assert stores.store.feed_owner("feed-1") is None
    assert stores.store.feed_owner("feed-2") == person.id
    assert stores.store.has_feed(person.id)
    unit = stores.store.unit("user:p")
    unit.set_feed(person.id, "")
    unit.commit()
    assert stores.store.feed_owner("feed-2") is None
    assert not stores.store.has_feed(person.id)


# ---------------------------------------------------------------------------- keys


@pytest.mark.parametrize("of_operator", [False, True])
def test_keys_are_found_by_their_hash(stores: Stores, of_operator: bool) -> None:
    tenant = stores.tenant()
    base = stores.store.unit("user:x")
    unit = base if of_operator else base.for_tenant(stores.context(tenant.id))
    key = unit.add_api_key(
        ApiKey(stores.ids.new(), "Bordro", "kopru_test_abcd", ("pensions:*:*",)), "digest-1"
    )
    unit.commit()
    owner = KeyOwner(None if of_operator else tenant.id, key.id)
    assert stores.store.key_owner("digest-1") == owner
    assert stores.store.key_owner("digest-2") is None
    assert stores.store.key_standing(owner) == (key, None if of_operator else tenant)
    stores.store.note_key_use(owner, "2026-06-01T10:00:00Z")
    used = stores.store.key_standing(owner)[0]
    assert used == replace(key, last_used_at="2026-06-01T10:00:00Z")
    mine = list(stores.store.company(stores.context(tenant.id)).api_keys())
    assert mine == ([] if of_operator else [used])


def test_a_revoked_key_says_so(stores: Stores) -> None:
    tenant = stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    unit = company.unit()
    key = unit.add_api_key(
        ApiKey(stores.ids.new(), "A", "h", ("pensions:*:*",), expires_on=date(2026, 7, 1)), "d"
    )
    unit.commit()
    revoke = company.unit()
    after = revoke.save_api_key(key, replace(key, state=ApiKeyState.REVOKED), "api_key.revoked")
    revoke.commit()
    assert company.api_key(key.id) == after
    assert after.stamp.version == 2


# ---------------------------------------------------------------------------- incidents


def _incident(stores: Stores, tenant: Tenant) -> Incident:
    return Incident(
        stores.ids.new(),
        tenant.id,
        "transmission:01KT16JKM00000000000000099",
        "unknown_status",
        count=3,
        contract_id="c1",
        source="pensions",
        facts={"word": "E-500", "lines": 2},
    )


def test_open_incidents_come_before_resolved_ones(stores: Stores) -> None:
    tenant, other = stores.tenant(), stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    made = []
    for owner in (tenant, tenant, tenant, other):
        unit = stores.store.company(stores.context(owner.id)).unit()
        made.append(unit.add_incident(_incident(stores, owner)))
        unit.commit()
    closing = company.unit()
    closed = closing.save_incident(
        made[2],
        resolve(made[2], "Düzeltildi.", "user:x", "2026-06-01T09:00:00Z"),
        "incident.resolved",
    )
    closing.commit()
    page = company.incidents(None, limit=2, after=None)
    rest = company.incidents(None, limit=2, after=page.next)
    assert [*page.items, *rest.items] == [made[1], made[0], closed]
    assert rest.next is None
    assert company.incidents(IncidentState.RESOLVED, limit=9, after=None).items == (closed,)
    assert company.incident(made[0].id) == made[0]
    everywhere = stores.store.open_incidents(limit=9, after=None)
    assert everywhere.items == tuple(
        (each.tenant_id, each.id) for each in (made[0], made[1], made[3])
    )
    assert stores.store.tenant_of_incident(made[3].id) == other.id
    assert stores.store.tenant_of_incident(tenant.id) is None


# ---------------------------------------------------------------------------- mail


@pytest.mark.parametrize("of_company", [True, False])
def test_a_mail_is_ordered_claimed_and_handed_over(stores: Stores, of_company: bool) -> None:
    tenant, person = stores.tenant(), stores.person()
    tenant_id = tenant.id if of_company else ""

    def unit() -> WorkspaceUnit:
        if of_company:
            return stores.store.company(stores.context(tenant.id)).unit()
        return stores.store.unit("system:mail")

    adding = unit()
    message = adding.add_message(
        Message(
            stores.ids.new(), tenant_id, MessageKind.INVITATION, person.id, "tr", params={"a": "b"}
        )
    )
    adding.commit()
    assert stores.orders() == [{"tenant_id": tenant_id, "message_id": message.id}]
    assert stores.store.message(tenant_id, message.id) == message
    lease = stores.clock.now() + timedelta(seconds=30)
    claiming = unit()
    mine = claiming.save_message(
        message, claimed(message, "att", person.email, "el", lease), "message.claimed"
    )
    claiming.commit()
    assert stores.store.message(tenant_id, message.id) == mine
    assert stores.store.due_messages(lease - timedelta(seconds=1), 100) == []
    assert stores.store.due_messages(lease, 100) == [(tenant_id, message.id)]
    assert stores.store.due_messages(lease, 100) == []
    done = unit()
    sent = done.save_message(
        mine, handed_over(mine, "ses-1", format_instant(lease)), "message.sent"
    )
    done.commit()
    assert stores.store.message(tenant_id, message.id) == sent
    assert stores.store.due_messages(lease + timedelta(days=9), 100) == []
    log = stores.store.company(stores.context(tenant.id)).messages(limit=5, after=None)
    assert log.items == ((sent,) if of_company else ())
    if of_company:
        assert stores.store.company(stores.context(tenant.id)).message(message.id) == sent


def test_a_forgotten_order_comes_due_after_two_minutes(stores: Stores) -> None:
    tenant, person = stores.tenant(), stores.person()
    unit = stores.store.company(stores.context(tenant.id)).unit()
    message = unit.add_message(
        Message(stores.ids.new(), tenant.id, MessageKind.INVITATION, person.id, "tr")
    )
    unit.commit()
    now = stores.clock.now()
    assert stores.store.due_messages(now + timedelta(seconds=119), 100) == []
    assert stores.store.due_messages(now + timedelta(seconds=121), 100) == [(tenant.id, message.id)]
    again = stores.store.company(stores.context(tenant.id)).unit()
    again.order_mail(message)
    again.commit()
    assert len(stores.orders()) == 2


def test_a_mail_given_up_is_not_due_any_more(stores: Stores) -> None:
    tenant, person = stores.tenant(), stores.person()
    unit = stores.store.company(stores.context(tenant.id)).unit()
    message = unit.add_message(
        Message(stores.ids.new(), tenant.id, MessageKind.INVITATION, person.id, "tr")
    )
    unit.commit()
    unit = stores.store.company(stores.context(tenant.id)).unit()
    unit.save_message(
        message, replace(message, state=MessageState.UNKNOWN, next_at=None), "message.given_up"
    )
    unit.commit()
    assert stores.store.due_messages(stores.clock.now() + timedelta(days=400), 100) == []


def test_a_suppressed_address_refuses_the_claim(stores: Stores) -> None:
    free = stores.store.unit("system:mail")
    free.require_not_suppressed(EMAIL)
    free.commit()
    blocking = stores.store.unit("system:mail")
    blocking.suppress(EMAIL, "bounced")
    blocking.commit()
    again = stores.store.unit("system:mail")
    again.suppress(EMAIL, "complained")
    again.commit()
    refused_unit = stores.store.unit("system:mail")
    refused_unit.require_not_suppressed(EMAIL)
    with pytest.raises(WriteRefusedError) as refused:
        refused_unit.commit()
    assert refused.value.refused("suppressed")


def test_a_wish_for_a_new_password_is_noted_for_anybody(stores: Stores) -> None:
    person = stores.person()
    for number, email in enumerate((EMAIL, Email("nobody@ornek.example"))):
        unit = stores.store.unit("system:password_reset")
        unit.request_reset(f"01KT16JKM0000000000000090{number}", email, "tr")
        unit.commit()
    known = stores.store.reset_request("01KT16JKM00000000000000900")
    unknown = stores.store.reset_request("01KT16JKM00000000000000901")
    assert known is not None
    assert unknown is not None
    assert known.expires_at == stores.clock.now() + timedelta(minutes=30)
    assert stores.store.person_of_digest(known.email_digest) == person
    assert stores.store.person_of_digest(unknown.email_digest) is None
    assert stores.store.reset_request("01KT16JKM00000000000000902") is None
    assert len(stores.orders()) == 2


# ---------------------------------------------------------------------------- events


def _news(stores: Stores, minutes: int, *, is_open: bool = True) -> Attention:
    at = stores.clock.now() + timedelta(minutes=minutes)
    return Attention(
        "credentials:c1",
        "contract:c1",
        "credentials_refused" if is_open else "",
        "high",
        at,
        at,
        contract_id="c1",
        amount=Money(96800, "TRY") if is_open else None,
        due_on=date(2026, 6, 2) if is_open else None,
        open=is_open,
    )


def test_attention_joins_by_the_time_of_the_news(stores: Stores) -> None:
    tenant = stores.tenant()
    company = stores.store.company(stores.context(tenant.id))

    def put(news: Attention) -> None:
        unit = company.unit()
        unit.put_attention(news)
        unit.commit()

    first = _news(stores, 0)
    put(first)
    assert list(company.attention()) == [first]
    put(_news(stores, 2))
    (row,) = company.attention()
    assert row.raised_at == first.raised_at
    assert row.news_at == _news(stores, 2).news_at
    with pytest.raises(WriteRefusedError) as refused:
        put(_news(stores, 1, is_open=False))
    assert refused.value.refused("attention")
    put(_news(stores, 3, is_open=False))
    (cleared,) = company.attention()
    assert not cleared.open
    assert cleared.code == "credentials_refused"
    put(_news(stores, 4))
    (again,) = company.attention()
    assert again.open
    assert again.raised_at == _news(stores, 4).raised_at


def test_an_event_is_received_and_logged_once(stores: Stores) -> None:
    tenant = stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    events = [
        Event(
            stores.ids.new(),
            "pensions.AttentionRaised.v1",
            "kopru.pensions",
            stores.clock.now(),
            tenant.id,
            "contract:c1",
            {"key": f"k{number}"},
        )
        for number in range(3)
    ]
    for event in events:
        unit = company.unit()
        unit.received("kopru.pensions", event.id)
        unit.log_event(event)
        unit.commit()
    twice = company.unit()
    twice.received("kopru.pensions", events[0].id)
    with pytest.raises(WriteRefusedError) as refused:
        twice.commit()
    assert refused.value.refused("inbox")
    page = company.events(limit=2, after=None)
    rest = company.events(limit=2, after=page.next)
    assert [*page.items, *rest.items] == events[::-1]


def test_a_published_event_stands_in_the_log(stores: Stores) -> None:
    tenant = stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    unit = company.unit()
    unit.publish("workspace.TenantCreated.v1", f"tenant:{tenant.id}", {"zone": "UTC"})
    unit.commit()
    (event,) = company.events(limit=5, after=None).items
    assert event.type == "workspace.TenantCreated.v1"
    assert event.data == {"zone": "UTC"}


def test_an_answer_is_remembered_by_command(stores: Stores) -> None:
    tenant = stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    command = Command("key:1", "POST /v1/users", "k-1", "body-1")
    assert company.answered(command) is None
    answer = Remembered(201, {"id": "x", "name": "Ömer"}, {"etag": '"v1"'})
    unit = company.unit()
    unit.remember(command, answer)
    unit.commit()
    assert company.answered(command) == answer
    with pytest.raises(ValidationError, match="idempotency_key_reused"):
        company.answered(replace(command, body_hash="body-2"))
    other = stores.tenant()
    assert stores.store.company(stores.context(other.id)).answered(command) is None


def test_an_answer_is_forgotten_after_48_hours_and_its_key_is_free(stores: Stores) -> None:
    tenant = stores.tenant()
    company = stores.store.company(stores.context(tenant.id))
    command = Command("key:1", "POST /v1/users", "k-1", "body-1")
    for answer in (Remembered(201, {"id": "x"}, {}), Remembered(201, {"id": "y"}, {})):
        assert company.answered(command) is None
        unit = company.unit()
        unit.remember(command, answer)
        unit.commit()
        stores.clock.advance(timedelta(hours=48, seconds=-1))
        assert company.answered(command) == answer
        twin = company.unit()
        twin.remember(command, answer)
        with pytest.raises(WriteRefusedError) as caught:
            twin.commit()
        assert caught.value.refused("idempotency")
        stores.clock.advance(timedelta(seconds=1))


# ---------------------------------------------------------------------------- shared records


def test_history_and_chains_tell_the_same_story(stores: Stores) -> None:
    tenant, other = stores.tenant(), stores.tenant()
    context = stores.context(tenant.id, "user:editor")
    company = stores.store.company(context)
    unit = company.unit()
    unit.save_tenant(tenant, replace(tenant, name="Yeni"), "tenant.changed")
    unit.commit()
    shared = stores.store.shared(context)
    subject = f"tenant:{tenant.id}"
    first = shared.history(subject, limit=1, after=None)
    second = shared.history(subject, limit=1, after=first.next)
    actions = [(each.action, each.actor) for each in (*first.items, *second.items)]
    assert actions == [("tenant.created", "user:somebody"), ("tenant.changed", "user:editor")]
    foreign = stores.store.shared(stores.context(other.id)).history(subject, limit=5, after=None)
    assert foreign.items == ()
    (chain,) = shared.chains(limit=5, after=None).items
    assert chain.entity == subject
    assert [row["seq"] for row in chain.rows] == [1, 2]
    assert chain.last_known == 2


def test_chains_are_paged_over_all_entities(stores: Stores) -> None:
    tenant = stores.tenant()
    for number in range(4):
        person = stores.person(Email(f"p{number}@ornek.example"))
        stores.member(tenant, person)
    shared = stores.store.shared(stores.context(tenant.id))
    found: list[str] = []
    after = None
    for _ in range(10):
        page = shared.chains(limit=2, after=after)
        found += [chain.entity for chain in page.items]
        after = page.next
        if after is None:
            break
    assert len(found) == len(set(found)) == 5


def test_an_unknown_job_is_not_found(stores: Stores) -> None:
    tenant = stores.tenant()
    shared = stores.store.shared(stores.context(tenant.id))
    assert shared.jobs(limit=5, before=None).items == ()
    with pytest.raises(NotFoundError):
        shared.job(tenant.id)
