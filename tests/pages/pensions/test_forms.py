"""What forms do: save and lead on, or come back with the problems at their fields."""

import base64
import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
import xlsxwriter

from kernel.clock import FixedClock
from kernel.money import Money
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import EmployeeStatus
from tests.pages.pensions.conftest import IBAN, MONTH, TENANT, Site, contribution
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke
from tests.support.fakes.insurers import FakeInsurers
from tests.support.page_checks import assert_sound, parse
from tests.support.pensions_builders import tckn

CONTRACT = {
    "provider_code": "anadolu",
    "contract_code": "1426416",
    "contract_no": "12638716",
    "payroll_contract_no": "12638716",
    "min_deduction_rate": "3,00",
    "starts_on": "2017-11-01",
    "pay_days": "5, 20",
}
PERSON = {
    "national_id": tckn(50),
    "first_name": "Işık",
    "last_name": "Gül",
    "birth_date": "1990-02-17",
    "mobile": "0532 123 45 67",
    "hired_on": "2026-01-02",
    "contribution_rate": "4,50",
}

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STALE = "2020-01-01T00:00:00+00:00"


def summary(answer: Answer) -> list[str]:
    """Sentences of the error summary."""
    found = parse(answer.body).xpath("//*[@id='error-summary']//li")
    return [item.text_content().strip() for item in found]


def key_of(answer: Answer) -> str:
    """The command key a page drew into its form."""
    return str(parse(answer.body).xpath("//input[@name='idempotency_key']/@value")[0])


# ---------------------------------------------------------------------------- contracts


def test_a_contract_is_saved_and_shown(site: Site) -> None:
    answer = site.post("/pensions/contracts", CONTRACT)
    assert answer.status == 303
    page = site.get(answer.location.partition("?")[0], {"done": "registered"})
    assert "The contract is saved." in page.body
    stored = site.use.store.contract(answer.location.split("/")[-1].partition("?")[0])
    assert stored.pay_days == (5, 20)
    assert stored.min_deduction_rate.to_api() == "3.00"


def test_all_problems_of_a_contract_at_once_and_nothing_typed_is_lost(site: Site) -> None:
    wrong = {**CONTRACT, "contract_no": "", "starts_on": "2017-02-30", "pay_days": "5, x"}
    answer = site.speaking("tr").post("/pensions/contracts", wrong)
    assert answer.status == 422
    assert_sound(answer.body, "tr")
    assert len(summary(answer)) == 3
    assert "1426416" in answer.body
    assert 'value="5, x"' in answer.body


def test_a_stale_contract_form_says_so_and_keeps_the_entries(site: Site) -> None:
    path = f"/pensions/contracts/{site.contract.id}/edit"
    version = str(site.contract.stamp.version)
    form = {
        **CONTRACT,
        "provider_code": "aegon",
        "contract_no": "KM1",
        "payroll_contract_no": "KM1",
    }
    assert site.post(path, {**form, "version": version}).status == 303
    again = site.post(path, {**form, "contract_code": "777", "version": version})
    assert again.status == 412
    assert "Changed in the meantime" in again.body
    assert 'value="777"' in again.body
    assert_sound(again.body, "en")


def test_an_account_left_empty_stays_and_a_tick_removes_it(site: Site) -> None:
    path = f"/pensions/contracts/{site.contract.id}/edit"
    page = site.get(path)
    assert IBAN not in page.body
    form = {**CONTRACT, "provider_code": "aegon"}
    site.post(path, {**form, "version": str(site.contract.stamp.version)})
    kept = site.use.store.contract(site.contract.id)
    assert kept.provider_iban is not None
    site.post(path, {**form, "version": str(kept.stamp.version), "remove_provider_iban": "1"})
    assert site.use.store.contract(site.contract.id).provider_iban is None


def test_a_contract_with_people_is_not_removed(staffed: Site) -> None:
    path = f"/pensions/contracts/{staffed.contract.id}/remove"
    answer = staffed.post(path, {"version": str(staffed.contract.stamp.version)})
    assert answer.status == 409
    assert summary(answer) == ["There are people under this contract; it cannot be removed."]


def test_credentials_are_never_shown_again(site: Site) -> None:
    path = f"/pensions/contracts/{site.contract.id}/credentials"
    missing = site.post(path, {"username": "ornek-kullanici", "password": ""})
    assert missing.status == 422
    assert_sound(missing.body, "en")
    assert (
        site.post(path, {"username": "ornek-kullanici", "password": "gizli-sozcuk"}).status == 303
    )
    for page in (site.get(path), site.get(f"/pensions/contracts/{site.contract.id}")):
        assert "gizli-sozcuk" not in page.body
        assert "ornek-kullanici" not in page.body


