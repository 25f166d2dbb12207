"""Signing in, being recognised, switching company, signing out, API keys."""

from dataclasses import replace
from datetime import date

import pytest

from kernel.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationError,
)
from kernel.sensitive import Secret
from tests.unit.workspace.conftest import PASSWORD, Desk
from toolkit.tokens import digest
from workspace.application.entrance import SignedIn
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import MembershipState


def _sign_in(
    desk: Desk, email: str = "owner@ornek.example", password: Secret = PASSWORD, ip: str = "ip"
) -> SignedIn:
    done = desk.app.sign_in()(email, password, source_ip=ip, user_agent="Firefox/1")
    assert isinstance(done, SignedIn)
    return done


def test_the_right_password_opens_a_session(desk: Desk) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant)
    done = _sign_in(desk, " OWNER@ornek.example ")
    assert done.session.tenant_id == tenant.id
    assert done.session.device == "Firefox"
    assert desk.state.sessions[digest(done.token.reveal("test"))].person_id == person.id
    assert desk.state.memberships[tenant.id, person.id].last_seen_at != ""


def test_each_sign_in_has_a_new_id(desk: Desk) -> None:
    desk.person(desk.tenant())
    assert _sign_in(desk).session.digest != _sign_in(desk).session.digest


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@ornek.example", Secret("another long password")),
        ("nobody@ornek.example", PASSWORD),
        ("not an address", PASSWORD),
        ("", PASSWORD),
        ("invited@ornek.example", PASSWORD),
    ],
)
def test_everybody_else_hears_the_same_after_the_same_work(
    desk: Desk, email: str, password: Secret
) -> None:
    tenant = desk.tenant()
    desk.person(tenant)
    desk.invite(tenant, "invited@ornek.example")
    desk.hasher.verified.clear()
    with pytest.raises(UnauthorizedError) as refused:
        _sign_in(desk, email, password)
    assert refused.value.code == "sign_in_refused"
    assert refused.value.message == "Address or password is wrong."
    assert len(desk.hasher.verified) == 1
    assert desk.state.sessions == {}


def test_somebody_without_a_counting_membership_does_not_get_in(desk: Desk) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant, "payroll", "p@ornek.example")
    key = (tenant.id, person.id)
    member = desk.state.memberships[key]
    for changed in (
        replace(member, state=MembershipState.REMOVED),
        replace(member, until=date(2026, 5, 31)),
    ):
        desk.state.memberships[key] = changed
        with pytest.raises(UnauthorizedError):
            _sign_in(desk, "p@ornek.example")
    desk.state.memberships[key] = member
    desk.state.tenants[tenant.id] = replace(tenant, state=TenantState.SUSPENDED)
    with pytest.raises(UnauthorizedError):
        _sign_in(desk, "p@ornek.example")


def test_five_wrong_tries_for_an_account_are_enough(desk: Desk) -> None:
    desk.person(desk.tenant())
    for number in range(5):
        with pytest.raises(UnauthorizedError):
            _sign_in(desk, password=Secret("wrong"), ip=f"ip-{number}")
    with pytest.raises(TooManyRequestsError) as refused:
        _sign_in(desk, ip="ip-9")
    assert refused.value.retry_after == 900


def test_twenty_wrong_tries_from_a_source_are_enough(desk: Desk) -> None:
    for number in range(20):
        with pytest.raises(UnauthorizedError):
            _sign_in(desk, f"p{number}@ornek.example")
    with pytest.raises(TooManyRequestsError):
        _sign_in(desk, "p21@ornek.example")


def test_signing_in_well_costs_nothing(desk: Desk) -> None:
    desk.person(desk.tenant())
    for _ in range(30):
        _sign_in(desk)


def test_an_old_kind_of_hash_is_renewed_and_a_new_name_noticed(desk: Desk) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant)
    desk.state.tenants[tenant.id] = replace(tenant, name="Yeni Ad")
    desk.state.passwords[person.id] = "plain:" + PASSWORD.reveal("test")
    desk.hasher.outdated = True
    done = _sign_in(desk)
    assert done.person.companies[0].name == "Yeni Ad"
    assert desk.state.history["", f"person:{person.id}"][-1].action == "person.refreshed"


# ---------------------------------------------------------------------------- sessions


