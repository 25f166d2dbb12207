"""What payroll corrects and takes back before anything is sent."""

from typing import Any

import pytest

from tests.support.events import Answer
from tests.support.pensions_builders import tckn
from tests.support.pensions_desk import Desk, contract_body, person_body


def _with_version(desk: Desk, method: str, path: str, body: Any = None) -> Answer:
    etag = desk.ask("GET", path).headers["etag"]
    return desk.ask(method, path, body, headers={"if-match": etag})


def test_a_contract_is_replaced_and_removed(desk: Desk) -> None:
    path = desk.registered("garanti")
    replaced = _with_version(desk, "PUT", path, contract_body(pay_days=[5, 20]))
    assert (replaced.status, replaced.json()["pay_days"]) == (200, [5, 20])
    assert _with_version(desk, "DELETE", path).status == 204
    assert desk.ask("GET", path).status == 404


def test_a_person_is_replaced_and_shown_for_a_reason(desk: Desk) -> None:
    path = desk.registered("garanti")
    made = desk.call("POST", f"{path}/employees", person_body(tckn(1)))
    wish = person_body(tckn(1), first_name="Zeynep")
    replaced = _with_version(desk, "PUT", f"{path}/employees/{made['id']}", wish)
    assert (replaced.status, replaced.json()["first_name"]) == (200, "Zeynep")
    shown = desk.ask(
        "POST", f"/v1/pensions/employees/{made['id']}/reveal", {"reason": "payroll_check"}
    )
    assert (shown.status, shown.json()["national_id"]) == (200, tckn(1))


def test_the_total_of_a_list_is_told_when_nothing_is_filtered(desk: Desk) -> None:
    path = desk.registered("garanti")
    for number in (1, 2):
        desk.call("POST", f"{path}/employees", person_body(tckn(number), last_name="Işık"))
    assert desk.call("GET", f"{path}/employees")["total"] == 2
    found = desk.call("GET", f"{path}/employees", query={"q": "ISIK", "status": "enrolled"})
    assert (found["items"], "total" in found) == ([], False)


@pytest.mark.parametrize(
    ("username", "password", "wrong"),
    [
        ("ws-1", "parola\n", ["/password"]),
        ("ws\u200b1", "paro\x00la", ["/username", "/password"]),
        ("ws-1", "\ufffe", ["/password"]),
        (" ws 1 ", " şifre-ΑΒΓ-€ & <p> ", []),
    ],
)
def test_credentials_that_no_call_could_carry_are_refused_at_once(
    desk: Desk, username: str, password: str, wrong: list[str]
) -> None:
    path = desk.registered("garanti")
    stated = {"username": username, "password": password}
    answer = desk.ask("PUT", f"{path}/credentials", stated)
    assert answer.status == (422 if wrong else 204)
    if wrong:
        assert [one["pointer"] for one in answer.json()["errors"]] == wrong
        assert {one["code"] for one in answer.json()["errors"]} == {"invisible"}


def test_an_import_is_undone(desk: Desk) -> None:
    path = desk.registered("garanti")
    names = ("TC Kimlik No", "Ad", "Soyad", "Doğum Tarihi", "Cep Telefonu", "İşe Giriş Tarihi")
    row = (tckn(2), "Ayşe", "Yılmaz", "01.02.1990", "05321234567", "01.03.2024")
    text = ";".join(names) + "\r\n" + ";".join(row) + "\r\n"
    job = desk.imported(path, "employees", text.encode(), "text/csv")
    assert list(desk.people(path)) == [tckn(2)]
    assert desk.call("POST", f"/v1/pensions/imports/{job['id']}/undo")["undone"] == 1
    assert desk.people(path) == {}


def test_a_contribution_is_changed_and_withdrawn(desk: Desk) -> None:
    path = desk.registered("garanti")
    person = desk.call("POST", f"{path}/employees", person_body(tckn(3)))
    wish = {
        "employee_id": person["id"],
        "year": 2026,
        "month": 5,
        "pensionable_earnings": {"amount": "10000.00", "currency": "TRY"},
    }
    made = desk.call("POST", f"{path}/contributions", wish)
    one = f"{path}/contributions/{made['id']}"
    more = {"pensionable_earnings": {"amount": "20000.00", "currency": "TRY"}}
    changed = _with_version(desk, "PATCH", one, more)
    assert (changed.status, changed.json()["amount"]["amount"]) == (200, "600.00")
    shown = desk.call("GET", f"/v1/pensions/contributions/{made['id']}")
    assert any("20,000.00" in sentence for sentence in shown["why"]), "its timeline leads here"
    assert shown["due_on"] > shown["paid_on"]
    assert shown["due_why"], "why the insurer is to be paid by then"
    assert _with_version(desk, "DELETE", one).status == 204
    assert desk.ask("GET", one).status == 404
