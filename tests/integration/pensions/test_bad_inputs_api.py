"""Bad input at the door: every case of bad_inputs.json about these fields, through the HTTP API.

Refused means a problem of the 4xx kind that points at the member, with every table exactly as it
was; accepted or normalised means that the value read back is the one the case names. A bug of ours
(500) is never an answer. A field is one test over all its cases, because a fresh account takes
longer than a case.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.files import UploadedFile
from tests.acceptance.areas.bad_inputs_fields._workbook_builder import build
from tests.acceptance.inputs import decode
from tests.support.events import Answer
from tests.support.pensions_desk import Desk, contract_body, key_of, person_body

CASES: Final = json.loads(
    (Path(__file__).parents[2] / "acceptance" / "cases" / "bad_inputs.json").read_text("utf-8")
)["cases"]
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PERSON: Final = "12345678950"
UNKNOWN_ID: Final = "01JC3V9QJ8Z6T4M2N0P7R5S3XK"
PERSONNEL: Final = "tckn;ad;soyad;dogum_tarihi;cep;ise_giris_tarihi"
RIGHT_ROW: Final = "12345678950;Şükrü;Çağlayan;01.02.1990;05321234567;01.03.2024"
BIG: Final = b"x" * 10_000_000


def cases(field: str) -> list[dict[str, Any]]:
    """Cases of a field; a field without any is a mistake of the test."""
    found = [case for case in CASES if case["field"] == field]
    assert found, field
    return found


def raw_json(value: Any) -> str:
    """JSON text of an input, as the client of the case would send it."""
    if isinstance(value, dict) and "$json" in value:
        return str(value["$json"])
    return json.dumps(decode(value), ensure_ascii=False)


def body_with(base: Mapping[str, Any], member: str, value: Any) -> str:
    """A right body in which one member is the raw input of a case."""
    parts = [
        f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}"
        for k, v in base.items()
        if k != member
    ]
    return "{" + ", ".join([*parts, f"{json.dumps(member)}: {raw_json(value)}"]) + "}"


def refusal_of(answer: Answer, pointer: str | None, statuses: tuple[int, ...]) -> str:
    """What is wrong with a refusal, "" when nothing is."""
    if answer.status not in statuses:
        return f"answered {answer.status}: {answer.body[:200]}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"is no problem document but {answer.headers['content-type']}"
    problem = answer.json()
    if problem["status"] != answer.status or not problem["code"] or not problem["trace_id"]:
        return f"is an incomplete problem: {answer.body[:200]}"
    pointers = [item["pointer"] for item in problem["errors"]]
    if pointer is not None and pointers != [pointer]:
        return f"points at {pointers}, not at {pointer}"
    return ""


class Door:
    """Sends cases to the API and collects what went wrong."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.wrong: list[str] = []
        self.count = 0

    def send(
        self,
        case: Mapping[str, Any],
        request: Callable[[], Answer],
        pointer: str | None,
        read: Callable[[Any], Any],
        statuses: tuple[int, ...] = (422,),
    ) -> None:
        """One case: the request, where a problem must point, and what was stored otherwise."""
        before = self.desk.contents()
        answer = request()
        name = f"{case['id']} ({case['why']})"
        self.count += 1
        if case["verdict"] == "reject":
            complaint = refusal_of(answer, pointer, statuses)
            if complaint:
                self.wrong.append(f"{name} {complaint}")
            if self.desk.contents() != before:
                self.wrong.append(f"{name} left something behind")
            return
        if answer.status >= 300:
            self.wrong.append(f"{name} was refused: {answer.status} {answer.body[:300]}")
            return
        wanted = case.get("normalised", decode(case["input"]))
        stored = read(answer.json())
        if stored != wanted:
            self.wrong.append(f"{name} is stored as {stored!r}, not {wanted!r}")

    def judge(self, field: str, times: int = 1) -> None:
        """Every case of the field was sent, and nothing went wrong."""
        assert self.count == times * len(cases(field))
        assert self.wrong == []


