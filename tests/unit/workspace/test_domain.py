"""Rules of the workspace: passwords, people, sessions, links, keys, notes, subjects, uploads."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ParseError,
    RuleViolationError,
    ValidationError,
)
from kernel.passwords import MAX_LENGTH, check_password
from kernel.sensitive import Email
from tests.support.scanner import CANARY_PASSWORD
from workspace.domain.api_key import ApiKey, ApiKeyState, check_scopes, looks_like_key, secret_of
from workspace.domain.incident import Incident, resolve
from workspace.domain.link import LinkPurpose, new_link
from workspace.domain.note import check_note
from workspace.domain.session import Session, device_of
from workspace.domain.subject import Subject
from workspace.domain.tenant import check_zone, new_tenant
from workspace.domain.upload import check_upload
from workspace.domain.user import (
    Company,
    Membership,
    MembershipState,
    Person,
    check_roles,
    refuse_self,
    remaining_owner,
    with_company,
    without_company,
)

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
TODAY = date(2026, 6, 1)
EMAIL = Email("ayse@ornek.example")
WORDS = ("Ayşe Demir", "ayse.demir@ornek.example", "Yıldız Mali Müşavirlik")


# ---------------------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("kısa parola", "PASSWORD_SHORT"),
        ("elevenchars", "PASSWORD_SHORT"),
        ("x" * (MAX_LENGTH + 1), "PASSWORD_LONG"),
        ("password1234", "PASSWORD_COMMON"),
        ("P4ssw0rd!!2024", "PASSWORD_COMMON"),
        ("Şifre1234567", "PASSWORD_COMMON"),
        ("İSTANBUL2024!", "PASSWORD_COMMON"),
        ("ıstanbulANKARA", "PASSWORD_COMMON"),
        ("Κωδικός12345!", "PASSWORD_COMMON"),
        ("qwertyuıopğü1", "PASSWORD_COMMON"),
        ("abcdefghijkl", "PASSWORD_COMMON"),
        ("098765432109", "PASSWORD_COMMON"),
        ("aaaaaaaaaaaaaa", "PASSWORD_COMMON"),
        ("kopru-parola-1", "PASSWORD_COMMON"),
        ("Yıldız-Müşavirlik-26", "PASSWORD_OWN_WORDS"),
        ("AyseDemir2026!", "PASSWORD_OWN_WORDS"),
    ],
)
def test_guessable_passwords_are_refused(password: str, code: str) -> None:
    with pytest.raises(ParseError) as refused:
        check_password(password, words=WORDS)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "password",
    [
        CANARY_PASSWORD,
        "correct horse battery staple",
        "mavi kedi yedi dağ",
        "x9$kLm2#pQ4z",
        "dört elma beş armut",
        "τρεις γάτες κόκκινες",
        "demirden bir köprü kurdum",
    ],
)
def test_long_unrelated_words_are_accepted(password: str) -> None:
    assert check_password(password, words=WORDS) == password


@given(st.text(min_size=0, max_size=11))
def test_short_is_short_whatever_the_characters(password: str) -> None:
    with pytest.raises(ParseError, match="PASSWORD_SHORT"):
        check_password(password)


def _verdict(password: str) -> str:
    try:
        return "accepted" if check_password(password, words=WORDS) == password else "changed"
    except ParseError as error:
        return error.code


@given(st.text(min_size=12, max_size=60))
def test_every_text_gets_a_verdict(password: str) -> None:
    assert _verdict(password) in ("accepted", "PASSWORD_COMMON", "PASSWORD_OWN_WORDS")


# ---------------------------------------------------------------------------- people


def _member(person_id: str, *roles: str, **changes: object) -> Membership:
    base = Membership(person_id, EMAIL, "A B", roles, state=MembershipState.ACTIVE)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_mandate_counts_from_its_first_to_its_last_day() -> None:
    member = _member("p", "payroll", until=TODAY)
    assert member.counts_on(TODAY)
    assert not member.counts_on(TODAY + timedelta(days=1))
    coming = _member("p", "payroll", since=TODAY)
    assert coming.counts_on(TODAY)
    assert not coming.counts_on(TODAY - timedelta(days=1))
    assert not replace(member, state=MembershipState.INVITED).counts_on(TODAY)
    assert not replace(member, state=MembershipState.REMOVED).counts_on(TODAY)


def test_roles_are_known_ordered_and_unique() -> None:
    assert check_roles(["payroll", "owner", "payroll"]) == ("owner", "payroll")
    for wrong, code in ((["operator"], "role_unknown"), ([], "role_required")):
        with pytest.raises(ValidationError) as refused:
            check_roles(wrong)
        assert refused.value.problems[0].code == code


def test_the_last_owner_stays() -> None:
    owner, other = _member("a", "owner"), _member("b", "payroll")
    assert remaining_owner([other, owner], None, TODAY) == owner
    both = replace(owner, roles=("owner", "finance"))
    assert remaining_owner([other], both, TODAY) == both
    for others, after in (
        ([other], None),
        ([other], replace(owner, roles=("finance",))),
        ([other], replace(owner, until=TODAY - timedelta(days=1))),
        # Tomorrow the company would have nobody.
        ([other], replace(owner, until=TODAY + timedelta(days=1))),
        ([other], replace(owner, since=TODAY + timedelta(days=1))),
        ([replace(owner, state=MembershipState.INVITED)], None),
    ):
        with pytest.raises(RuleViolationError, match="last_owner"):
            remaining_owner(others, after, TODAY)


def test_nobody_changes_the_own_roles() -> None:
    refuse_self("a", "b")
    with pytest.raises(ForbiddenError, match="own_roles"):
        refuse_self("a", "a")


def test_companies_of_a_person_keep_their_order_and_newest_name() -> None:
    person = Person("p", EMAIL, "A B")
    for name in ("t1", "t2"):
        person = with_company(person, Company(name, name.upper()))
    person = with_company(person, Company("t1", "Yeni"))
    assert person.companies == (Company("t1", "Yeni"), Company("t2", "T2"))
    assert without_company(person, "t1").companies == (Company("t2", "T2"),)
    assert without_company(person, "t9") == person


def test_a_tenant_has_a_title_a_language_and_a_zone() -> None:
    tenant = new_tenant("t", " Yıldız  Ltd. Şti. ", "el", "Europe/Athens")
    assert tenant.name == "Yıldız Ltd. Şti."
    for name, language, zone, pointer in (
        ("", "tr", "UTC", "/name"),
        ("A", "de", "UTC", "/language"),
        ("A", "tr", "Mars/Base", "/zone"),
        ("A", "tr", "../etc/passwd", "/zone"),
    ):
        with pytest.raises(ValidationError) as refused:
            new_tenant("t", name, language, zone)
        assert refused.value.problems[0].pointer == pointer
    assert check_zone("UTC") == "UTC"


# ---------------------------------------------------------------------------- sessions, links


def test_a_session_ends_idle_absolutely_or_everywhere() -> None:
    session = Session("s", "p", 3, "t", NOW, NOW)
    assert session.is_alive(NOW + timedelta(minutes=29, seconds=59), 3)
    assert not session.is_alive(NOW + timedelta(minutes=30), 3)
    assert not session.is_alive(NOW, 4)
    busy = replace(session, last_seen_at=NOW + timedelta(hours=11, minutes=59))
    assert busy.is_alive(NOW + timedelta(hours=11, minutes=59, seconds=59), 3)
    assert not busy.is_alive(NOW + timedelta(hours=12), 3)
    assert session.ends_at == NOW + timedelta(hours=12)
    assert not session.needs_touch(NOW + timedelta(seconds=59))
    assert session.needs_touch(NOW + timedelta(seconds=60))


def test_a_device_is_a_family_and_nothing_more() -> None:
    chrome = "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
    assert device_of(chrome) == "Chrome"
    assert device_of(chrome + " Edg/120.0") == "Edge"
    assert device_of("Mozilla/5.0 Gecko/20100101 Firefox/121.0") == "Firefox"
    assert device_of("<script>") == ""


@pytest.mark.parametrize(
    ("purpose", "lifetime"),
    [
        (LinkPurpose.INVITATION, timedelta(hours=72)),
        (LinkPurpose.PASSWORD_RESET, timedelta(minutes=30)),
    ],
)
def test_a_link_is_open_for_its_purpose_and_time(purpose: LinkPurpose, lifetime: timedelta) -> None:
    link = new_link("d", purpose, "p", "t", NOW)
    assert link.is_open(purpose, NOW + lifetime - timedelta(seconds=1))
    assert not link.is_open(purpose, NOW + lifetime)
    assert not replace(link, used=True).is_open(purpose, NOW)
    assert not any(link.is_open(other, NOW) for other in LinkPurpose if other is not purpose)


# ---------------------------------------------------------------------------- keys


def test_keys_have_one_shape() -> None:
    token = "A" * 42 + "_"
    assert looks_like_key(secret_of(token, live=True))
    assert secret_of(token, live=False).startswith("kopru_test_")
    for wrong in (token, "kopru_test_short", "kopru_prod_" + token, secret_of("ş" * 43, live=True)):
        assert not looks_like_key(wrong)


def test_a_key_works_to_the_end_of_its_last_day() -> None:
    key = ApiKey("k", "n", "h", ("a:b:c",), expires_on=TODAY)
    assert key.works_on(TODAY)
    assert not key.works_on(TODAY + timedelta(days=1))
    assert not replace(key, state=ApiKeyState.REVOKED).works_on(TODAY)


def test_nobody_gives_more_than_they_have() -> None:
    def may(scope: str) -> bool:
        return scope.startswith("pensions:")

    assert check_scopes(["pensions:*:read", "pensions:*:read"], may) == ("pensions:*:read",)
    with pytest.raises(ForbiddenError, match="scope_exceeds_own"):
        check_scopes(["pensions:*:read", "workspace:*:*"], may)
    for wrong, code in (
        ([], "scope_required"),
        (["pensions"], "scope_shape"),
        (["*:*:*"], "scope_shape"),
        (["pensions:*:read "], "scope_shape"),
        ([f"pensions:a{n}:read" for n in range(51)], "scope_required"),
    ):
        with pytest.raises(ValidationError) as refused:
            check_scopes(wrong, may)
        assert refused.value.problems[0].code == code


# ---------------------------------------------------------------------------- spine


def test_a_note_says_something_and_names_nobody() -> None:
    assert check_note("  Şifre yenilendi.\n") == "Şifre yenilendi."
    for wrong, code in (
        ("", "required"),
        ("  ", "required"),
        ("kişi 10000000146 için", "personal_data"),
        ("hesap TR330006100519786457841326", "personal_data"),
        ("x" * 501, "length"),
        ("a\u202eb", "invisible"),
    ):
        with pytest.raises(ValidationError) as refused:
            check_note(wrong)
        assert refused.value.problems[0].code == code
    assert check_note("fiş no 12345678901") == "fiş no 12345678901"


def test_an_incident_is_resolved_once() -> None:
    done = resolve(Incident("i", "t", "a:b", "c"), "bitti", "user:x", "2026-06-01T09:00:00Z")
    assert (done.note, done.resolved_by) == ("bitti", "user:x")
    with pytest.raises(ConflictError, match="incident_resolved"):
        resolve(done, "yine", "user:y", "2026-06-01T10:00:00Z")


def test_a_subject_is_kind_and_id_or_nothing() -> None:
    for text in ("employee:01KT16JKM00000000000000001", "card_contract:GÖK-26"):
        assert str(Subject.parse(text)) == text
    for wrong in (
        "",
        "employee",
        "employee:1",
        "Employee:01KT16JKM00000000000000001",
        "a#b:c",
        "card_contract:A#B",
    ):
        with pytest.raises(NotFoundError):
            Subject.parse(wrong)


def test_an_upload_has_a_plain_name_a_known_type_and_a_size() -> None:
    assert check_upload("../../bordro haziran.xlsx", "text/csv", 1) == "_.._bordro haziran.xlsx"
    assert check_upload("C:\\bordro.csv", "text/csv", 10_000_000) == "C__bordro.csv"
    assert check_upload("camt053.xml", "application/xml", 100_000_000) == "camt053.xml"
    with pytest.raises(ValidationError) as refused:
        check_upload("...", "text/html", 10_000_001)
    assert [problem.pointer for problem in refused.value.problems] == [
        "/filename",
        "/content_type",
        "/size",
    ]
    with pytest.raises(ValidationError):
        check_upload("a.csv", "text/csv", 0)
