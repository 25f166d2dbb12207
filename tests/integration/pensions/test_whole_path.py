"""The main job of the product, from a contract to the bank order, at one insurer of each dialect.

Real handlers, real adapters, simulated insurers over SOAP; only AWS is in memory. What the insurer
has in its own book is compared with what the API shows.
"""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pypdf
import pytest

from infra.local.demo.files import TITLED_WORKBOOK, UTF8_CSV, WINDOWS_CSV, Earnings
from infra.local.demo.people import Person, people
from kernel.approval import content_hash
from kernel.clock import FixedClock
from kernel.money import Money
from pensions.domain.provider_catalogue import PROVIDERS
from tests.support import pain001
from tests.support.aws import AwsWorld
from tests.support.events import bus_event, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.pensions_desk import (
    INSURER_ACCOUNT,
    PAYER_ACCOUNT,
    Desk,
    open_desk,
    person_body,
)
from toolkit.platform import Platform

pytestmark = pytest.mark.loopback

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DIALECTS: Final = {
    "garanti": "usernametoken_batch",
    "avivasa": "session_single",
    "nn": "period_async",
}
YEAR, MONTH = 2026, 5
PAID_ON: Final = date(2026, 6, 5)  # a Friday: the next business day is the Monday after it
DUE_ON: Final = date(2026, 6, 8)
EARNINGS: Final = ("33333.34", "1777.50", "33030.00", "45000.99", "100000.00")
RATE: Final = Decimal("0.03")


def whole_lira(earnings: str, rate: str) -> Decimal:
    """The contribution by the rule of the law, computed here a second time."""
    return Decimal(int(Decimal(earnings) * Decimal(rate) / 100)).quantize(Decimal("0.01"))


@dataclass
class Journey:
    """One walk of the whole path, kept so that each test can look at another part of it."""

    desk: Desk
    provider_code: str
    base: str
    by_api: Sequence[Person]
    by_csv: Sequence[Person]
    by_xlsx: Sequence[Person]
    imports: dict[str, dict[str, Any]] = field(default_factory=dict)
    earnings: dict[str, str] = field(default_factory=dict)

    @property
    def everybody(self) -> list[Person]:
        """All whose data is right."""
        return [*self.by_api, *self.by_csv, *self.by_xlsx]

    def expected(self) -> dict[str, Decimal]:
        """Contribution of each person of the month."""
        rates = {person.national_id: person.rate for person in self.everybody}
        return {key: whole_lira(amount, rates[key]) for key, amount in self.earnings.items()}

    def until_answered(self) -> None:
        """Let the insurer's time pass and press the button, as a user does."""
        self.desk.pass_time(minutes=2)
        self.desk.call("POST", f"{self.base}/status-refreshes", {})
        self.desk.work()

    def order(self, order_format: str) -> Any:
        """The bank order in one of its forms."""
        return self.desk.ask(
            "GET", f"{self.base}/remittances/{YEAR}-{MONTH:02d}", query={"format": order_format}
        )


def crowd() -> list[Person]:
    """Twelve people hired before the first of June."""
    found = people(12, 7, first_sequence=500, domain="ornek.example", on=date(2026, 5, 31))
    return [replace(person, hired_on=date(2026, 3, 2)) for person in found]


@pytest.fixture(params=sorted(DIALECTS))
def journey(
    request: pytest.FixtureRequest,
    aws: AwsWorld,
    platform: Platform,
    clock: FixedClock,
    tmp_path: Path,
) -> Iterator[Journey]:
    code = str(request.param)
    everybody = crowd()
    with open_desk(aws, platform, clock, tmp_path, [code]) as desk:
        base = desk.contract(code)
        yield Journey(desk, code, base, everybody[:2], everybody[2:7], everybody[7:])