@pytest.fixture
def door(desk: Desk) -> Door:
    return Door(desk)


def contracts(desk: Desk) -> Iterator[str]:
    """One contract after another, so that a person can be registered again and again."""
    for number in range(1, 1000):
        yield desk.registered("garanti", contract_no=f"C{number}")


# ---------------------------------------------------------------------------- fields of a person

PERSON_FIELDS: Final = [
    ("national_id", "national_id"),
    ("person_name", "first_name"),
    ("person_name", "last_name"),
    ("mobile_tr", "mobile"),
    ("email", "email"),
    ("iban_tr", "iban"),
    ("rate_api", "contribution_rate"),
    ("date_api", "hired_on"),
]


@pytest.mark.parametrize(("field", "member"), PERSON_FIELDS)
def test_a_field_of_a_person(door: Door, field: str, member: str) -> None:
    desk = door.desk
    bases = contracts(desk)
    for case in cases(field):
        base = next(bases)
        content = body_with(person_body(PERSON), member, case["input"])

        def request(base: str = base, content: str = content) -> Answer:
            headers = {"content-type": "application/json"}
            return desk.ask("POST", f"{base}/employees", content, headers=headers)

        def read(made: Any, base: str = base) -> Any:
            return desk.call("GET", f"{base}/employees/{made['id']}")[member]

        door.send(case, request, f"/{member}", read)
    door.judge(field)


@pytest.mark.parametrize(("field", "member"), PERSON_FIELDS)
def test_a_field_of_a_person_that_is_changed(door: Door, field: str, member: str) -> None:
    """A refused change leaves the person as it was, version and history included."""
    desk = door.desk
    base = desk.registered("garanti")
    made = desk.call("POST", f"{base}/employees", person_body("99000000042"))
    path = f"{base}/employees/{made['id']}"
    for case in cases(field):
        content = body_with({}, member, case["input"])

        def request(content: str = content) -> Answer:
            version = desk.call("GET", path)["version"]
            headers = {"content-type": "application/json", "if-match": f'"v{version}"'}
            return desk.ask("PATCH", path, content, headers=headers)

        door.send(case, request, f"/{member}", lambda _: desk.call("GET", path)[member])
    door.judge(field)


# ---------------------------------------------------------------------------- fields of a contract


@pytest.mark.parametrize(
    ("field", "member"),
    [
        ("contract_no", "contract_no"),
        ("contract_no", "contract_code"),
        ("contract_no", "payroll_contract_no"),
        ("rate_api", "min_deduction_rate"),
        ("date_api", "starts_on"),
        ("iban_tr", "provider_iban"),
        ("iban_tr", "payer_iban"),
    ],
)
def test_a_field_of_a_contract(door: Door, field: str, member: str) -> None:
    desk = door.desk
    for number, case in enumerate(cases(field)):
        other = {"contract_no": f"C{number}"} if member != "contract_no" else {}
        # A number may stand in one contract of a code only.
        other |= {"contract_code": f"K{number}"} if member == "contract_no" else {}
        content = body_with(contract_body(**other), member, case["input"])

        def request(content: str = content) -> Answer:
            headers = {"content-type": "application/json"}
            return desk.ask("POST", "/v1/pensions/contracts", content, headers=headers)

        def read(made: Any) -> Any:
            return desk.call("GET", f"/v1/pensions/contracts/{made['id']}")[member]

        door.send(case, request, f"/{member}", read)
    door.judge(field)


# ---------------------------------------------------------------------------- money and months


@pytest.mark.parametrize("member", ["amount", "pensionable_earnings"])
def test_an_amount(door: Door, member: str) -> None:
    desk = door.desk
    bases = contracts(desk)
    for case in cases("amount_api"):
        base = next(bases)
        made = desk.call("POST", f"{base}/employees", person_body(PERSON))
        fields = {"employee_id": made["id"], "year": 2026, "month": 5, "rate": "3.00"}
        content = body_with(fields, member, case["input"])

        def request(base: str = base, content: str = content) -> Answer:
            headers = {"content-type": "application/json"}
            return desk.ask("POST", f"{base}/contributions", content, headers=headers)

        def read(item: Any, base: str = base) -> Any:
            return desk.call("GET", f"{base}/contributions/{item['id']}")[member]

        # A member twice is a mistake of the whole document, so nothing can be pointed at.
        twice = case["id"] == "BI-AMOUNT-API-15"
        pointer = None if twice else f"/{member}"
        door.send(case, request, pointer, read, (400,) if twice else (422,))
    door.judge("amount_api")


