"""Companies, invitations, password resets, roles."""

from dataclasses import dataclass, replace
from datetime import date

import pytest

from kernel.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PreconditionFailedError,
    RuleViolationError,
    TooManyRequestsError,
    ValidationError,
)
from kernel.sensitive import Email, Secret
from kernel.storing import Remembered, WriteRefusedError
from tests.unit.workspace.conftest import PASSWORD, Desk
from workspace.application.create_tenant import NewCompany
from workspace.application.entrance import SignedIn
from workspace.domain.link import LinkPurpose
from workspace.domain.user import MembershipState, PersonState


def _create(desk: Desk, **more: object) -> NewCompany:
    values: dict[str, object] = {
        "actor": "key:op",
        "correlation_id": "corr",
        "name": "Yıldız Ltd",
        "language": "tr",
        "zone": "Europe/Istanbul",
        "owner": desk.entry(),
        "with_key": True,
    }
    return desk.app.create_tenant()(**{**values, **more})  # type: ignore[arg-type]


def test_a_company_starts_with_an_invited_owner_and_perhaps_a_key(desk: Desk) -> None:
    made = _create(desk)
    assert made.owner is not None
    assert made.owner.state is MembershipState.INVITED
    assert made.owner.roles == ("owner",)
    assert made.secret is not None
    assert [event.type for event in desk.state.published] == ["workspace.TenantCreated.v1"]
    assert desk.state.published[0].data == {
        "tenant_id": made.tenant.id,
        "language": "tr",
        "zone": "Europe/Istanbul",
    }
    desk.run_mail()
    assert desk.mailer.sent[0].to == "sahip@ornek.example"
    assert _create(desk, with_key=False, owner=None).key is None


def test_an_owner_who_has_an_account_is_the_same_person(desk: Desk) -> None:
    owners = [_create(desk).owner for _ in range(2)]
    assert len({owner.person_id for owner in owners if owner}) == 1
    assert len(desk.state.persons) == 1


def test_a_wrong_company_creates_nothing(desk: Desk) -> None:
    for wrong in ({"name": ""}, {"language": "de"}, {"zone": "X"}):
        with pytest.raises(ValidationError):
            _create(desk, **wrong)
    assert desk.state.tenants == {}
    assert desk.state.persons == {}


def test_a_company_is_changed_by_who_read_it_last(desk: Desk) -> None:
    tenant = desk.tenant()
    change = desk.app.change_tenant()
    changed = change(desk.context(tenant), expected_version=1, name="Yeni Ltd", zone="UTC")
    assert (changed.name, changed.zone, changed.stamp.version) == ("Yeni Ltd", "UTC", 2)
    with pytest.raises(PreconditionFailedError, match="stale_version"):
        change(desk.context(tenant), expected_version=1, name="Eski")
    assert desk.app.read_tenant()(desk.context(tenant)) == changed
    assert desk.app.list_tenants()(limit=9, after=None).items == (changed,)


# ---------------------------------------------------------------------------- invitations


def test_an_invitation_is_shown_often_and_used_once(desk: Desk) -> None:
    tenant = desk.tenant()
    person_id = desk.invite(tenant)
    desk.run_mail()
    token = desk.token()
    for _ in range(100):
        view = desk.app.show_link()(token, LinkPurpose.INVITATION)
    assert (view.company, view.needs_password) == (tenant.name, True)
    assert desk.state.memberships[tenant.id, person_id].state is MembershipState.INVITED
    accept = desk.app.accept_invitation()
    person = accept(token, PASSWORD)
    assert person.state is PersonState.ACTIVE
    assert [company.id for company in person.companies] == [tenant.id]
    assert desk.state.memberships[tenant.id, person_id].state is MembershipState.ACTIVE
    for act in (
        lambda: accept(token, PASSWORD),
        lambda: desk.app.show_link()(token, LinkPurpose.INVITATION),
        lambda: desk.app.show_link()(Secret("never"), LinkPurpose.INVITATION),
        lambda: desk.app.show_link()(token, LinkPurpose.PASSWORD_RESET),
    ):
        with pytest.raises(NotFoundError, match="link_invalid"):
            act()
    done = desk.app.sign_in()("yeni@ornek.example", PASSWORD, source_ip="ip", user_agent="")
    assert isinstance(done, SignedIn)
    assert done.person.id == person_id