def add_people(journey: Journey) -> None:
    """By API, by a cp1254 file with two mistakes, and by a workbook with titles above its table."""
    desk, base = journey.desk, journey.base
    for person in journey.by_api:
        body = person_body(
            person.national_id,
            first_name=person.first_name,
            last_name=person.last_name,
            mobile=person.mobile,
            iban=person.iban,
            gender=person.gender,
            contribution_rate=person.rate,
        )
        desk.call("POST", f"{base}/employees", body)
    rows = [WINDOWS_CSV.person_fields(person) for person in journey.by_csv]
    wrong = {**rows[0], "national_id": "12345678901", "first_name": "ığdır"}
    rows += [wrong, rows[1]]
    csv = WINDOWS_CSV.file((), WINDOWS_CSV.personnel, rows)
    assert csv.decode("cp1254") != csv.decode("latin-1")
    journey.imports["csv"] = desk.imported(base, "employees", csv, "text/csv")
    rows = [TITLED_WORKBOOK.person_fields(person) for person in journey.by_xlsx]
    titles = ("Yıldız Sanayi A.Ş.", "Personel Listesi", "Mayıs 2026")
    workbook = TITLED_WORKBOOK.file(titles, TITLED_WORKBOOK.personnel, rows)
    journey.imports["xlsx"] = desk.imported(base, "employees", workbook, XLSX)


def enrol(journey: Journey) -> dict[str, Any]:
    job = journey.desk.command(f"{journey.base}/submissions", {"all": True})
    journey.until_answered()
    return journey.desk.job(job["id"])


def state_earnings(journey: Journey) -> None:
    """Two people's earnings by API, everybody else's by file."""
    desk, base = journey.desk, journey.base
    ids = {number: person["id"] for number, person in desk.people(base).items()}
    for index, person in enumerate(journey.everybody):
        journey.earnings[person.national_id] = EARNINGS[index % len(EARNINGS)]
    rows = [
        {
            "employee_id": ids[person.national_id],
            "pensionable_earnings": {
                "amount": journey.earnings[person.national_id],
                "currency": "TRY",
            },
            "paid_on": PAID_ON.isoformat(),
        }
        for person in journey.by_api
    ]
    month = {"year": YEAR, "month": MONTH, "rows": rows}
    desk.call("POST", f"{base}/contributions/calculate", month)
    lines = [
        UTF8_CSV.earning_fields(
            Earnings(person, Money.from_api(journey.earnings[person.national_id], "TRY"), PAID_ON)
        )
        for person in (*journey.by_csv, *journey.by_xlsx)
    ]
    content = UTF8_CSV.file((), UTF8_CSV.earnings, lines)
    kind = f"contributions?year={YEAR}&month={MONTH}"
    journey.imports["earnings"] = desk.imported(base, kind, content, "text/csv")


def collect(journey: Journey) -> dict[str, Any]:
    month = {"year": YEAR, "month": MONTH}
    job = journey.desk.command(f"{journey.base}/contribution-submissions", month)
    journey.until_answered()
    return journey.desk.job(job["id"])


def contributions(journey: Journey) -> dict[str, Any]:
    query = {"year": str(YEAR), "month": str(MONTH)}
    found: dict[str, Any] = journey.desk.call("GET", f"{journey.base}/contributions", query=query)
    return found


# ---------------------------------------------------------------------------- the tests


def test_three_dialects_are_walked() -> None:
    assert {code: PROVIDERS[code].dialect.value for code in DIALECTS} == DIALECTS


def test_the_connection_is_tested_at_the_insurer(journey: Journey) -> None:
    desk, base = journey.desk, journey.base
    assert desk.call("POST", f"{base}/credentials/test") == {"ok": True}
    shown = desk.call("GET", f"{base}/credentials")
    assert shown["configured"] is True
    assert shown["last_test"]["ok"] is True
    assert "Kanarya" not in str(shown)
    desk.insurers[journey.provider_code].script(
        {"account": {"username": f"{journey.provider_code}-user", "password": "another"}}
    )
    refused = desk.call("POST", f"{base}/credentials/test")
    assert refused["ok"] is False
    assert refused["code"]
    assert refused["message"]
    assert desk.call("GET", base)["state"] == "credentials_invalid"


def test_the_whole_path(journey: Journey) -> None:
    """One walk, step by step: each step starts where the one before it ended."""
    people_come_in_by_api_csv_and_workbook(journey)
    everybody_gets_the_policy_number_of_the_insurers_book(journey)
    a_month_is_collected(journey)
    a_large_order_waits_for_its_approval(journey)
    the_order_is_right_in_every_form(journey)
    an_order_without_accounts_says_so_in_the_form_of_the_message(journey)
    the_order_is_given(journey)
    opt_outs_and_leavers_come_back_with_the_status(journey)