def test_a_session_says_who_and_for_which_company(desk: Desk) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant)
    done = _sign_in(desk)
    principal = desk.app.identify_session()(done.token, None)
    assert principal is not None
    assert (principal.kind, principal.id, principal.tenant_id) == (
        "session",
        person.id,
        tenant.id,
    )
    assert principal.roles == ("owner",)
    assert principal.tenants == ((tenant.id, tenant.name),)
    assert principal.session_hash == done.session.digest


def test_a_session_dies_idle_absolutely_and_everywhere(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    idle = _sign_in(desk)
    identify = desk.app.identify_session()
    desk.later(minutes=29)
    assert identify(idle.token, None) is not None
    desk.later(minutes=29)
    assert identify(idle.token, None) is not None, "a visit keeps it alive"
    desk.later(minutes=31)
    assert identify(idle.token, None) is None
    busy = _sign_in(desk)
    for _ in range(24):
        desk.later(minutes=29)
        assert identify(busy.token, None) is not None
    desk.later(minutes=24)
    assert identify(busy.token, None) is None, "twelve hours are the end"
    one, two = _sign_in(desk), _sign_in(desk)
    desk.app.sign_out_everywhere()(person.id, keep=two.session.digest)
    assert identify(one.token, None) is None
    assert identify(two.token, None) is not None
    desk.app.sign_out()(two.session.digest)
    desk.app.sign_out()(two.session.digest)
    assert identify(two.token, None) is None
    assert identify(Secret("never-seen"), None) is None


def test_a_mandate_that_ended_ends_with_the_next_request(desk: Desk) -> None:
    tenant = desk.tenant()
    owner = desk.person(tenant)
    clerk = desk.person(tenant, "payroll", "clerk@ornek.example")
    done = _sign_in(desk, "clerk@ornek.example")
    identify = desk.app.identify_session()
    before = identify(done.token, None)
    assert before is not None
    assert before.tenant_id == tenant.id
    desk.app.remove_user()(desk.context(tenant), actor_id=owner.id, person_id=clerk.id)
    after = identify(done.token, None)
    assert after is not None
    assert (after.tenant_id, after.roles, after.tenants) == ("", (), ())


def test_a_person_names_one_of_the_own_companies(desk: Desk) -> None:
    first, second, foreign = desk.tenant("Birinci"), desk.tenant("İkinci"), desk.tenant("Yabancı")
    desk.person(first, "accountant", "a@ornek.example")
    desk.person(second, "owner", "a@ornek.example")
    done = _sign_in(desk, "a@ornek.example")
    identify = desk.app.identify_session()
    wish = identify(done.token, second.id)
    assert wish is not None
    assert (wish.tenant_id, wish.roles) == (second.id, ("owner",))
    for wrong in (foreign.id, "x", "", "01KT16JKM0ZZZZZZZZZZZZZZZZ"):
        principal = identify(done.token, wrong)
        assert principal is not None
        assert (principal.tenant_id, principal.roles) == ("", ())
    assert desk.app.switch_tenant()(done.person.id, done.session.digest, second.id) == second
    moved = identify(done.token, None)
    assert moved is not None
    assert moved.tenant_id == second.id
    with pytest.raises(NotFoundError):
        desk.app.switch_tenant()(done.person.id, done.session.digest, foreign.id)


def test_preferences_are_saved_or_refused(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    save = desk.app.save_preferences()
    assert save(person.id, language="el").language == "el"
    assert save(person.id, theme="dark").theme == "dark"
    unchanged = save(person.id, theme="dark")
    assert unchanged.stamp.version == 3
    for wrong in ({"language": "de"}, {"theme": "pink"}):
        with pytest.raises(ValidationError):
            save(person.id, **wrong)


def test_an_account_shows_the_own_sessions(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    done = _sign_in(desk)
    view = desk.app.read_account()(person.id)
    assert view.person == person
    assert [each.digest for each in view.sessions] == [done.session.digest]


# ---------------------------------------------------------------------------- keys


def _issue(desk: Desk, tenant: Tenant, *scopes: str, **more: object) -> tuple[str, Secret]:
    key, secret = desk.app.issue_api_key()(
        desk.context(tenant),
        issuer_may=lambda _scope: True,
        name="Bordro programı",
        scopes=scopes or ("pensions:*:*",),
        expires_on=more.get("expires_on"),  # type: ignore[arg-type]
    )
    return key.id, secret


def test_a_key_identifies_its_company_and_scopes(desk: Desk) -> None:
    tenant = desk.tenant()
    key_id, secret = _issue(desk, tenant, "pensions:*:read")
    identify = desk.app.identify_key()
    principal = identify(secret, None)
    assert principal is not None
    assert (principal.kind, principal.id, principal.tenant_id) == ("api_key", key_id, tenant.id)
    assert principal.may("pensions:contract:read")
    assert not principal.may("pensions:contract:write")
    assert identify(secret, tenant.id) == principal
    clear = secret.reveal("test")
    assert clear.startswith("kopru_test_")
    assert clear not in repr(desk.state)
    assert desk.state.keys[tenant.id, key_id].hint == clear[:16]


def test_a_key_that_names_another_company_has_none(desk: Desk) -> None:
    tenant, other = desk.tenant(), desk.tenant()
    _, secret = _issue(desk, tenant)
    principal = desk.app.identify_key()(secret, other.id)
    assert principal is not None
    assert principal.tenant_id == ""


def test_dead_keys_open_nothing(desk: Desk) -> None:
    tenant = desk.tenant()
    key_id, secret = _issue(desk, tenant, expires_on=date(2026, 6, 2))
    identify = desk.app.identify_key()
    desk.later(days=1)
    assert identify(secret, None) is not None
    desk.later(days=1)
    assert identify(secret, None) is None
    key_id, secret = _issue(desk, tenant)
    desk.app.revoke_api_key()(desk.context(tenant), key_id)
    assert identify(secret, None) is None
    with pytest.raises(ConflictError, match="api_key_revoked"):
        desk.app.revoke_api_key()(desk.context(tenant), key_id)
    for wrong in ("", "x", "kopru_test_" + "A" * 43, "Bearer"):
        assert identify(Secret(wrong), None) is None
    _, secret = _issue(desk, tenant)
    desk.state.tenants[tenant.id] = replace(tenant, state=TenantState.SUSPENDED)
    assert identify(secret, None) is None


def test_the_use_of_a_key_is_noted_once_an_hour(desk: Desk) -> None:
    tenant = desk.tenant()
    key_id, secret = _issue(desk, tenant)
    identify = desk.app.identify_key()
    seen = []
    for minutes in (0, 30, 31):
        desk.later(minutes=minutes)
        identify(secret, None)
        seen.append(desk.state.keys[tenant.id, key_id].last_used_at)
    assert seen[0] == seen[1] != seen[2]


def test_a_key_cannot_be_issued_beyond_the_issuer(desk: Desk) -> None:
    tenant = desk.tenant()
    issue = desk.app.issue_api_key()
    context = desk.context(tenant)
    with pytest.raises(ForbiddenError):
        issue(
            context, issuer_may=lambda _: False, name="X", scopes=["pensions:*:*"], expires_on=None
        )
    for name, expires, pointer in (("", None, "/name"), ("X", date(2026, 5, 31), "/expires_on")):
        with pytest.raises(ValidationError) as refused:
            issue(
                context,
                issuer_may=lambda _: True,
                name=name,
                scopes=["pensions:*:*"],
                expires_on=expires,
            )
        assert refused.value.problems[0].pointer == pointer
    assert list(desk.app.list_api_keys()(context)) == []


def test_an_operator_names_the_company_and_sees_no_more(desk: Desk) -> None:
    tenant = desk.tenant()
    _, secret = desk.app.issue_operator_key()("operator")
    identify = desk.app.identify_key()
    free = identify(secret, None)
    assert free is not None
    assert (free.tenant_id, free.roles) == ("", ("operator",))
    assert free.may("operator:tenant:create")
    assert not free.may("pensions:employee:read")
    there = identify(secret, tenant.id)
    assert there is not None
    assert there.tenant_id == tenant.id
    nowhere = identify(secret, "01KT16JKM0ZZZZZZZZZZZZZZZZ")
    assert nowhere is not None
    assert nowhere.tenant_id == ""


def test_a_companys_wildcards_never_reach_the_operator(desk: Desk) -> None:
    tenant = desk.tenant()
    desk.person(tenant)
    _, secret = _issue(desk, tenant, "workspace:*:*", "pensions:*:*")
    key = desk.app.identify_key()(secret, None)
    owner = desk.app.identify_session()(_sign_in(desk).token, None)
    for principal in (key, owner):
        assert principal is not None
        assert not principal.may("operator:tenant:create")
        assert not principal.may("operator:*:*")