def test_a_month_in_a_path(desk: Desk) -> None:
    """A month that is none does not exist; one without anything accepted is a conflict."""
    base = desk.registered("garanti")
    before = desk.contents()
    told = {
        case["id"]: desk.ask("GET", f"{base}/remittances/{case['input']}").status
        for case in cases("period")
    }
    assert told == {
        case["id"]: 404 if case["verdict"] == "reject" else 409 for case in cases("period")
    }
    assert desk.contents() == before


def test_an_identifier_in_a_path(desk: Desk) -> None:
    """What is no id of ours is not told from an id of somebody else."""
    paths = (
        "/v1/pensions/contracts/{}",
        "/v1/pensions/contracts/{}/employees",
        "/v1/pensions/employees/{}",
        "/v1/pensions/imports/{}/corrected-workbook",
    )
    for path in paths:
        unknown = desk.ask("GET", path.format(UNKNOWN_ID))
        assert unknown.status == 404
        for case in cases("path_id"):
            answer = desk.ask("GET", path.format(case["input"]))
            assert (answer.status, answer.body) == (404, unknown.body), case["id"]


def test_the_key_of_a_command(desk: Desk) -> None:
    base = desk.contract("garanti")
    desk.call("POST", f"{base}/employees", person_body(PERSON))
    for case in sorted(cases("idempotency_key"), key=lambda case: case["verdict"], reverse=True):
        values = [value for name, value in case["input"] if name.lower() == "idempotency-key"]
        headers = {"idempotency-key": ",".join(values)} if values else {}
        before = desk.contents()
        answer = desk.ask("POST", f"{base}/submissions", {"all": True}, headers=headers)
        if case["verdict"] == "accept":
            assert answer.status == 202, case["id"]
        else:
            assert refusal_of(answer, None, (400,)) == "", case["id"]
            assert desk.contents() == before, case["id"]


# ---------------------------------------------------------------------------- texts and bodies


def test_a_note(door: Door) -> None:
    desk = door.desk
    bases = contracts(desk)
    for case in cases("free_text"):
        made = desk.call("POST", f"{next(bases)}/employees", person_body(PERSON))
        path = f"/v1/pensions/employees/{made['id']}"
        content = body_with({}, "note", case["input"])

        def request(path: str = path, content: str = content) -> Answer:
            headers = {"content-type": "application/json"}
            return desk.ask("POST", f"{path}/mark-done-elsewhere", content, headers=headers)

        def read(_: Any, path: str = path) -> Any:
            return desk.call("GET", path)["reason"]

        door.send(case, request, "/note", read)
    door.judge("free_text")


def on_this_route(raw: bytes, employee_id: str) -> bytes:
    """The body of a case, written for another route, as the same body of a calculation."""
    if raw.startswith(b"\xff\xfe"):
        text = raw[2:].decode("utf-16-le").encode("latin-1")
        return b"\xff\xfe" + on_this_route(text, employee_id).decode("latin-1").encode("utf-16-le")
    row = {
        "employee_id": employee_id,
        "pensionable_earnings": {"amount": "33030.00", "currency": "TRY"},
    }
    for old, new in (
        ('"starts_day": ', '"month": '),
        ('"ends_day": 5', '"year": 2026'),
        ('"reminder_days": [10]', f'"rows": [{json.dumps(row)}]'),
        ('"sender_name": "Ornek"', '"paid_on": "2026-06-05"'),
        ('"sender_name": ', '"paid_on": '),
    ):
        raw = raw.replace(old.encode(), new.encode())
    return raw


