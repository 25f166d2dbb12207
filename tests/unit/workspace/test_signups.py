"""Signing up: accepted by somebody, decided by the operator, activated by a link."""

import hashlib
from dataclasses import replace

import pytest

from kernel.errors import (
    ConflictError,
    NotFoundError,
    TooManyRequestsError,
    ValidationError,
)
from kernel.sensitive import Email, Tckn
from tests.support.pensions_builders import tckn
from tests.unit.workspace.conftest import PASSWORD, Desk
from workspace.adapters.agreement_texts import CURRENT, FOLDER, agreement
from workspace.domain.link import LinkPurpose
from workspace.domain.message import MessageKind
from workspace.domain.signup import Signup, SignupEntry, SignupState, check_tax_no
from workspace.domain.tenant import LANGUAGES
from workspace.domain.user import MembershipState

OPERATOR = "key:operator"
ENTRY = SignupEntry(
    company="Başvuran Ltd",
    tax_no="4540536920",
    name="Aday Kişi",
    email=Email("aday@ornek.example"),
    accountant_no="mhn 12".replace(" ", ""),
    national_id=Tckn(tckn(7)),
    language="tr",
)
# What people accepted must be readable for ever: a text that was shown is never edited, a new
# version is a new folder.
SHOWN = {
    ("2026-11", "tr"): "3ecbf4143ac21b2aa55529e8b84fd88d73533255467d6481bc4787011a49e516",
    ("2026-11", "el"): "d47955d5a954bfe794e01acf897c0119bf0743cfb942c6a5b6cabdbb32d770a1",
    ("2026-11", "en"): "c974227222e4064950e4129cebf4e2f12c2a93b5aaba2a5bc6a55e2398104d49",
}


def _sign_up(desk: Desk, entry: SignupEntry = ENTRY) -> Signup:
    desk.app.request_signup()(entry, source_ip="203.0.113.9")
    return desk.app.list_signups()(SignupState.REQUESTED, limit=1, after=None).items[0]


def _approve(desk: Desk, signup: Signup) -> Signup:
    return desk.app.approve_signup()(signup.id, actor=OPERATOR, correlation_id="corr")


def test_what_was_accepted_is_kept_with_version_time_and_address(desk: Desk) -> None:
    signup = _sign_up(desk)
    shown = agreement("tr")
    assert (signup.agreement, signup.agreement_language) == (CURRENT, "tr")
    assert signup.agreement_sha256 == shown.sha256
    assert (signup.accepted_at, signup.accepted_from) == (desk.clock.now(), "203.0.113.9")
    assert signup.accountant_no == "MHN12"
    assert signup.national_id_masked == Tckn(tckn(7)).masked
    assert tckn(7) not in repr(signup)


def test_a_published_agreement_never_changes() -> None:
    found = {
        (version.name, language): hashlib.sha256((version / f"{language}.txt").read_bytes())
        for version in FOLDER.iterdir()
        for language in LANGUAGES
    }
    assert {key: value.hexdigest() for key, value in found.items()} == SHOWN
    for language in LANGUAGES:
        assert len(agreement(language).paragraphs) == len(agreement("en").paragraphs) > 5


def test_signing_up_looks_nobody_up(desk: Desk) -> None:
    desk.person(desk.tenant(), "owner", "aday@ornek.example")
    before = dict(desk.state.persons)
    signup = _sign_up(desk)
    assert signup.state is SignupState.REQUESTED
    assert desk.state.persons == before
    assert desk.state.orders == []


def test_an_old_agreement_is_not_accepted(desk: Desk) -> None:
    with pytest.raises(ValidationError) as refused:
        _sign_up(desk, replace(ENTRY, agreement="2020-01"))
    assert [each.code for each in refused.value.problems] == ["agreement_outdated"]
    assert desk.state.signups == {}


def test_five_sign_ups_a_day_are_enough(desk: Desk) -> None:
    for _ in range(5):
        _sign_up(desk)
    with pytest.raises(TooManyRequestsError):
        _sign_up(desk)