def test_credentials_and_bank_accounts_ask_for_a_fresh_proof(site: Site) -> None:
    stale = replace(site, principal=replace(site.principal, proved_at=STALE))
    contract = f"/pensions/contracts/{site.contract.id}"
    given = {"username": "ornek-kullanici", "password": "gizli-sozcuk"}
    led = stale.post(f"{contract}/credentials", given)
    assert (led.status, led.location) == (303, f"/confirm?return_to={contract}/credentials")
    form = CONTRACT | {"version": str(site.contract.stamp.version), "payer_iban": IBAN}
    assert stale.post(f"{contract}/edit", form).location == f"/confirm?return_to={contract}/edit"
    assert site.use.store.contract(site.contract.id).payer_iban is None


def test_the_connection_test_leads_back_or_says_why(site: Site, insurers: FakeInsurers) -> None:
    from pensions.handlers.test_credentials import handler

    door = replace(site, handler=handler)
    path = f"/pensions/contracts/{site.contract.id}/credentials"
    good = door.post(f"{path}/test")
    assert (good.status, good.location.partition("?")[2]) == (303, "done=test_ok")
    site.post(path, {"username": "ornek-kullanici", "password": "wrong"})
    refused = door.speaking("tr").post(f"{path}/test")
    assert refused.status == 422
    assert "Bağlantı denemesi başarısız" in refused.body
    again = door.post(f"{path}/test")
    assert again.status == 409  # one wrong password is enough


# ---------------------------------------------------------------------------- people


def test_a_person_is_added_and_found_by_name_number_and_status(site: Site) -> None:
    base = f"/pensions/contracts/{site.contract.id}/employees"
    added = site.post(base, PERSON)
    assert added.status == 303
    for query in ({"q": "işik"}, {"q": "IŞIK"}, {"q": tckn(50)}, {"status": "ready"}):
        # The search box repeats what was typed.
        assert "Işık Gül" in site.get(base, query, shows="typed by the reader").body, query
    assert "Nobody matches" in site.get(base, {"q": "zeynep"}).body
    person = next(iter(site.use.store.employees(site.contract.id)))
    assert person.contribution_rate is not None
    assert person.contribution_rate.to_api() == "4.50"


def test_every_wrong_field_of_a_person_is_named(site: Site) -> None:
    wrong = {**PERSON, "national_id": "12345678901", "mobile": "0212 123 45 67", "last_name": ""}
    answer = site.speaking("el").post(f"/pensions/contracts/{site.contract.id}/employees", wrong)
    assert answer.status == 422
    assert len(summary(answer)) == 3
    assert_sound(answer.body, "el")
    path = f"/pensions/contracts/{site.contract.id}/employees"
    twice = [site.post(path, PERSON, shows="typed by the reader") for _ in "12"]
    assert [item.status for item in twice] == [303, 409]


def test_looking_at_clear_values_is_an_act_with_a_trace(staffed: Site) -> None:
    person = staffed.people["enrolled"]
    path = f"/pensions/employees/{person.id}"
    assert tckn(2) not in staffed.get(path).body
    assert staffed.post(f"{path}/reveal").status == 422, "a reason is asked for"
    reason = {"reason": "person_asked"}
    shown = staffed.post(f"{path}/reveal", reason, shows="revealed on request")
    assert tckn(2) in shown.body
    assert "Personal data shown in clear" in staffed.get(path).body
    assert staffed.use.store.employee(person.id).status is EmployeeStatus.ENROLLED
    assert staffed.acting_as("payroll").post(f"{path}/reveal").status == 403


def test_done_elsewhere_wants_a_note(staffed: Site) -> None:
    path = f"/pensions/employees/{staffed.people['rejected'].id}/done-elsewhere"
    assert staffed.post(path, {"note": " "}).status == 422
    assert staffed.post(path, {"note": "ekrandan yüklendi"}).status == 303
    after = staffed.use.store.employee(staffed.people["rejected"].id)
    assert after.status is EmployeeStatus.DONE_ELSEWHERE


def test_a_person_is_taken_off_the_list(staffed: Site) -> None:
    person = staffed.people["ready"]
    form = {"version": str(person.stamp.version)}
    assert staffed.post(f"/pensions/employees/{person.id}/withdraw", form).status == 303
    assert staffed.get(f"/pensions/employees/{person.id}").status == 404
    enrolled = staffed.people["enrolled"]
    refused = staffed.post(
        f"/pensions/employees/{enrolled.id}/withdraw", {"version": str(enrolled.stamp.version)}
    )
    assert refused.status == 409