def test_a_body(desk: Desk) -> None:
    base = desk.registered("garanti")
    person = desk.call("POST", f"{base}/employees", person_body(PERSON))
    answers: dict[str, int] = {}
    for case in sorted(cases("json_body"), key=lambda case: case["verdict"], reverse=True):
        given, content_type = case["input"], "application/json"
        if isinstance(given, dict) and "body" in given:
            given, content_type = given["body"], given["content_type"]
        decoded = decode(given)
        raw = decoded if isinstance(decoded, bytes) else str(decoded).encode()
        before = desk.contents()
        answer = desk.ask(
            "POST",
            f"{base}/contributions/calculate",
            on_this_route(raw, person["id"]),
            headers={"content-type": content_type},
        )
        answers[case["id"]] = answer.status
        if case["verdict"] == "reject":
            assert refusal_of(answer, None, (400, 413, 415, 422)) == "", case["id"]
            assert desk.contents() == before, case["id"]
    assert answers == {
        "BI-JSON-BODY-01": 200,
        "BI-JSON-BODY-02": 400,
        "BI-JSON-BODY-03": 400,
        "BI-JSON-BODY-04": 400,
        "BI-JSON-BODY-05": 413,
        "BI-JSON-BODY-06": 400,
        "BI-JSON-BODY-07": 400,
        "BI-JSON-BODY-08": 422,
        "BI-JSON-BODY-09": 415,
        "BI-JSON-BODY-10": 422,
        "BI-JSON-BODY-11": 400,
        "BI-JSON-BODY-12": 400,
        "BI-JSON-BODY-13": 400,
    }


# ---------------------------------------------------------------------------- files


def run_import(desk: Desk, base: str, content: bytes, content_type: str) -> dict[str, Any]:
    """An import of an uploaded file, worked off; gives its job."""
    files = desk.app.for_system(desk.principal.tenant_id, "test").files
    upload_id = desk.app.platform.ids.new()
    files.keep_upload(upload_id, UploadedFile(content, content_type, "payroll"))
    started = desk.call("POST", f"{base}/employees/imports", {"upload_id": upload_id})
    desk.work()
    return desk.job(started["id"])