def people_come_in_by_api_csv_and_workbook(journey: Journey) -> None:
    add_people(journey)
    csv, workbook = journey.imports["csv"], journey.imports["xlsx"]
    assert csv["status"] == "partially_succeeded"
    assert (csv["result"]["format"], csv["result"]["encoding"]) == ("csv", "cp1254")
    assert csv["result"]["counts"] == {"created": 5, "invalid": 1, "duplicate": 1}
    assert workbook["status"] == "succeeded"
    assert workbook["result"]["counts"] == {"created": 5}
    page = journey.desk.call("GET", f"{journey.base}/employees", query={"limit": "200"})
    by_number = {item["national_id"]: item for item in page["items"]}
    assert {p.national_id for p in journey.everybody} == by_number.keys() - {None}
    assert len(page["items"]) == 13
    for person in journey.everybody:
        shown = by_number[person.national_id]
        assert (shown["first_name"], shown["last_name"]) == (person.first_name, person.last_name)
        assert (shown["mobile"], shown["iban"]) == (person.mobile, person.iban)
        assert shown["status"] == "ready"
    (invalid,) = [item for item in page["items"] if item["status"] == "invalid"]
    assert [(p["field"], p["actor"]) for p in invalid["problems"]] == [("national_id", "user")]
    assert invalid["first_name"] == "ığdır"


