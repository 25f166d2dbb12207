"""Signing in elsewhere: whose session comes of it, and whose does not."""

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import (
    ForbiddenError,
    TooManyRequestsError,
    TransientGatewayError,
    UnauthorizedError,
)
from kernel.sensitive import Secret
from tests.support.oidc import Issuer
from tests.unit.workspace.conftest import Desk
from toolkit.auth import Principal, has_proved, require, require_fresh, tenant_context
from toolkit.tokens import digest
from workspace.adapters.own_sign_in import OwnSignIn
from workspace.application.entrance import SignedIn, StepNeeded
from workspace.domain.hosted_sign_in import Trip
from workspace.domain.second_factor import FactorState, SecondFactor, StepMethod
from workspace.domain.tenant import Tenant
from workspace.domain.user import MembershipState, Person, PersonState


@pytest.fixture
def issuer(desk: Desk) -> Issuer:
    """The provider of this stage."""
    made = Issuer(desk.clock)
    desk.app.own_provider = made.provider()
    return made


def _travel(desk: Desk, issuer: Issuer, ip: str = "ip", **claims: Any) -> SignedIn | StepNeeded:
    trip, departure = desk.app.start_hosted_sign_in()()
    back = issuer.grant(departure, **claims)
    return _come_back(desk, trip, back["state"], back["code"], ip)


def _come_back(
    desk: Desk, trip: Trip, state: str, code: str, ip: str = "ip"
) -> SignedIn | StepNeeded:
    return desk.app.finish_hosted_sign_in()(
        trip, state=state, code=Secret(code), source_ip=ip, user_agent="Firefox/1"
    )


def _signed_in(desk: Desk, issuer: Issuer, **claims: Any) -> SignedIn:
    done = _travel(desk, issuer, **claims)
    assert isinstance(done, SignedIn)
    return done


def _refused(desk: Desk, issuer: Issuer, code: str = "hosted_sign_in_refused", **c: Any) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        _travel(desk, issuer, **c)
    assert refused.value.code == code
    assert not desk.state.sessions


# ---------------------------------------------------------------------------- there and back


def test_a_verified_address_finds_its_person_and_the_account_finds_them_ever_after(
    desk: Desk, issuer: Issuer
) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant)
    done = _signed_in(desk, issuer, email="Owner@ornek.example")
    assert (done.person.id, done.session.tenant_id) == (person.id, tenant.id)
    assert done.session.second_factor
    stored = desk.state.sessions[digest(done.token.reveal("test"))]
    assert stored.person_id == person.id
    assert "person.account_linked" in {
        each.action for each in desk.state.history["", f"person:{person.id}"]
    }
    # From now on the address there says nothing any more.
    again = _signed_in(desk, issuer, email="moved@elsewhere.example", email_verified=False)
    assert again.person.id == person.id
    assert again.session.digest != done.session.digest


def test_the_proof_is_as_old_as_it_is_there(desk: Desk, issuer: Issuer) -> None:
    desk.person(desk.tenant())
    long_ago = issuer.now - 3_000
    done = _signed_in(desk, issuer, auth_time=long_ago, iat=long_ago)
    principal = desk.app.identify_session()(done.token, None)
    assert principal is not None
    assert not has_proved(principal, desk.clock.now())
    with pytest.raises(ForbiddenError, match="password again"):
        require_fresh(principal, desk.clock.now())


def test_a_new_proof_is_asked_for_there(desk: Desk, issuer: Issuer) -> None:
    _, plain = desk.app.start_hosted_sign_in()()
    _, again = desk.app.start_hosted_sign_in()(again=True)
    assert "prompt=login" not in plain
    assert "prompt=login" in again
    assert not issuer.asked


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "yes"},
        {"email": "nobody@ornek.example"},
        {"email": "not an address"},
        {"email": None},
        {"email": "invited@ornek.example"},
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["kopru-client", "another"]},
        {"token_use": "access"},
        {"exp": 1},
        {"iss": "https://evil.example"},
    ],
)
def test_who_is_nobody_here_is_refused_and_nothing_is_stored(
    desk: Desk, issuer: Issuer, claims: dict[str, Any]
) -> None:
    tenant = desk.tenant()
    desk.person(tenant)
    desk.invite(tenant, "invited@ornek.example")
    _refused(desk, issuer, **claims)
    assert not desk.state.subjects