def judge_import(desk: Desk, base: str, case: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    page = desk.call("GET", f"{base}/employees")
    if case["verdict"] == "reject":
        assert job["status"] == "failed", case["id"]
        assert job["problems"], case["id"]
        assert all(item["code"] and item["message"] for item in job["problems"]), case["id"]
        assert page["summary"] == {"employees": 0, "policies": 0}, case["id"]
        assert page["items"] == [], case["id"]
    else:
        assert job["status"] in ("succeeded", "partially_succeeded"), (case["id"], job["problems"])
        assert page["items"], case["id"]


def test_a_csv_file(desk: Desk) -> None:
    bases = contracts(desk)
    for case in cases("upload_csv"):
        text = case["input"]["text"].replace("kod;unvan", PERSONNEL)
        text = text.replace("A1;Şişli A.Ş.", RIGHT_ROW)
        base = next(bases)
        job = run_import(desk, base, text.encode(case["input"]["encoding"]), "text/csv")
        judge_import(desk, base, case, job)
        if case["verdict"] == "accept":
            (person,) = desk.call("GET", f"{base}/employees")["items"]
            assert (person["first_name"], person["last_name"]) == ("Şükrü", "Çağlayan")
            assert person["status"] == "ready"


def test_a_workbook(desk: Desk) -> None:
    bases = contracts(desk)
    for case in cases("upload_xlsx"):
        described = dict(case["input"])
        if "rename_from" not in described:
            described["header"] = ["TCKN", "Ad", "Soyad"]
        base = next(bases)
        job = run_import(desk, base, build(described), XLSX)
        if case["verdict"] == "reject" or job["status"] == "failed":
            codes = {item["code"] for item in job["problems"]}
            assert "columns_missing" not in codes, case["id"]
        judge_import(desk, base, case, job)


def test_a_file_that_is_too_large_for_a_body(desk: Desk) -> None:
    base = desk.registered("garanti")
    for content_type in ("text/csv", XLSX):
        before = desk.contents()
        headers = {"content-type": content_type}
        answer = desk.ask("POST", f"{base}/employees/imports", BIG, headers=headers)
        assert refusal_of(answer, None, (413,)) == ""
        assert desk.contents() == before


# ---------------------------------------------------------------------------- cursors


def test_a_cursor(desk: Desk) -> None:
    base = desk.registered("garanti")
    for number in (PERSON, "98765432150", "99000000042"):
        desk.call("POST", f"{base}/employees", person_body(number))
    path = f"{base}/employees"
    cursor = desk.call("GET", path, query={"limit": "1"})["next_cursor"]
    page = desk.call("GET", path, query={"limit": "1", "cursor": cursor})
    assert len(page["items"]) == 1
    stranger = key_of("T2")
    mine, desk.principal = desk.principal, stranger
    theirs = desk.registered("garanti")
    for number in (PERSON, "98765432150"):
        desk.call("POST", f"{theirs}/employees", person_body(number))
    foreign = desk.call("GET", f"{theirs}/employees", query={"limit": "1"})["next_cursor"]
    desk.principal = mine
    other = desk.registered("garanti", contract_no="7")
    (flip,) = [c["input"]["flip_byte"] for c in cases("cursor") if "flip_byte" in c["input"]]
    (raw,) = [c["input"]["raw"] for c in cases("cursor") if "raw" in c["input"]]
    changed = cursor[:flip] + ("A" if cursor[flip] != "A" else "B") + cursor[flip + 1 :]
    refused = [
        desk.ask("GET", path, query={"cursor": text, "limit": "1"})
        for text in (foreign, changed, raw, "ğ", cursor[:-3])
    ]
    refused.append(desk.ask("GET", f"{other}/employees", query={"cursor": cursor}))
    refused.append(desk.ask("GET", path, query={"cursor": cursor, "status": "ready"}))
    desk.clock.advance(timedelta(hours=24, seconds=1))
    refused.append(desk.ask("GET", path, query={"cursor": cursor, "limit": "1"}))
    assert {answer.status for answer in refused} == {400}
    assert len({answer.body for answer in refused}) == 1


# ---------------------------------------------------------------------------- every door at once

ASSIGNED: Final = {
    "id": UNKNOWN_ID,
    "tenant_id": "T2",
    "status": "enrolled",
    "state": "ready",
    "policy_no": "GA1",
    "problems": [],
    "version": 9,
    "created_at": "2020-01-01T00:00:00Z",
    "roles": ["owner"],
    "__class__": {"a": 1},
}


@pytest.fixture
def bodies(desk: Desk) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every route that takes a JSON body, with a body that would be right."""
    base = desk.contract("garanti")
    person = desk.call("POST", f"{base}/employees", person_body(PERSON))
    body = {
        "employee_id": person["id"],
        "year": 2026,
        "month": 5,
        "pensionable_earnings": {"amount": "33030.00", "currency": "TRY"},
    }
    item = desk.call("POST", f"{base}/contributions", body)
    row = {name: body[name] for name in ("employee_id", "pensionable_earnings")}
    month = {"year": 2026, "month": 6}
    return {
        "register_contract": ("POST", "/v1/pensions/contracts", contract_body(contract_no="2")),
        "replace_contract": ("PUT", base, contract_body()),
        "change_contract": ("PATCH", base, {"pay_days": [7]}),
        "store_credentials": ("PUT", f"{base}/credentials", {"username": "u", "password": "p"}),
        "add_employee": ("POST", f"{base}/employees", person_body("98765432150")),
        "change_employee": ("PATCH", f"{base}/employees/{person['id']}", {"last_name": "Öz"}),
        "replace_employee": (
            "PUT",
            f"{base}/employees/{person['id']}",
            person_body(PERSON, last_name="Öz"),
        ),
        "mark_done_elsewhere": (
            "POST",
            f"/v1/pensions/employees/{person['id']}/mark-done-elsewhere",
            {"note": "elle girildi"},
        ),
        "reveal_employee": (
            "POST",
            f"/v1/pensions/employees/{person['id']}/reveal",
            {"reason": "person_asked"},
        ),
        "reveal_exchanges": (
            "POST",
            f"/v1/pensions/transmissions/{UNKNOWN_ID}/exchanges/reveal",
            {"reason": "person_asked"},
        ),
        "submit_employees": ("POST", f"{base}/submissions", {"all": True}),
        "add_contribution": ("POST", f"{base}/contributions", {**body, "month": 4}),
        "change_contribution": (
            "PATCH",
            f"{base}/contributions/{item['id']}",
            {"paid_on": "2026-06-09"},
        ),
        "calculate_contributions": (
            "POST",
            f"{base}/contributions/calculate",
            {**month, "rows": [row]},
        ),
        "submit_contributions": (
            "POST",
            f"{base}/contribution-submissions",
            {"year": 2026, "month": 5},
        ),
        "import_employees": ("POST", f"{base}/employees/imports", {"upload_id": UNKNOWN_ID}),
        "import_contributions": (
            "POST",
            f"{base}/contributions/imports",
            {"upload_id": UNKNOWN_ID, "year": 2026, "month": 5},
        ),
    }


# Routes without a body: what is sent along is not read.
BODILESS: Final = frozenset(
    {
        *("undo_import", "refresh_status", "mark_paid", "test_credentials", "release_held"),
        "ask_sanction",
    }
)


def test_every_writing_route_is_in_the_list(
    bodies: dict[str, tuple[str, str, dict[str, Any]]],
) -> None:
    from pensions.handlers import api  # noqa: F401 - declares the routes
    from pensions.handlers.http.app import app

    writing = {
        route.function.__name__
        for route in app.routes
        if route.kind == "api" and route.method in ("POST", "PUT", "PATCH")
    }
    assert writing - BODILESS == set(bodies)


def test_no_route_takes_a_member_it_does_not_know(
    desk: Desk, bodies: dict[str, tuple[str, str, dict[str, Any]]]
) -> None:
    wrong = []
    for name, (method, path, body) in bodies.items():
        before = desk.contents()
        for member, value in ASSIGNED.items():
            headers = {"idempotency-key": "k", "if-match": '"v1"'}
            answer = desk.ask(method, path, {**body, member: value}, headers=headers)
            complaint = refusal_of(answer, f"/{member}", (422,))
            if complaint:
                wrong.append(f"{name} with {member} {complaint}")
        if desk.contents() != before:
            wrong.append(f"{name} left something behind")
    assert wrong == []


def test_no_route_takes_another_kind_of_body(
    desk: Desk, bodies: dict[str, tuple[str, str, dict[str, Any]]]
) -> None:
    """Other content types, other documents, ten megabytes: refused, nothing written."""
    wrong = []
    for name, (method, path, body) in bodies.items():
        right = json.dumps(body).encode()
        before = desk.contents()
        attempts: list[tuple[bytes, str | None, tuple[int, ...]]] = [
            (right, "text/plain", (415,)),
            (right, "application/x-www-form-urlencoded", (415,)),
            (right, "multipart/form-data; boundary=x", (415,)),
            (right, "application/xml", (415,)),
            (right, None, (415,)),
            (b"[]", "application/json", (400,)),
            (b"null", "application/json", (400,)),
            (b"", "application/json", (400,)),
            (b'{"a":', "application/json", (400,)),
            (b'{"a": "' + BIG + b'"}', "application/json", (413,)),
        ]
        for content, content_type, statuses in attempts:
            headers = {"idempotency-key": "k", "if-match": '"v1"'}
            if content_type is not None:
                headers["content-type"] = content_type
            answer = desk.ask(method, path, content, headers=headers)
            complaint = refusal_of(answer, None, statuses)
            if complaint:
                wrong.append(f"{name} as {content_type} {content[:10]!r} {complaint}")
        if desk.contents() != before:
            wrong.append(f"{name} left something behind")
    assert wrong == []