def everybody_gets_the_policy_number_of_the_insurers_book(journey: Journey) -> None:
    job = enrol(journey)
    assert (job["status"], job["total"], job["done"], job["failed"]) == ("succeeded", 12, 12, 0)
    insurer = journey.desk.insurers[journey.provider_code]
    booked = {row["national_id"]: row for row in insurer.effects()}
    assert len(insurer.effects()) == len(booked) == 12
    size = PROVIDERS[journey.provider_code].batch_size
    assert insurer.calls()["enrol"] == -(-12 // size)
    shown = journey.desk.people(journey.base)
    for person in journey.everybody:
        assert shown[person.national_id]["status"] == "enrolled"
        assert shown[person.national_id]["policy_no"] == booked[person.national_id]["policy_no"]
        assert shown[person.national_id]["policy_no"]
    summary = journey.desk.call("GET", f"{journey.base}/employees")["summary"]
    assert summary == {"employees": 13, "policies": 12}


def opt_outs_and_leavers_come_back_with_the_status(journey: Journey) -> None:
    insurer = journey.desk.insurers[journey.provider_code]
    gone, left = journey.by_csv[0], journey.by_xlsx[0]
    insurer.script({"opt_out": {"national_id": gone.national_id, "on": "2026-05-20"}})
    insurer.script({"leave": {"national_id": left.national_id, "on": "2026-05-29"}})
    journey.until_answered()
    shown = journey.desk.people(journey.base)
    told = [
        (shown[p.national_id]["status"], shown[p.national_id]["effective_on"]) for p in (gone, left)
    ]
    assert told == [("opted_out", "2026-05-20"), ("left", "2026-05-29")]


def a_month_is_collected(journey: Journey) -> None:
    desk, base = journey.desk, journey.base
    state_earnings(journey)
    assert journey.imports["earnings"]["result"]["counts"] == {"created": 10}
    before = contributions(journey)
    expected = journey.expected()
    assert expected[journey.by_api[0].national_id] == whole_lira("33333.34", journey.by_api[0].rate)
    numbers = {person["id"]: number for number, person in desk.people(base).items()}
    told = {
        numbers[item["employee_id"]]: Decimal(item["amount"]["amount"]) for item in before["items"]
    }
    assert told == expected
    assert {item["status"] for item in before["items"]} == {"calculated"}
    assert before["summary"]["final"] is False
    refused = desk.ask("GET", f"{base}/remittances/{YEAR}-{MONTH:02d}")
    assert (refused.status, refused.json()["code"]) == (409, "remittance_not_final")

    job = collect(journey)
    assert (job["status"], job["done"], job["failed"]) == ("succeeded", 12, 0)
    after = contributions(journey)
    total = {"amount": str(sum(expected.values())), "currency": "TRY"}
    assert {item["status"] for item in after["items"]} == {"accepted"}
    assert after["summary"] == {
        "count": 12,
        "total": total,
        "payable": total,
        "gap": [],
        "final": True,
    }
    effects = desk.insurers[journey.provider_code].effects()
    booked = [row for row in effects if row["kind"] == "collection"]
    assert {row["national_id"]: Decimal(row["amount"]) / 100 for row in booked} == expected
    assert len(booked) == 12

    remittance = desk.call("GET", f"{base}/remittances/{YEAR}-{MONTH:02d}")
    assert remittance["payable"] == total
    assert remittance["due_on"] == DUE_ON.isoformat()
    assert remittance["iban"] == INSURER_ACCOUNT
    assert remittance["reference"] == "BES 1201465 2026-05"
    assert [(line["paid_on"], line["count"]) for line in remittance["lines"]] == [
        (PAID_ON.isoformat(), 12)
    ]
    (why,) = remittance["why"]
    assert why["because"]


def a_large_order_waits_for_its_approval(journey: Journey) -> None:
    """WFL-05: above the company's limit nothing is given before exactly this order is approved."""
    desk, path = journey.desk, f"{journey.base}/remittances/{YEAR}-{MONTH:02d}"
    tenant = desk.principal.tenant_id
    assert desk.call("GET", path)["approval"]["state"] == "not_needed"
    setting = {
        "key": "approval.limit[pension_remittance]",
        "scope": "company",
        "value": "0.00",
        "valid_from": "2026-01-01",
        "valid_to": None,
    }
    told = {
        "id": "01JXQ60A1B2C3D4E5F6G7H8J9E",
        "source": "kopru.workflow",
        "time": "2026-06-01T09:00:00Z",
        "tenant_id": tenant,
    }
    recorded = {**told, "type": "workflow.ParameterRecorded.v1", "data": setting}
    recorded["subject"] = "parameter:01JXQ60A1B2C3D4E5F6G7H8J9P"
    assert hear(recorded) == hear(recorded) == []
    shown = desk.call("GET", path)["approval"]
    assert (shown["needed"], shown["state"], shown["open"]) == (True, "missing", False)
    assert shown["why"]
    for refused in (journey.order("pain001"), desk.ask("POST", f"{path}/mark-paid", {})):
        assert (refused.status, refused.json()["code"]) == (409, "approval_missing")
    asked = desk.ask("POST", f"{path}/approval", {})
    assert (asked.status, asked.json()["state"]) == (202, "asked")
    assert desk.ask("POST", f"{path}/approval", {}).json()["state"] == "asked"
    (request,) = desk.aws.published("pensions.ApprovalRequested.v1")
    data = request["data"]
    decided: dict[str, Any] = {
        **told,
        "id": "01JXQ60A1B2C3D4E5F6G7H8J9F",
        "type": "workflow.ApprovalDecided.v1",
        "subject": "approval:01JXQ60A1B2C3D4E5F6G7H8J9Q",
        "data": {
            "approval_id": "01JXQ60A1B2C3D4E5F6G7H8J9Q",
            "request_id": data["request_id"],
            "origin": "pensions",
            "subject": request["subject"],
            "outcome": "approved",
            "stage": "MANAGER",
            "reason": "",
            "content_hash": content_hash(data["content"]),
            "decided_by": "user:01JXQ60A1B2C3D4E5F6G7H8J9M",
        },
    }
    other = {**decided, "id": "01JXQ60A1B2C3D4E5F6G7H8J9G"}
    other["data"] = {**decided["data"], "content_hash": "0" * 64}
    assert hear(other) == []
    assert desk.call("GET", path)["approval"]["open"] is False
    assert hear(decided) == []
    after = desk.call("GET", path)["approval"]
    assert (after["state"], after["open"]) == ("approved", True)


def hear(envelope: dict[str, Any]) -> list[Any]:
    """A published event reaches the queue of pensions."""
    from pensions.handlers import on_events

    answer = on_events.handler(queue_event(bus_event(envelope)), LambdaContext())
    return list(answer["batchItemFailures"])


def the_order_is_given(journey: Journey) -> None:
    desk, base = journey.desk, journey.base
    paid = desk.call("POST", f"{base}/remittances/{YEAR}-{MONTH:02d}/mark-paid", {})
    assert paid["settled"] is True
    assert {item["status"] for item in contributions(journey)["items"]} == {"settled"}


def the_order_is_right_in_every_form(journey: Journey) -> None:
    amount = str(sum(journey.expected().values()))
    creditor = PROVIDERS[journey.provider_code].name_on(DUE_ON)

    pain = journey.order("pain001")
    assert pain.headers["content-type"] == "application/xml"
    content = pain.body.encode()
    assert pain001.complaints(content) == []
    texts = pain001.texts(content)
    transfer = "CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf"
    assert texts[f"{transfer}/Amt/InstdAmt"] == amount
    assert texts["CstmrCdtTrfInitn/GrpHdr/CtrlSum"] == amount
    assert texts["CstmrCdtTrfInitn/PmtInf/CtrlSum"] == amount
    assert texts["CstmrCdtTrfInitn/PmtInf/ReqdExctnDt/Dt"] == DUE_ON.isoformat()
    assert texts["CstmrCdtTrfInitn/PmtInf/Dbtr/Nm"] == "Yıldız Sanayi A.Ş."
    assert texts["CstmrCdtTrfInitn/PmtInf/DbtrAcct/Id/IBAN"] == PAYER_ACCOUNT
    assert texts[f"{transfer}/CdtrAcct/Id/IBAN"] == INSURER_ACCOUNT
    assert texts[f"{transfer}/Cdtr/Nm"] == creditor
    assert texts[f"{transfer}/RmtInf/Ustrd"] == "BES 1201465 2026-05"
    assert 'Ccy="TRY"' in pain.body
    assert journey.order("pain001").body == pain.body, "the same order twice is the same message"

    table = journey.order("csv").body.encode().decode("utf-8-sig")
    assert table.splitlines()[1].split(";")[:3] == ["05.06.2026", "08.06.2026", "12"]
    assert amount.replace(".", ",") in table.replace(".", "").replace(",", ",") or amount in table

    letter = journey.order("text").body
    for fact in (amount, creditor, "BES 1201465 2026-05", "08.06.2026", "Yıldız Sanayi A.Ş."):
        assert fact in letter

    pdf = journey.order("pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    document = pypdf.PdfReader(io.BytesIO(base64.b64decode(pdf.raw["body"])))
    text = "\n".join(page.extract_text() for page in document.pages)
    for fact in (amount, "BES 1201465 2026-05", "08.06.2026", "Yıldız Sanayi A.Ş."):
        assert fact in text


def an_order_without_accounts_says_so_in_the_form_of_the_message(journey: Journey) -> None:
    desk, base = journey.desk, journey.base
    answer = desk.ask("GET", base)
    headers = {"if-match": answer.headers["etag"]}
    desk.call("PATCH", base, {"provider_iban": None, "payer_iban": None}, headers=headers)
    content = journey.order("pain001").body.encode()
    assert pain001.complaints(content) == []
    texts = pain001.texts(content)
    assert texts["CstmrCdtTrfInitn/PmtInf/DbtrAcct/Id/Othr/Id"] == "NOTPROVIDED"
    assert texts["CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/CdtrAcct/Id/Othr/Id"] == "NOTPROVIDED"


def test_the_judge_of_orders_sees_what_is_wrong() -> None:
    right = (
        f'<Document xmlns="{pain001.NAMESPACE}"><CstmrCdtTrfInitn><GrpHdr><MsgId>a</MsgId>'
        "<CreDtTm>2026-06-01T09:00:00</CreDtTm><NbOfTxs>1</NbOfTxs><InitgPty/></GrpHdr><PmtInf>"
        "<PmtInfId>a</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2026-06-08</Dt></ReqdExctnDt>"
        "<Dbtr/><DbtrAcct><Id><IBAN>TR330006100519786457841326</IBAN></Id></DbtrAcct><DbtrAgt>"
        "<FinInstnId/></DbtrAgt><CdtTrfTxInf><PmtId><EndToEndId>a</EndToEndId></PmtId><Amt>"
        '<InstdAmt Ccy="TRY">1.00</InstdAmt></Amt></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn>'
        "</Document>"
    )
    assert pain001.complaints(right.encode()) == []
    for before, after in (
        ("<MsgId>a</MsgId>", ""),
        ("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>XXX</PmtMtd>"),
        (' Ccy="TRY"', ""),
        ("<Dt>2026-06-08</Dt>", "2026-06-08"),
        ("<Dbtr/>", ""),
        (
            "<PmtInfId>a</PmtInfId><PmtMtd>TRF</PmtMtd>",
            "<PmtMtd>TRF</PmtMtd><PmtInfId>a</PmtInfId>",
        ),
        ("<IBAN>TR330006100519786457841326</IBAN>", "<IBAN>yok</IBAN>"),
        ("<NbOfTxs>1</NbOfTxs>", "<NbOfTxs>bir</NbOfTxs>"),
    ):
        assert before in right
        assert pain001.complaints(right.replace(before, after).encode()) != [], before