def test_the_token_is_stored_nowhere(desk: Desk) -> None:
    desk.invite(desk.tenant())
    desk.run_mail()
    assert desk.token().reveal("test") not in repr(desk.state)


def test_an_invitation_ends_after_three_days(desk: Desk) -> None:
    desk.invite(desk.tenant())
    desk.run_mail()
    desk.later(hours=71, minutes=59)
    assert desk.app.show_link()(desk.token(), LinkPurpose.INVITATION)
    desk.later(minutes=1)
    with pytest.raises(NotFoundError, match="link_invalid"):
        desk.app.show_link()(desk.token(), LinkPurpose.INVITATION)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        (None, "required"),
        (Secret("short"), "password_short"),
        (Secret("Yeni-Kisi-Ornek-1"), "password_own_words"),
    ],
)
def test_a_bad_password_leaves_the_link_good(
    desk: Desk, password: Secret | None, code: str
) -> None:
    desk.invite(desk.tenant())
    desk.run_mail()
    with pytest.raises(ValidationError) as refused:
        desk.app.accept_invitation()(desk.token(), password)
    assert [(item.pointer, item.code) for item in refused.value.problems] == [("/password", code)]
    assert desk.app.accept_invitation()(desk.token(), PASSWORD)


def test_ten_tries_of_a_link_an_hour_are_enough(desk: Desk) -> None:
    desk.invite(desk.tenant())
    desk.run_mail()
    for _ in range(10):
        with pytest.raises(ValidationError):
            desk.app.accept_invitation()(desk.token(), Secret("short"))
    with pytest.raises(TooManyRequestsError):
        desk.app.accept_invitation()(desk.token(), PASSWORD)


def test_somebody_with_an_account_keeps_the_password(desk: Desk) -> None:
    first, second = desk.tenant("Birinci"), desk.tenant("İkinci")
    person = desk.person(first)
    assert desk.invite(second, "owner@ornek.example", roles=["accountant"]) == person.id
    desk.run_mail()
    view = desk.app.show_link()(desk.token(), LinkPurpose.INVITATION)
    assert not view.needs_password
    after = desk.app.accept_invitation()(desk.token(), None)
    assert [company.id for company in after.companies] == [first.id, second.id]
    assert desk.app.sign_in()("owner@ornek.example", PASSWORD, source_ip="ip", user_agent="")


def test_a_member_is_not_invited_twice_but_reminded(desk: Desk) -> None:
    tenant = desk.tenant()
    person_id = desk.invite(tenant)
    with pytest.raises(ConflictError, match="user_exists"):
        desk.invite(tenant)
    desk.app.invite_again()(desk.context(tenant), person_id)
    desk.run_mail()
    assert len(desk.mailer.sent) == 2
    desk.app.accept_invitation()(desk.token(), PASSWORD)
    with pytest.raises(ConflictError, match="user_not_invited"):
        desk.app.invite_again()(desk.context(tenant), person_id)
    first_link = Secret(desk.mailer.sent[0].link.rpartition("/")[2])
    with pytest.raises(NotFoundError, match="link_invalid"):
        desk.app.show_link()(first_link, LinkPurpose.INVITATION)


def test_somebody_who_left_can_be_invited_again(desk: Desk) -> None:
    tenant = desk.tenant()
    owner = desk.person(tenant)
    clerk = desk.person(tenant, "payroll", "p@ornek.example")
    desk.app.remove_user()(desk.context(tenant), actor_id=owner.id, person_id=clerk.id)
    assert [m.person_id for m in desk.app.list_users()(desk.context(tenant))] == [owner.id]
    with pytest.raises(NotFoundError):
        desk.app.read_user()(desk.context(tenant), clerk.id)
    desk.invite(tenant, "p@ornek.example", roles=["finance"])
    again = desk.app.read_user()(desk.context(tenant), clerk.id)
    assert (again.state, again.roles) == (MembershipState.INVITED, ("finance",))


@dataclass(frozen=True)
class _Command:
    identity: str
    body_hash: str = "b"


def test_a_repeated_command_is_remembered_with_its_effect(desk: Desk) -> None:
    tenant = desk.tenant()
    command = _Command("c1")
    desk.invite(
        tenant, command=command, answer=lambda member: Remembered(201, {"id": member.person_id}, {})
    )
    company = desk.app.store.company(desk.context(tenant))
    stored = company.answered(command)
    assert stored is not None
    assert stored.body["id"] in desk.state.persons


