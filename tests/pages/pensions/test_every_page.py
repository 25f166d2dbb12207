"""Every page of the context in three languages: sound HTML, words in place, nothing raw."""

import re
from collections.abc import Iterator

import pytest

from pensions.domain.contribution import ContributionStatus
from tests.pages.pensions.conftest import MONTH, Site, contribution
from tests.support.page_checks import assert_sound, findings, parse
from webkit.i18n import LANGUAGES

# Words of code that must never reach a reader.
_RAW = re.compile(
    r"\b(credentials_missing|credentials_invalid|opted_out|done_elsewhere|awaiting_insurer|"
    r"no_policy|employees_import|enrolment_submission|partially_succeeded|mobile_invalid|"
    r"policy_not_active|not_sent|None|undefined)\b|%\([a-z_]+\)s|\{\{|\}\}"
)


# The form of an upload goes to the bucket: its signed fields stand in for a token of ours.
_FOR_THE_BUCKET = 'form that posts without token: <form method="post" action="http'


def addresses(site: Site) -> Iterator[str]:
    """One address of every GET route, with ids of things that exist."""
    base = f"/pensions/contracts/{site.contract.id}"
    month = f"{base}/months/{MONTH}"
    row = next(
        item
        for item in site.use.store.contributions(site.contract.id, MONTH)
        if item.status is ContributionStatus.REJECTED
    )
    yield from ("/pensions/overview", "/pensions/providers", "/pensions/contracts")
    yield from ("/pensions/contracts/new", base, f"{base}/edit", f"{base}/remove")
    yield from (f"{base}/credentials", f"{base}/employees", f"{base}/employees/new")
    yield from (f"{base}/send", f"{base}/problems", f"{base}/imports/employees")
    yield from (f"{base}/imports/{MONTH}", f"{base}/months", month, f"{month}/rows/new")
    yield from (f"{month}/calculate", f"{month}/send", f"{base}/months/2026-01")
    for person in site.people.values():
        yield f"/pensions/employees/{person.id}"
    ready = site.people["ready"].id
    yield from (f"/pensions/employees/{ready}/edit", f"/pensions/employees/{ready}/withdraw")
    yield from (
        f"/pensions/contributions/{row.id}/edit",
        f"/pensions/contributions/{row.id}/remove",
    )
    yield f"{base}/remittances/2026-01"


def visible(html: str) -> str:
    """The text of a page without addresses and hidden fields."""
    return " ".join(parse(html).xpath("//body")[0].text_content().split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound_and_speaks_the_language(paid: Site, language: str) -> None:
    reader = paid.speaking(language)
    contribution(paid, "held", ContributionStatus.CALCULATED, 30)
    for path in addresses(paid):
        # The form that corrects a refused identity number shows exactly what was typed.
        answer = reader.get(path, shows="refused input" if "problems" in path else None)
        assert answer.status == 200, (path, answer.status, answer.body[:300])
        found = [each for each in findings(answer.body, language) if _FOR_THE_BUCKET not in each]
        assert not found, (path, found)
        text = visible(answer.body)
        assert not (raw := _RAW.search(text)), (path, raw)
        ids = (paid.contract.id, paid.people["ready"].id)
        assert not [each for each in ids if each in text], path


def test_the_bank_order_in_three_languages(paid: Site) -> None:
    path = f"/pensions/contracts/{paid.contract.id}/remittances/{MONTH}"
    for language, words in {
        "tr": ("Son ödeme günü", "968,00", "IBAN eksik", "hafta sonu"),
        "el": ("Πληρωμή έως", "968,00", "Λείπει το IBAN", "Σαββατοκύριακο"),
        "en": ("Pay by", "968.00", "is missing", "weekend"),
    }.items():
        answer = paid.speaking(language).get(path, shows="account of the payee")
        assert answer.status == 200
        assert_sound(answer.body, language)
        for word in words:
            assert word in visible(answer.body), (language, word)


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/pensions/contracts/new", "viewer"),
        ("/pensions/contracts/{id}/credentials", "payroll"),
        ("/pensions/contracts/{id}/send", "viewer"),
        ("/pensions/contracts/{id}/employees/new", "finance"),
        ("/pensions/contracts/{id}/employees", "finance"),
        ("/pensions/contracts/{id}/months/2026-05/calculate", "viewer"),
    ],
)
def test_a_page_needs_its_permission(site: Site, path: str, role: str) -> None:
    answer = site.acting_as(role).get(path.format(id=site.contract.id))
    assert answer.status == 403
    assert "You may not do this" in answer.body


def test_nobody_is_sent_to_sign_in(site: Site) -> None:
    from tests.support.events import http_event, invoke

    answer = invoke(
        site.handler, http_event("GET", "/pensions/overview", headers={"accept": "text/html"})
    )
    assert answer.status == 303
    assert answer.location == "/sign-in?return_to=/pensions/overview"


def test_what_belongs_to_another_company_does_not_exist(paid: Site) -> None:
    from tests.pages.pensions.conftest import OTHER

    stranger = paid.acting_as("owner", tenant=OTHER)
    shared = {
        "/pensions/overview",
        "/pensions/providers",
        "/pensions/contracts",
        "/pensions/contracts/new",
    }
    for path in addresses(paid):
        answer = stranger.get(path)
        if path in shared:
            assert paid.contract.contract_no not in answer.body
        else:
            assert answer.status == 404, (path, answer.status)
            assert "This page does not exist" in answer.body
    assert (
        stranger.post(f"/pensions/contracts/{paid.contract.id}/remove", {"version": "1"}).status
        == 404
    )


def test_ids_that_are_none_are_not_found(site: Site) -> None:
    for path in (
        "/pensions/contracts/x",
        "/pensions/jobs/1",
        "/pensions/employees/..%2f",
        f"/pensions/contracts/{site.contract.id}/months/2026-13",
        f"/pensions/contracts/{site.contract.id}/imports/people",
    ):
        assert site.get(path).status == 404, path


def test_a_reader_with_few_rights_sees_no_buttons_that_write(paid: Site) -> None:
    viewer = paid.acting_as("viewer")
    base = f"/pensions/contracts/{paid.contract.id}"
    for path in (
        "/pensions/contracts",
        base,
        f"{base}/employees",
        f"{base}/problems",
        f"{base}/months/{MONTH}",
        f"/pensions/employees/{paid.people['ready'].id}",
    ):
        page = parse(viewer.get(path).body)
        inside = page.xpath("//main//form[@method='post']")
        assert not inside, (path, [form.get("action") for form in inside])