# ---------------------------------------------------------------------------- workbench, sending


def test_a_problem_is_corrected_in_place(staffed: Site) -> None:
    path = f"/pensions/contracts/{staffed.contract.id}/problems"
    person = staffed.people["invalid"]
    page = staffed.get(path, shows="refused input")
    assert "12345678901" in page.body
    assert "System error: the operator has been told." in page.body
    form = {"employee_id": person.id, "version": str(person.stamp.version)}
    wrong = staffed.post(path, {**form, "national_id": "12345678902"}, shows="refused input")
    assert wrong.status == 422
    field = f"fix-{person.id}-national_id"
    assert parse(wrong.body).xpath(f"//*[@id='error-summary']//a[@href='#{field}']")
    assert_sound(wrong.body, "en")
    assert staffed.post(path, {**form, "national_id": tckn(77)}).status == 303
    assert staffed.use.store.employee(person.id).status is EmployeeStatus.READY
    assert "Şule" not in staffed.get(path).body


def test_sending_asks_first_and_happens_once(staffed: Site, aws: AwsWorld) -> None:
    base = f"/pensions/contracts/{staffed.contract.id}"
    check = staffed.get(f"{base}/send")
    assert "Işıl" in check.body
    assert "Çağrı" not in check.body
    assert not aws.messages("pensions-prepare", delete=False)[1:]
    form = {"all": "1", "idempotency_key": key_of(check)}
    first, second = (staffed.post(f"{base}/submissions", form) for _ in "12")
    assert first.status == second.status == 303
    assert first.location == second.location
    jobs = [m for m in aws.messages("pensions-prepare") if "job_id" in m]
    assert len(jobs) == 1
    page = staffed.get(first.location)
    assert "Sending people to the insurer" in page.body
    assert parse(page.body).xpath("//*[@id='job']/@hx-get")
    assert_sound(page.body, "en")


def test_selected_people_are_sent_and_others_named(staffed: Site) -> None:
    base = f"/pensions/contracts/{staffed.contract.id}"
    chosen = [staffed.people[name].id for name in ("rejected", "held")]
    page = staffed.post(f"{base}/send", {"ids": chosen[0]})
    assert "Ömer" in page.body
    held = staffed.post(f"{base}/send", {"ids": chosen[1]})
    assert "cannot be sent now" in held.body
    assert not parse(held.body).xpath("//form[contains(@action, 'submissions')]")
    form = {"ids": chosen[0], "idempotency_key": key_of(page)}
    assert staffed.post(f"{base}/submissions", form).status == 303
    assert staffed.use.store.employee(chosen[0]).status is EmployeeStatus.READY


# ---------------------------------------------------------------------------- months


def test_a_month_is_calculated_and_explained(staffed: Site) -> None:
    base = f"/pensions/contracts/{staffed.contract.id}/months/{MONTH}"
    who = staffed.people["enrolled"]
    field = f"earnings-{who.id}"
    wrong = staffed.post(f"{base}/calculate", {field: "1.042"})
    assert wrong.status == 422
    assert parse(wrong.body).xpath(f"//*[@id='error-summary']//a[@href='#{field}']")
    assert staffed.post(f"{base}/calculate", {field: "33.333,34"}).status == 303
    page = staffed.speaking("tr").get(base)
    assert "1.000,00" in page.body
    assert "kuruşu atılarak" in page.body
    assert "Henüz gönderilmedi" in page.body


def test_rows_are_added_changed_and_removed(staffed: Site) -> None:
    base = f"/pensions/contracts/{staffed.contract.id}/months/{MONTH}"
    assert staffed.post(f"{base}/rows", {"amount": "120,00"}).status == 422
    form = {"employee_id": staffed.people["enrolled"].id, "amount": "120,00"}
    assert staffed.post(f"{base}/rows", form).status == 303
    item = next(iter(staffed.use.store.contributions(staffed.contract.id, MONTH)))
    assert item.amount == Money(12_000, "TRY")
    change = {"version": str(item.stamp.version), "amount": "121,00"}
    assert staffed.post(f"/pensions/contributions/{item.id}/edit", change).status == 303
    stale = staffed.post(f"/pensions/contributions/{item.id}/edit", change)
    assert stale.status == 412
    fresh = staffed.use.store.contribution(item.id)
    form = {"version": str(fresh.stamp.version)}
    assert staffed.post(f"/pensions/contributions/{item.id}/remove", form).status == 303
    assert staffed.get(f"/pensions/contributions/{item.id}/edit").status == 404