# ---------------------------------------------------------------------------- resets


def _ask(desk: Desk, email: str) -> None:
    desk.app.request_password_reset()(Email(email), language="tr", source_ip="ip")


def test_a_reset_is_the_same_for_everybody_until_the_mail(desk: Desk) -> None:
    desk.person(desk.tenant())
    before = len(desk.state.orders)
    for email in ("owner@ornek.example", "nobody@ornek.example"):
        _ask(desk, email)
    orders = desk.state.orders[before:]
    assert [sorted(order) for order in orders] == [["reset_id", "tenant_id"]] * 2
    desk.run_mail()
    assert [mail.to for mail in desk.mailer.sent] == ["owner@ornek.example"]
    assert desk.message().tenant_id == ""


def test_a_reset_ends_all_sessions_and_works_once(desk: Desk) -> None:
    desk.person(desk.tenant())
    signed = desk.app.sign_in()("owner@ornek.example", PASSWORD, source_ip="ip", user_agent="")
    _ask(desk, "OWNER@ornek.example")
    desk.run_mail()
    token = desk.token()
    fresh = Secret("beş kırmızı balon uçtu")
    view = desk.app.show_link()(token, LinkPurpose.PASSWORD_RESET)
    assert view.needs_password
    desk.app.reset_password()(token, fresh)
    assert desk.app.identify_session()(signed.token, None) is None
    assert desk.app.sign_in()("owner@ornek.example", fresh, source_ip="ip", user_agent="")
    with pytest.raises(NotFoundError, match="link_invalid"):
        desk.app.reset_password()(token, fresh)


def test_a_reset_link_lives_half_an_hour(desk: Desk) -> None:
    desk.person(desk.tenant())
    _ask(desk, "owner@ornek.example")
    desk.run_mail()
    desk.later(minutes=30)
    with pytest.raises(NotFoundError, match="link_invalid"):
        desk.app.reset_password()(desk.token(), Secret("beş kırmızı balon uçtu"))


def test_a_wish_is_mailed_once_and_forgotten_when_old(desk: Desk) -> None:
    desk.person(desk.tenant())
    _ask(desk, "owner@ornek.example")
    (order,) = (each for each in desk.state.orders if "reset_id" in each)
    start = desk.app.start_password_reset()
    start(order["reset_id"])
    start(order["reset_id"])
    start("01KT16JKM0ZZZZZZZZZZZZZZZZ")
    desk.run_mail()
    assert len(desk.mailer.sent) == 1
    _ask(desk, "owner@ornek.example")
    desk.later(minutes=31)
    desk.run_mail()
    assert len(desk.mailer.sent) == 1


def test_people_without_a_password_get_no_reset(desk: Desk) -> None:
    desk.invite(desk.tenant())
    desk.run_mail()
    _ask(desk, "yeni@ornek.example")
    desk.run_mail()
    assert len(desk.mailer.sent) == 1


def test_five_wishes_a_day_for_an_address(desk: Desk) -> None:
    for _ in range(5):
        _ask(desk, "owner@ornek.example")
    with pytest.raises(TooManyRequestsError):
        _ask(desk, "Owner@ornek.example")


# ---------------------------------------------------------------------------- roles


def test_roles_and_end_are_changed_by_another_owner(desk: Desk) -> None:
    tenant = desk.tenant()
    owner = desk.person(tenant)
    clerk = desk.person(tenant, "payroll", "p@ornek.example")
    change = desk.app.change_user()
    after = change(
        desk.context(tenant),
        actor_id=owner.id,
        person_id=clerk.id,
        expected_version=1,
        roles=["finance", "payroll"],
        since=date(2026, 6, 15),
        until=date(2026, 12, 31),
    )
    assert after.since == date(2026, 6, 15)
    assert (after.roles, after.until) == (("payroll", "finance"), date(2026, 12, 31))
    kept = change(
        desk.context(tenant),
        actor_id=owner.id,
        person_id=clerk.id,
        expected_version=2,
        roles=None,
        since=None,
        until=None,
    )
    assert (kept.roles, kept.until) == (("payroll", "finance"), None)
    with pytest.raises(PreconditionFailedError):
        change(
            desk.context(tenant),
            actor_id=owner.id,
            person_id=clerk.id,
            expected_version=1,
            roles=["owner"],
            since=None,
            until=None,
        )
    with pytest.raises(ForbiddenError, match="own_roles"):
        change(
            desk.context(tenant),
            actor_id=owner.id,
            person_id=owner.id,
            expected_version=1,
            roles=["viewer"],
            since=None,
            until=None,
        )