def test_approval_opens_a_company_and_mails_the_activation(desk: Desk) -> None:
    signup = _approve(desk, _sign_up(desk))
    assert signup.state is SignupState.APPROVED
    tenant = desk.state.tenants[signup.tenant_id]
    assert tenant.name == "Başvuran Ltd"
    assert [event.type for event in desk.state.published] == ["workspace.TenantCreated.v1"]
    desk.run_mail()
    mail = desk.mailer.sent[-1]
    assert (mail.message.kind, mail.to) == (MessageKind.ACTIVATION, "aday@ornek.example")
    assert "/activations/" in mail.link
    # Opening the link a hundred times only shows.
    for _ in range(100):
        assert desk.app.show_link()(desk.token(), LinkPurpose.ACTIVATION).needs_password
    person = desk.app.accept_invitation()(desk.token(), PASSWORD, LinkPurpose.ACTIVATION)
    assert desk.state.memberships[tenant.id, person.id].state is MembershipState.ACTIVE
    assert desk.app.sign_in()("aday@ornek.example", PASSWORD, source_ip="ip", user_agent="")
    with pytest.raises(NotFoundError, match="link_invalid"):
        desk.app.show_link()(desk.token(), LinkPurpose.ACTIVATION)


def test_a_link_is_good_for_its_own_purpose_only(desk: Desk) -> None:
    _approve(desk, _sign_up(desk))
    desk.run_mail()
    with pytest.raises(NotFoundError, match="link_invalid"):
        desk.app.accept_invitation()(desk.token(), PASSWORD)


def test_a_sign_up_is_decided_once(desk: Desk) -> None:
    signup = _approve(desk, _sign_up(desk))
    with pytest.raises(ConflictError, match="signup_decided"):
        _approve(desk, signup)
    with pytest.raises(ConflictError, match="signup_decided"):
        desk.app.reject_signup()(signup.id, "Doppelt.", actor=OPERATOR)
    assert len(desk.state.tenants) == 1


def test_a_rejected_sign_up_opens_nothing(desk: Desk) -> None:
    signup = _sign_up(desk)
    after = desk.app.reject_signup()(signup.id, "Numara bulunamadı.", actor=OPERATOR)
    assert (after.state, after.note) == (SignupState.REJECTED, "Numara bulunamadı.")
    with pytest.raises(NotFoundError):
        desk.app.send_activation_again()(signup.id, actor=OPERATOR, correlation_id="c")
    assert desk.state.tenants == {}


def test_a_rejected_applicant_is_told_and_not_why(desk: Desk) -> None:
    signup = _sign_up(desk, replace(ENTRY, language="el"))
    desk.app.reject_signup()(signup.id, "Numara bulunamadı.", actor=OPERATOR)
    assert desk.message().person_id == ""
    desk.run_mail()
    (sent,) = desk.mailer.sent
    assert (sent.message.kind, sent.message.language) == (MessageKind.SIGNUP_REJECTED, "el")
    assert (sent.to, sent.name) == (ENTRY.email.reveal("test"), ENTRY.name)
    assert sent.company == ENTRY.company
    assert sent.link.endswith("/sign-up")
    assert "bulunamadı" not in repr(sent)


def test_numbers_belong_to_one_account(desk: Desk) -> None:
    _approve(desk, _sign_up(desk))
    second = _sign_up(desk, replace(ENTRY, company="İkinci Ltd"))
    assert _approve(desk, second).state is SignupState.APPROVED
    stranger = _sign_up(desk, replace(ENTRY, email=Email("baska@ornek.example")))
    with pytest.raises(ConflictError, match="numbers_taken"):
        _approve(desk, stranger)
    assert desk.state.signups[stranger.id].state is SignupState.REQUESTED
    assert len(desk.state.tenants) == 2


def test_an_activation_is_sent_again_until_somebody_joined(desk: Desk) -> None:
    signup = _approve(desk, _sign_up(desk))
    desk.run_mail()
    desk.app.send_activation_again()(signup.id, actor=OPERATOR, correlation_id="c")
    desk.run_mail()
    assert [mail.message.kind for mail in desk.mailer.sent] == [MessageKind.ACTIVATION] * 2
    desk.app.accept_invitation()(desk.token(), PASSWORD, LinkPurpose.ACTIVATION)
    with pytest.raises(ConflictError, match="user_not_invited"):
        desk.app.send_activation_again()(signup.id, actor=OPERATOR, correlation_id="c")


def test_a_sole_trader_is_kept_as_a_mask() -> None:
    assert check_tax_no(f" {tckn(3)} ") == Tckn(tckn(3)).masked
    for wrong in ("4540536921", "12345678901", "12"):
        with pytest.raises(ValidationError):
            check_tax_no(wrong)