def test_a_return_to_another_browser_is_refused(desk: Desk, issuer: Issuer) -> None:
    desk.person(desk.tenant())
    mine, departure = desk.app.start_hosted_sign_in()()
    other, _ = desk.app.start_hosted_sign_in()()
    back = issuer.grant(departure)
    for trip, state in ((other, back["state"]), (mine, other.state), (mine, ""), (mine, "é")):
        with pytest.raises(UnauthorizedError):
            _come_back(desk, trip, state, back["code"])
    # Nobody was asked, so the code is still good where it belongs.
    assert not issuer.asked
    # A stolen code is worth nothing without the verifier of its browser.
    with pytest.raises(UnauthorizedError):
        _come_back(desk, other, other.state, back["code"])
    assert not desk.state.sessions


def test_a_code_is_good_once(desk: Desk, issuer: Issuer) -> None:
    desk.person(desk.tenant())
    trip, departure = desk.app.start_hosted_sign_in()()
    back = issuer.grant(departure)
    assert isinstance(_come_back(desk, trip, back["state"], back["code"]), SignedIn)
    with pytest.raises(UnauthorizedError):
        _come_back(desk, trip, back["state"], back["code"])
    assert len(desk.state.sessions) == 1


def test_an_outage_stores_nothing_and_passes(desk: Desk, issuer: Issuer) -> None:
    desk.person(desk.tenant())
    issuer.down = True
    with pytest.raises(TransientGatewayError):
        _travel(desk, issuer)
    assert not desk.state.sessions
    issuer.down = False
    _signed_in(desk, issuer)


def test_returns_are_counted(desk: Desk, issuer: Issuer) -> None:
    desk.person(desk.tenant())
    for _ in range(20):
        with pytest.raises(UnauthorizedError):
            _travel(desk, issuer, email="nobody@ornek.example")
    with pytest.raises(TooManyRequestsError):
        _travel(desk, issuer)
    assert isinstance(_travel(desk, issuer, ip="another"), SignedIn)


def test_somebody_without_a_company_does_not_get_in(desk: Desk, issuer: Issuer) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant)
    key = (tenant.id, person.id)
    member = desk.state.memberships[key]
    desk.state.memberships[key] = replace(member, state=MembershipState.REMOVED)
    _refused(desk, issuer, "sign_in_refused")


def test_an_own_second_factor_is_asked_for_where_the_provider_asks_for_none(
    desk: Desk, issuer: Issuer
) -> None:
    person = desk.person(desk.tenant())
    desk.state.factors[person.id] = SecondFactor(FactorState.ACTIVE, b"sealed", 1, version=1)
    desk.app.__dict__.pop("provider", None)
    desk.app.own_provider = issuer.provider(second_factor=False)
    done = _travel(desk, issuer)
    assert isinstance(done, StepNeeded)
    assert done.method is StepMethod.TOTP
    assert not desk.state.sessions


def test_without_a_provider_there_is_no_way_there(desk: Desk) -> None:
    assert isinstance(desk.app.provider, OwnSignIn)
    assert desk.app.start_hosted_sign_in()()[1] == "/sign-in"
    with pytest.raises(UnauthorizedError):
        _come_back(desk, Trip(Secret("t")), Trip(Secret("t")).state, "code")


def test_the_marks_of_a_trip_have_nothing_to_do_with_each_other() -> None:
    trip, other = Trip(Secret("one")), Trip(Secret("two"))
    clear = trip.verifier.reveal("test")
    assert len({trip.state, trip.nonce, clear, trip.challenge, other.state}) == 5
    # RFC 7636: 43 to 128 characters, and the challenge is the hash of the verifier.
    assert 43 <= len(clear) <= 128
    made = base64.urlsafe_b64encode(hashlib.sha256(clear.encode()).digest()).rstrip(b"=").decode()
    assert made == trip.challenge


# ---------------------------------------------------------------------------- access tokens


def _principal(desk: Desk, issuer: Issuer, wish: str | None, **claims: Any) -> Principal | None:
    token = Secret(issuer.sign(issuer.access_claims(**claims)))
    return desk.app.identify_token()(token, wish)


@pytest.fixture
def known(desk: Desk, issuer: Issuer) -> tuple[Tenant, Person]:
    """Somebody who signed in with a browser once."""
    tenant = desk.tenant()
    person = desk.person(tenant)
    _signed_in(desk, issuer)
    return tenant, person


