"""The second factor: RFC vectors, one use per code, recovery, mailed codes, policy, proofs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kernel.errors import (
    ConflictError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationError,
)
from kernel.sensitive import Secret, Tckn
from tests.support.pensions_builders import tckn
from tests.unit.workspace.conftest import PASSWORD, Desk
from toolkit.tokens import digest
from workspace.application.entrance import SignedIn, StepNeeded
from workspace.application.finish_sign_in import Finished
from workspace.application.sign_in import Visit
from workspace.domain.second_factor import (
    PERIOD,
    StepMethod,
    base32_of,
    clean_code,
    code_at,
    matching_step,
    otpauth_uri,
    recovery_code,
    secret_of,
    step_of,
)
from workspace.domain.user import Person

RFC_SECRET = b"12345678901234567890"
VISIT = Visit("203.0.113.9", "Firefox/1")


# ---------------------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    """RFC 6238 appendix B has eight digits; ours are the last six of them."""
    assert code_at(RFC_SECRET, seconds // PERIOD) == code[-6:]


def test_a_code_counts_one_step_around_and_once() -> None:
    now = datetime(2026, 6, 1, 9, tzinfo=UTC)
    current = step_of(now)
    for drift in (-1, 0, 1):
        code = code_at(RFC_SECRET, current + drift)
        assert matching_step(RFC_SECRET, code, now, 0) == current + drift
        assert matching_step(RFC_SECRET, code, now, current + drift) is None
    for drift in (-2, 2):
        assert matching_step(RFC_SECRET, code_at(RFC_SECRET, current + drift), now, 0) is None
    for wrong in ("", "12345", "1234567", "abcdef", "１２３４５６"):
        assert matching_step(RFC_SECRET, wrong, now, 0) is None


def test_what_an_authenticator_reads() -> None:
    base32 = base32_of(RFC_SECRET)
    assert secret_of(base32) == RFC_SECRET
    assert otpauth_uri(base32, "a@ornek.example") == (
        "otpauth://totp/K%C3%B6pr%C3%BC%3Aa%40ornek.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=K%C3%B6pr%C3%BC&digits=6&period=30"
    )
    shown = recovery_code(b"0123456789")
    assert shown == "GAYT-EMZU-GU3D-OOBZ"
    assert clean_code(f" {shown.lower()} ") == "GAYTEMZUGU3DOOBZ"


# ---------------------------------------------------------------------------- setting up


def _enter(desk: Desk, email: str = "owner@ornek.example") -> SignedIn | StepNeeded:
    return desk.app.sign_in()(email, PASSWORD, source_ip="ip", user_agent="Firefox/1")


def _session(desk: Desk) -> SignedIn:
    done = _enter(desk)
    assert isinstance(done, SignedIn)
    return done


def _code(desk: Desk, secret: Secret, drift: int = 0) -> str:
    return code_at(secret_of(secret.reveal("test")), step_of(desk.clock.now()) + drift)


def _set_up(desk: Desk, person: Person) -> tuple[Secret, tuple[str, ...], SignedIn]:
    """A factor in force; the session that set it up."""
    signed_in = _session(desk)
    made = desk.app.start_second_factor()(person)
    codes = desk.app.confirm_second_factor()(
        person, signed_in.session.digest, _code(desk, made.secret)
    )
    desk.later(minutes=1)
    return made.secret, codes, signed_in


def _finish(desk: Desk, step: SignedIn | StepNeeded, code: str) -> Finished:
    assert isinstance(step, StepNeeded)
    return desk.app.finish_sign_in()(step.token, code, user_agent="Firefox/1")


def test_a_factor_counts_after_its_first_code_and_ends_other_sessions(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    other = _session(desk)
    signed_in = _session(desk)
    made = desk.app.start_second_factor()(person)
    assert desk.app.read_second_factor()(person.id) is None
    assert isinstance(_enter(desk), SignedIn)
    confirm = desk.app.confirm_second_factor()
    with pytest.raises(ValidationError, match="invalid_input"):
        confirm(person, signed_in.session.digest, "000000")
    codes = confirm(person, signed_in.session.digest, _code(desk, made.secret))
    assert len(set(codes)) == 10
    assert desk.app.identify_session()(other.token, None) is None
    mine = desk.app.identify_session()(signed_in.token, None)
    assert mine is not None
    assert desk.state.sessions[signed_in.session.digest].second_factor
    hashes = desk.state.factors[person.id].recovery
    assert set(hashes) == {digest(clean_code(code)) for code in codes}
    with pytest.raises(ConflictError, match="second_factor_active"):
        desk.app.start_second_factor()(person)
    with pytest.raises(ConflictError, match="second_factor_active"):
        confirm(desk.state.persons[person.id], signed_in.session.digest, "000000")


def test_beginning_again_makes_the_first_secret_worthless(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    signed_in = _session(desk)
    first = desk.app.start_second_factor()(person)
    second = desk.app.start_second_factor()(person)
    assert first.secret != second.secret
    with pytest.raises(ValidationError):
        desk.app.confirm_second_factor()(
            person, signed_in.session.digest, _code(desk, first.secret)
        )
    assert desk.app.confirm_second_factor()(
        person, signed_in.session.digest, _code(desk, second.secret)
    )


def test_nothing_is_confirmed_that_was_not_begun(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    with pytest.raises(ConflictError, match="second_factor_missing"):
        desk.app.confirm_second_factor()(person, "digest", "000000")


# ---------------------------------------------------------------------------- signing in


def test_the_password_alone_opens_no_session_any_more(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    secret, _, _ = _set_up(desk, person)
    before = len(desk.state.sessions)
    step = _enter(desk)
    assert isinstance(step, StepNeeded)
    assert step.method is StepMethod.TOTP
    assert len(desk.state.sessions) == before
    assert desk.app.identify_session()(step.token, None) is None
    done = _finish(desk, step, _code(desk, secret))
    assert done.device is None
    assert done.signed_in.session.second_factor
    assert desk.app.identify_session()(done.signed_in.token, None) is not None


def test_a_code_and_a_step_are_good_once(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    secret, _, _ = _set_up(desk, person)
    step, rival = _enter(desk), _enter(desk)
    code = _code(desk, secret)
    _finish(desk, step, code)
    with pytest.raises(ValidationError):
        _finish(desk, rival, code)
    with pytest.raises(NotFoundError, match="sign_in_step_gone"):
        _finish(desk, step, _code(desk, secret, 1))
    assert _finish(desk, rival, _code(desk, secret, 1))


def test_two_hands_with_one_code_open_one_door(desk: Desk) -> None:
    """Both read the factor before either wrote it."""
    person = desk.person(desk.tenant())
    secret, _, _ = _set_up(desk, person)
    step, rival = _enter(desk), _enter(desk)
    code, reading = _code(desk, secret), desk.app.store.second_factor
    stale = reading(person.id)
    finish = desk.app.finish_sign_in()
    _finish(desk, step, code)
    newer = desk.state.factors[person.id]

    def late(person_id: str) -> object:
        return stale

    desk.app.store.second_factor = late  # type: ignore[method-assign, assignment]
    assert isinstance(rival, StepNeeded)
    with pytest.raises(ValidationError):
        finish(rival.token, code, user_agent="")
    assert desk.state.factors[person.id] == newer


def test_a_step_is_too_old_after_ten_minutes_and_after_a_reset(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    secret, _, signed_in = _set_up(desk, person)
    step = _enter(desk)
    desk.later(minutes=10)
    with pytest.raises(NotFoundError, match="sign_in_step_gone"):
        _finish(desk, step, _code(desk, secret))
    step = _enter(desk)
    desk.app.sign_out_everywhere()(person.id, keep=signed_in.session.digest)
    with pytest.raises(NotFoundError, match="sign_in_step_gone"):
        _finish(desk, step, _code(desk, secret))
    with pytest.raises(NotFoundError, match="sign_in_step_gone"):
        _finish(desk, StepNeeded(Secret("x" * 43), StepMethod.TOTP), "000000")


def test_five_codes_in_a_quarter_of_an_hour_are_enough(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    secret, _, _ = _set_up(desk, person)
    for _ in range(5):
        step = _enter(desk)
        with pytest.raises(ValidationError):
            _finish(desk, step, "000000")
    with pytest.raises(TooManyRequestsError):
        _finish(desk, _enter(desk), _code(desk, secret))


def test_a_recovery_code_is_good_once_and_new_ones_replace_all(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    _, codes, _ = _set_up(desk, person)
    assert _finish(desk, _enter(desk), codes[3].lower())
    with pytest.raises(ValidationError):
        _finish(desk, _enter(desk), codes[3])
    left = desk.app.read_second_factor()(person.id)
    assert left is not None
    assert len(left.recovery) == 9
    fresh = desk.app.renew_recovery_codes()(desk.state.persons[person.id])
    assert set(fresh).isdisjoint(codes)
    with pytest.raises(ValidationError):
        _finish(desk, _enter(desk), codes[4])
    assert _finish(desk, _enter(desk), fresh[0])


def test_a_factor_that_was_taken_away_asks_nothing(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    secret, _, signed_in = _set_up(desk, person)
    step = _enter(desk)
    desk.app.remove_second_factor()(desk.state.persons[person.id], signed_in.session.digest)
    with pytest.raises(NotFoundError, match="sign_in_step_gone"):
        _finish(desk, step, _code(desk, secret))
    assert isinstance(_enter(desk), SignedIn)
    with pytest.raises(ConflictError, match="second_factor_missing"):
        desk.app.remove_second_factor()(person, signed_in.session.digest)
    again = desk.app.start_second_factor()(person)
    assert again.secret != secret
    assert desk.state.factors[person.id].secret_version == 2


# ---------------------------------------------------------------------------- numbers


def _by_numbers(desk: Desk, device: Secret | None = None, **changes: str) -> SignedIn | StepNeeded:
    named = {"accountant_no": "mhn12", "national_id": tckn(7), **changes}
    return desk.app.sign_in().by_numbers(
        named["accountant_no"], named["national_id"], PASSWORD, replace(VISIT, device=device)
    )


def _with_numbers(desk: Desk) -> Person:
    person = desk.person(desk.tenant())
    unit = desk.app.store.unit("key:operator")
    unit.reserve_numbers(desk.app.numbers("MHN12", Tckn(tckn(7))), person.id)
    unit.commit()
    return person


def test_numbers_need_a_mailed_code_until_the_device_is_known(desk: Desk) -> None:
    _with_numbers(desk)
    step = _by_numbers(desk)
    assert isinstance(step, StepNeeded)
    assert step.method is StepMethod.MAIL
    desk.run_mail()
    mail = desk.mailer.sent[-1]
    assert (mail.to, mail.link, len(mail.code)) == ("owner@ornek.example", "", 6)
    with pytest.raises(ValidationError):
        _finish(desk, step, "999999")
    done = _finish(desk, step, f" {mail.code[:3]} {mail.code[3:]} ")
    assert done.device is not None
    assert not done.signed_in.session.second_factor
    assert isinstance(_by_numbers(desk, done.device), SignedIn)
    assert isinstance(_by_numbers(desk, Secret("y" * 43)), StepNeeded)
    desk.later(days=90)
    assert isinstance(_by_numbers(desk, done.device), StepNeeded)


def test_unknown_and_impossible_numbers_are_one_answer_and_one_effort(desk: Desk) -> None:
    _with_numbers(desk)
    for wrong in ({"national_id": tckn(8)}, {"national_id": "1"}, {"accountant_no": "?"}):
        before = len(desk.hasher.verified)
        with pytest.raises(UnauthorizedError, match="sign_in_refused"):
            _by_numbers(desk, None, **wrong)
        assert len(desk.hasher.verified) == before + 1
    assert desk.state.steps == {}


def test_guessing_numbers_is_counted(desk: Desk) -> None:
    _with_numbers(desk)
    for _ in range(5):
        with pytest.raises(UnauthorizedError):
            desk.app.sign_in().by_numbers("MHN12", tckn(7), Secret("wrong"), VISIT)
    with pytest.raises(TooManyRequestsError):
        _by_numbers(desk)


# ---------------------------------------------------------------------------- policy and proof


def test_a_role_that_needs_the_factor_has_no_company_without_it(desk: Desk) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant)
    clerk = desk.person(tenant, "payroll", "p@ornek.example")
    desk.app.change_tenant()(
        desk.context(tenant), expected_version=1, second_factor_roles=("owner",)
    )
    bare = _session(desk)
    seen = desk.app.identify_session()(bare.token, None)
    assert seen is not None
    assert (seen.tenant_id, seen.roles, seen.barred) == ("", (), "second_factor_required")
    other = _enter(desk, "p@ornek.example")
    assert isinstance(other, SignedIn)
    free = desk.app.identify_session()(other.token, None)
    assert free is not None
    assert (free.id, free.tenant_id) == (clerk.id, tenant.id)
    made = desk.app.start_second_factor()(person)
    desk.app.confirm_second_factor()(person, bare.session.digest, _code(desk, made.secret))
    now = desk.app.identify_session()(bare.token, None)
    assert now is not None
    assert (now.tenant_id, now.barred) == (tenant.id, "")


def test_a_proof_is_the_password_or_with_a_factor_its_code(desk: Desk) -> None:
    person = desk.person(desk.tenant())
    signed_in = _session(desk)
    prove = desk.app.prove_again()
    desk.later(minutes=20)
    with pytest.raises(ValidationError):
        prove(person, signed_in.session.digest, password=Secret("wrong"), code="")
    prove(person, signed_in.session.digest, password=PASSWORD, code="")
    assert desk.state.sessions[signed_in.session.digest].last_proof == desk.clock.now()
    secret, _, signed_in = _set_up(desk, person)
    with pytest.raises(ValidationError):
        prove(person, signed_in.session.digest, password=PASSWORD, code="")
    code = _code(desk, secret)
    prove(person, signed_in.session.digest, password=None, code=code)
    with pytest.raises(ValidationError):
        prove(person, signed_in.session.digest, password=None, code=code)
    proved = desk.state.sessions[signed_in.session.digest].proved_at
    assert proved is not None
    assert desk.clock.now() - proved < timedelta(seconds=1)


def test_one_ends_single_sessions_of_oneself_only(desk: Desk) -> None:
    tenant = desk.tenant()
    person = desk.person(tenant)
    stranger = desk.person(tenant, "payroll", "p@ornek.example")
    lost, mine = _session(desk), _session(desk)
    listed = {each.digest: each.id for each in desk.app.store.sessions_of(person.id)}
    with pytest.raises(NotFoundError):
        desk.app.end_session()(stranger.id, listed[lost.session.digest])
    desk.app.end_session()(person.id, listed[lost.session.digest])
    assert desk.app.identify_session()(lost.token, None) is None
    assert desk.app.identify_session()(mine.token, None) is not None
    with pytest.raises(NotFoundError):
        desk.app.end_session()(person.id, listed[lost.session.digest])