def test_the_last_owner_cannot_be_removed_or_demoted(desk: Desk) -> None:
    tenant = desk.tenant()
    owner = desk.person(tenant)
    context = desk.context(tenant, "key:k")
    with pytest.raises(RuleViolationError, match="last_owner"):
        desk.app.remove_user()(context, actor_id="key", person_id=owner.id)
    with pytest.raises(RuleViolationError, match="last_owner"):
        desk.app.change_user()(
            context,
            actor_id="key",
            person_id=owner.id,
            expected_version=1,
            roles=["viewer"],
            since=None,
            until=None,
        )
    second = desk.person(tenant, "owner", "two@ornek.example")
    desk.app.remove_user()(context, actor_id=second.id, person_id=owner.id)
    assert desk.state.persons[owner.id].companies == ()


def test_a_mandate_cannot_end_before_it_begins(desk: Desk) -> None:
    tenant = desk.tenant()
    desk.person(tenant)
    with pytest.raises(ValidationError) as refused:
        desk.invite(tenant, since=date(2026, 7, 2), until=date(2026, 7, 1))
    assert [(each.pointer, each.code) for each in refused.value.problems] == [
        ("/until", "ends_before_start")
    ]
    assert desk.state.messages == {}


def test_two_owners_cannot_remove_each_other_at_once(desk: Desk) -> None:
    tenant = desk.tenant()
    first, second = desk.person(tenant), desk.person(tenant, "owner", "two@ornek.example")
    unit = desk.app.store.company(desk.context(tenant)).unit()
    reading = desk.app.store.company(desk.context(tenant)).membership
    keeper, leaver = reading(first.id), reading(second.id)
    unit.save_membership(leaver, replace(leaver, state=MembershipState.REMOVED), "user.removed")
    unit.require_unchanged(keeper)
    desk.app.remove_user()(desk.context(tenant), actor_id=second.id, person_id=first.id)
    with pytest.raises(WriteRefusedError) as refused:
        unit.commit()
    assert refused.value.refused("owner")
    assert reading(second.id).state is MembershipState.ACTIVE


def test_an_accountant_acts_from_the_first_to_the_last_day_of_the_mandate(desk: Desk) -> None:
    tenant = desk.tenant()
    owner, helper = desk.person(tenant), desk.person(tenant, "accountant")
    desk.app.change_user()(
        desk.context(tenant),
        actor_id=owner.id,
        person_id=helper.id,
        expected_version=1,
        roles=None,
        since=date(2026, 6, 3),
        until=date(2026, 6, 4),
    )
    seen = []
    for _ in range(5):
        member = desk.app.store.company(desk.context(tenant)).membership(helper.id)
        seen.append(member.counts_on(desk.clock.today("Europe/Istanbul")))
        desk.later(days=1)
    assert seen == [False, False, True, True, False]


def test_people_are_listed_by_name(desk: Desk) -> None:
    tenant = desk.tenant()
    for name, email in (("Özlem Ak", "o"), ("Omer Bal", "b"), ("Ali Can", "c"), ("Çiğdem Er", "e")):
        desk.invite(tenant, f"{email}@ornek.example", name=name)
    names = [member.name for member in desk.app.list_users()(desk.context(tenant))]
    assert names == ["Ali Can", "Çiğdem Er", "Omer Bal", "Özlem Ak"]


def test_an_installer_adds_people_to_several_companies(desk: Desk) -> None:
    first, second = desk.tenant("Birinci"), desk.tenant("İkinci")
    one = desk.person(first, "accountant", "a@ornek.example")
    two = desk.person(second, "accountant", "a@ornek.example")
    assert one.id == two.id
    assert [company.id for company in two.companies] == [first.id, second.id]
    assert replace(two, stamp=one.stamp, companies=one.companies) == one