def test_a_token_says_who_and_our_tables_say_what(
    desk: Desk, issuer: Issuer, known: tuple[Tenant, Person]
) -> None:
    tenant, person = known
    tricks = {"cognito:groups": ["operator"], "custom:tenant_id": "T2", "roles": "owner,operator"}
    principal = _principal(desk, issuer, tenant.id, **tricks)
    assert principal is not None
    assert (principal.kind, principal.id, principal.roles) == ("token", person.id, ("owner",))
    assert tenant_context(principal, "corr").actor == f"user:{person.id}"
    require(principal, "pensions:employee:write")
    # Roles and memberships are those of this moment.
    key = (tenant.id, person.id)
    member = desk.state.memberships[key]
    desk.state.memberships[key] = replace(member, roles=("viewer",))
    weaker = _principal(desk, issuer, tenant.id)
    assert weaker is not None
    assert weaker.roles == ("viewer",)
    desk.state.memberships[key] = replace(member, state=MembershipState.REMOVED)
    gone = _principal(desk, issuer, tenant.id)
    assert gone is not None
    assert (gone.tenant_id, gone.roles) == ("", ())


@pytest.mark.parametrize("wish", [None, "", "x", "01KT16JKM00000000000000009"])
def test_no_company_is_guessed_and_no_foreign_one_is_given(
    desk: Desk, issuer: Issuer, known: tuple[Tenant, Person], wish: str | None
) -> None:
    foreign = desk.tenant("Başka Ltd")
    for named in (wish, foreign.id):
        principal = _principal(desk, issuer, named)
        assert principal is not None
        assert (principal.tenant_id, principal.roles) == ("", ())
        with pytest.raises(ForbiddenError):
            tenant_context(principal, "corr")


def test_an_account_that_never_signed_in_is_nobody(
    desk: Desk, issuer: Issuer, known: tuple[Tenant, Person]
) -> None:
    assert _principal(desk, issuer, known[0].id, sub="somebody-else") is None
    # Also not by an address in the token: that is an attribute people may edit.
    claims = {"sub": "somebody-else", "email": "owner@ornek.example", "email_verified": True}
    assert _principal(desk, issuer, known[0].id, **claims) is None


def test_a_person_who_is_not_active_is_nobody(
    desk: Desk, issuer: Issuer, known: tuple[Tenant, Person]
) -> None:
    tenant, person = known
    desk.state.persons[person.id] = replace(person, state=PersonState.INVITED)
    assert _principal(desk, issuer, tenant.id) is None


def test_a_sensitive_act_asks_a_token_for_a_fresh_proof_too(
    desk: Desk, issuer: Issuer, known: tuple[Tenant, Person]
) -> None:
    tenant, _ = known
    fresh = _principal(desk, issuer, tenant.id)
    assert fresh is not None
    require_fresh(fresh, desk.clock.now())
    stale = _principal(desk, issuer, tenant.id, auth_time=issuer.now - 1_000)
    assert stale is not None
    with pytest.raises(ForbiddenError):
        require_fresh(stale, desk.clock.now())


def test_a_company_that_asks_for_two_factors_gets_them_from_the_provider(
    desk: Desk, issuer: Issuer, known: tuple[Tenant, Person]
) -> None:
    tenant, _ = known
    strict = replace(desk.state.tenants[tenant.id], second_factor_roles=("owner",))
    desk.state.tenants[tenant.id] = strict
    allowed = _principal(desk, issuer, tenant.id)
    assert allowed is not None
    assert allowed.tenant_id == tenant.id
    desk.app.__dict__.pop("provider", None)
    desk.app.own_provider = issuer.provider(second_factor=False)
    barred = _principal(desk, issuer, tenant.id)
    assert barred is not None
    assert (barred.tenant_id, barred.barred) == ("", "second_factor_required")


def test_a_token_lives_no_longer_than_it_says(
    desk: Desk, issuer: Issuer, known: tuple[Tenant, Person]
) -> None:
    token = Secret(issuer.sign(issuer.access_claims()))
    assert desk.app.identify_token()(token, known[0].id) is not None
    desk.clock.advance(timedelta(minutes=52))
    assert desk.app.identify_token()(token, known[0].id) is None