def test_the_gap_adds_up_in_words(paid: Site) -> None:
    page = paid.speaking("tr").get(f"/pensions/contracts/{paid.contract.id}/months/{MONTH}")
    for words in ("1.042,00", "968,00", "74,00", "Sigorta firması tahsilatı işleyemedi", "Cayma"):
        assert words in page.body, words


def test_the_bank_order_is_downloaded_and_closed(paid: Site) -> None:
    base = f"/pensions/contracts/{paid.contract.id}/remittances/{MONTH}"
    for kind, begins in {"pain001": "<?xml", "pdf": "%PDF", "csv": "\ufeff", "text": ""}.items():
        file = paid.get(f"{base}/files/{kind}", shows="account of the payee")
        assert file.status == 200
        assert file.body.startswith(begins)
        assert "attachment" in file.headers["content-disposition"]
    assert paid.get(f"{base}/files/doc").status == 404
    assert paid.get(f"{base}/paid").status == 200
    assert paid.post(f"{base}/paid").status == 303
    settled = [item.status for item in paid.use.store.contributions(paid.contract.id, MONTH)]
    assert ContributionStatus.SETTLED in settled
    assert paid.acting_as("finance").post(f"{base}/paid").status == 403


def test_sending_a_month_asks_first(staffed: Site) -> None:
    contribution(staffed, "enrolled", ContributionStatus.CALCULATED, 90)
    base = f"/pensions/contracts/{staffed.contract.id}/months/{MONTH}"
    check = staffed.get(f"{base}/send")
    assert "90.00" in check.body
    sent = staffed.post(f"{base}/submissions", {"idempotency_key": key_of(check)})
    assert sent.status == 303
    other = staffed.post(
        f"{base}/submissions", {"idempotency_key": key_of(staffed.get(f"{base}/send"))}
    )
    assert other.status == 409
    assert summary(other) == ["This month is being submitted already."]


# ---------------------------------------------------------------------------- payroll files


def test_the_upload_form_goes_to_the_bucket_and_the_policy_allows_it(site: Site) -> None:
    page = site.get(f"/pensions/contracts/{site.contract.id}/imports/employees")
    form = parse(page.body).xpath("//form[@enctype='multipart/form-data']")[0]
    origin = "/".join(form.get("action").split("/")[:3])
    assert f"form-action 'self' {origin}" in page.headers["content-security-policy"]
    back = form.xpath(".//input[@name='success_action_redirect']/@value")[0]
    assert f"/pensions/contracts/{site.contract.id}/imports/employees/" in back
    assert form.xpath(".//input[@type='file'][last()]/@name") == ["file"]


def test_an_import_from_columns_to_undo(site: Site, application: object) -> None:
    from kernel.files import UploadedFile

    upload = site.use.scope.ids.new()
    lines = [
        "Numara;Ad;Soyad;Doğum Tarihi;Cep Telefonu;İşe Giriş Tarihi",
        f"{tckn(60)};Işıl;Öz;17.02.1990;0532 123 45 60;01.03.2024",
        "12345678901;Ali;Can;17.02.1990;0532 123 45 61;01.03.2024",
    ]
    content = "\r\n".join(lines).encode("cp1254")
    site.use.files.keep_upload(upload, UploadedFile(content, "text/csv", "payroll.csv"))
    path = f"/pensions/contracts/{site.contract.id}/imports/employees/{upload}"
    page = site.get(path)
    assert "These fields need exactly one column each" in page.body
    assert tckn(60) not in page.body
    assert_sound(page.body, "en")
    names = lines[0].split(";")
    meanings = ["national_id", "first_name", "last_name", "birth_date", "mobile", "hired_on"]
    refused = _post_mapping(site, path, names, ["", *meanings[1:]])
    assert refused.status == 422
    checked = _post_mapping(site, path, names, meanings)
    assert checked.status == 303
    job = checked.location.split("/")[-1]
    site.use.run_import()(job)
    result = site.get(checked.location)
    for words in ("Nothing is imported yet", "2 rows would be brought in", "check digits"):
        assert words in result.body, words
    assert not parse(result.body).xpath("//*[@id='job']/@hx-get")
    assert not list(site.use.store.employees(site.contract.id))
    ran = site.post(f"/pensions/imports/{job}/run")
    assert ran.status == 303
    done = ran.location.split("/")[-1]
    site.use.run_import()(done)
    assert len(list(site.use.store.employees(site.contract.id))) == 2
    undone = site.post(f"/pensions/imports/{done}/undo")
    assert undone.status == 303
    assert not list(site.use.store.employees(site.contract.id))
    # The choice is remembered for the next file of this kind.
    assert "All required columns are recognised" in site.get(path).body


def test_a_workbook_with_two_sheets_says_which_one_was_read(site: Site) -> None:
    from kernel.files import UploadedFile

    header = ["TC Kimlik No", "Ad", "Soyad", "Doğum Tarihi", "Cep Telefonu", "İşe Giriş Tarihi"]
    person = [tckn(60), "Işıl", "Öz", "17.02.1990", "0532 123 45 60", "01.03.2024"]
    output = io.BytesIO()
    with xlsxwriter.Workbook(output) as book:
        for name in ("Merkez", "Şube & depo"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, header)
            sheet.write_row(1, 0, person)
    upload = site.use.scope.ids.new()
    workbook = UploadedFile(output.getvalue(), XLSX, "payroll.xlsx")
    site.use.files.keep_upload(upload, workbook)
    path = f"/pensions/contracts/{site.contract.id}/imports/employees/{upload}"
    meanings = ["national_id", "first_name", "last_name", "birth_date", "mobile", "hired_on"]
    checked = _post_mapping(site, path, header, meanings)
    site.use.run_import()(checked.location.split("/")[-1])
    words = "Only the sheet Merkez was read. Not read: Şube & depo."
    assert words in parse(site.get(checked.location).body).text_content()


def _post_mapping(site: Site, path: str, names: list[str], meanings: list[str]) -> Answer:
    from urllib.parse import urlencode

    from pensions.handlers.http.app import app

    pairs = [("csrf_token", app.csrf_token(site.principal))]
    for name, meaning in zip(names, meanings, strict=True):
        pairs += [("column", name), ("field", meaning)]
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
    event = http_event(
        "POST", path, principal=site.principal, body=urlencode(pairs), headers=headers
    )
    return invoke(site.handler, event)


# ---------------------------------------------------------------------------- every form


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_the_right_token_does_nothing(site: Site, token: str) -> None:
    answer = site.post("/pensions/contracts", {**CONTRACT, "csrf_token": token})
    assert answer.status == 403
    assert len(list(site.use.store.contracts())) == 1


def test_the_overview_names_what_is_not_done(paid: Site, clock: FixedClock) -> None:
    clock.advance(timedelta(days=6))  # wages of May are paid on 5 June
    page = paid.speaking("tr").get("/pensions/overview")
    for words in ("personeli düzelt", "personeli gönder", "ödeme talimatını ver"):
        assert words in page.body, words
    assert TENANT not in page.body


# ---------------------------------------------------------------------------- files


def exported(site: Site, page: str, query: dict[str, str]) -> set[str]:
    """Names in the CSV file that a filtered page offers."""
    from urllib.parse import parse_qsl, urlsplit

    body = parse(site.get(page, query).body)
    (href,) = (each for each in body.xpath("//a/@href") if "/exports/" in each and "csv" in each)
    parts = urlsplit(href)
    event = http_event(
        "GET", parts.path, principal=site.principal, query=dict(parse_qsl(parts.query))
    )
    answer = invoke(site.handler, event, shows="an export has clear values")
    assert answer.status == 200, answer.body
    content = base64.b64decode(answer.raw["body"]).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(content), delimiter=";"))
    return {line[lines[0].index("Ad")] for line in lines[1:]}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"Işıl", "Çağrı", "Deniz", "Ömer", "Şule", "Ğ", "Belirsiz", "Cayan"}),
        ({"status": "enrolled"}, {"Çağrı", "Deniz"}),
        ({"q": "ÇAĞRI"}, {"Çağrı"}),
        ({"status": "enrolled", "q": "omer"}, set()),
    ],
)
def test_a_file_of_people_holds_what_the_list_shows(
    staffed: Site, query: dict[str, str], names: set[str]
) -> None:
    page = f"/pensions/contracts/{staffed.contract.id}/employees"
    assert exported(staffed, page, query) == names
    shown = staffed.get(page, query).body
    assert {name for name in ("Işıl", "Çağrı", "Deniz", "Ömer", "Şule") if name in shown} == {
        name for name in names if name not in ("Ğ", "Belirsiz", "Cayan")
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"Çağrı", "Deniz", "Cayan"}),
        ({"status": "rejected"}, {"Deniz"}),
        ({"q": "çağ"}, {"Çağrı"}),
    ],
)
def test_a_file_of_a_month_holds_what_the_page_shows(
    paid: Site, query: dict[str, str], names: set[str]
) -> None:
    page = f"/pensions/contracts/{paid.contract.id}/months/{MONTH}"
    assert exported(paid, page, query) == names
