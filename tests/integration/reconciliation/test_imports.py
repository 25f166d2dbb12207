"""Files of account cards and lines: checked whole, recorded whole, once."""

import io
from datetime import timedelta
from typing import Any

import pytest

from tests.support.reconciliation_world import TENANT, ReconciliationWorld

CARDS = (
    "Cari Kodu;Unvan;Vergi No;Vergi Dairesi;E-posta;Dil\r\n"
    "120.01;Şahin Oto Ltd. Şti.;1234567890;Kadıköy;a@deneme.example, b@deneme.example;tr\r\n"
    "120.02;Deniz Deneme;12345678950;;;\r\n"
).encode()
LINES = (
    "Cari Kodu;Belge No;Belge Tarihi;Vade;Tür;Yön;KDV Hariç Tutar;KDV;Toplam;E-Belge;İptal\r\n"
    "120.01;A-1;15.01.2026;15.02.2026;Fatura;Alış;3.000,00;600,00;3.600,00;Hayır;\r\n"
    "120.01;A-2;16.01.2026;;FATURA;ALIŞ;2.500,50;;;hayır;\r\n"
    "120.02;T-1;17.01.2026;;Tahsilat;Satış;100,00;;;;\r\n"
).encode()


def problems(job: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((one["pointer"], one["code"]) for one in job["problems"])


def test_cards_and_lines_come_from_files_and_make_figures(world: ReconciliationWorld) -> None:
    cards = world.imported("counterparties", CARDS)
    assert (cards["status"], cards["result"]) == (
        "succeeded",
        {"added": 2, "changed": 0, "unchanged": 0},
    )
    shown = world.call("GET", "/counterparties").json()["items"]
    assert [item["emails"] for item in shown] == [["a@deneme.example", "b@deneme.example"], []]
    lines = world.imported("ledger-entries", LINES)
    assert (lines["status"], lines["total"], lines["done"]) == ("succeeded", 3, 3)
    (row,) = world.figures()["items"]
    assert row["total"]["amount"] == "5500.00"
    assert [line["kind"] for line in world.lines("period=2026-01&direction=sales")] == ["payment"]


def test_the_same_file_again_changes_nothing(world: ReconciliationWorld) -> None:
    for kind, content, count in (("counterparties", CARDS, 2), ("ledger-entries", LINES, 3)):
        world.imported(kind, content)
        again = world.imported(kind, content)
        assert again["result"] == {"added": 0, "changed": 0, "unchanged": count}


def test_a_changed_file_changes_what_it_names(world: ReconciliationWorld) -> None:
    world.imported("counterparties", CARDS)
    world.imported("ledger-entries", LINES)
    lines = world.imported("ledger-entries", LINES.replace(b"2.500,50", b"1.000,00"))
    assert lines["result"] == {"added": 0, "changed": 1, "unchanged": 2}
    cards = world.imported("counterparties", CARDS.replace(b"a@deneme", b"c@deneme"))
    assert cards["result"] == {"added": 0, "changed": 1, "unchanged": 1}


def test_a_wrong_file_records_nothing_and_says_everything(world: ReconciliationWorld) -> None:
    world.imported("counterparties", CARDS)
    before = [row for row in world.aws.rows("core") if "#LEDGER" in row["pk"]]
    wrong = (
        LINES.decode().replace("15.01.2026", "31.02.2026").replace("FATURA", "Hediye")
        + "999;A-9;01.01.2026;;fatura;alış;1,00;;;evet;\r\n"
        + "120.02;T-1;18.01.2026;;Tahsilat;Satış;100,00;;;belki;\r\n"
        + "120.02;T-1;18.01.2026;;Tahsilat;Satış;100,00;;;;\r\n"
        + "120.02;T-2;18.01.2026;;Tahsilat;Satış;100,00;;90,00;;\r\n"
        + "120.02;T-3;18.01.2026;;Tahsilat;Satış;;;;;\r\n"
    )
    job = world.imported("ledger-entries", wrong.encode())
    assert job["status"] == "failed"
    assert problems(job) == [
        ("/rows/2/document_date", "date"),
        ("/rows/3/kind", "choice"),
        ("/rows/5/counterparty_code", "counterparty_unknown"),
        ("/rows/6/is_electronic", "choice"),
        ("/rows/7/document_no", "duplicate_row"),
        ("/rows/8/total", "sum"),
        ("/rows/9/net", "required"),
    ]
    assert (job["total"], job["failed"]) == (8, 7)
    assert job["result"] == {"valid": 1, "refused": 7, "corrected": True}
    assert [row for row in world.aws.rows("core") if "#LEDGER" in row["pk"]] == before


def test_a_wrong_file_of_cards_says_everything(world: ReconciliationWorld) -> None:
    more = "120.01;X Ltd.;1234567891;;yok;fr\r\n120.01;Şahin;4540536920;;;\r\n"
    job = world.imported("counterparties", CARDS + more.encode())
    assert problems(job) == [
        ("/rows/4/emails", "shape"),
        ("/rows/4/language", "choice"),
        ("/rows/4/tax_no", "check"),
        ("/rows/5/code", "duplicate_row"),
    ]
    assert world.call("GET", "/counterparties").json()["items"] == []


@pytest.mark.parametrize(
    ("content", "pointer", "code"),
    [
        (b"Cari Kodu;Unvan\r\n1;2\r\n", "/header/tax_no", "column_missing"),
        (CARDS.partition(b"\n")[0] + b"\n", "", "file_empty"),
    ],
)
def test_what_is_no_such_table_fails_as_a_whole(
    world: ReconciliationWorld, content: bytes, pointer: str, code: str
) -> None:
    job = world.imported("counterparties", content)
    assert (job["status"], problems(job)) == ("failed", [(pointer, code)])


def test_a_dry_run_only_checks(world: ReconciliationWorld) -> None:
    job = world.imported("counterparties", CARDS, "dry_run=true")
    assert (job["status"], job["result"]) == (
        "succeeded",
        {"valid": 2, "refused": 0, "added": 2, "changed": 0, "unchanged": 0},
    )
    assert world.call("GET", "/counterparties").json()["items"] == []


def test_a_workbook_is_read_as_well(world: ReconciliationWorld) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Cari Kodu", "Unvan", "VKN"])
    sheet.append(["120.01", "Deneme A.Ş.", 1234567890])
    output = io.BytesIO()
    book.save(output)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = world.call(
        "POST", "/counterparties/imports", output.getvalue(), headers={"content-type": kind}
    )
    world.work()
    assert world.job(answer.json()["id"])["status"] == "succeeded"
    (card,) = world.call("GET", "/counterparties").json()["items"]
    assert card["tax_no"] == "1234567890"


def test_an_unknown_upload_is_not_found(world: ReconciliationWorld) -> None:
    body = {"upload_id": "01JXQ60A1B2C3D4E5F6G7H8J9Z"}
    for kind in ("counterparties", "ledger-entries"):
        assert world.call("POST", f"/{kind}/imports", body).status == 404
    assert [row for row in world.aws.rows("core") if f"#{TENANT}#JOB#" in row["pk"]] == []


def test_many_lines_take_several_transactions_and_are_all_there(
    world: ReconciliationWorld,
) -> None:
    world.imported("counterparties", CARDS)
    head = LINES.partition(b"\n")[0] + b"\n"
    rows = "".join(
        f"120.01;B-{number};15.01.2026;;fatura;alış;10,00;;;;\r\n" for number in range(45)
    )
    job = world.imported("ledger-entries", head + rows.encode())
    assert (job["done"], job["result"]["added"]) == (45, 45)
    shown = world.figures()["items"][0]
    assert shown["all"] == {
        "document_count": 45,
        "total": {"amount": "450.00", "currency": "TRY"},
    }
    batches = [row for row in world.aws.rows("audit") if "ledger_batch" in row["pk"]]
    assert len(batches) == 3


def test_a_lost_message_comes_again(world: ReconciliationWorld) -> None:
    answer = world.call(
        "POST", "/counterparties/imports", CARDS, headers={"content-type": "text/csv"}
    )
    world.aws.messages("reconciliation-import")  # lost
    world.clock.advance(timedelta(minutes=11))
    world.minute()
    assert world.job(answer.json()["id"])["status"] == "succeeded"


def test_an_import_is_taken_back_once(world: ReconciliationWorld) -> None:
    world.imported("counterparties", CARDS)
    job = world.imported("ledger-entries", LINES)
    path = f"/imports/{job['id']}/undo"
    asked = [world.call("POST", path) for _ in range(2)]
    assert [answer.status for answer in asked] == [202, 202]
    first, again = (answer.json() for answer in asked)
    assert (first["id"], first["kind"]) == (again["id"], "ledger_import_undo")
    world.work()
    assert {line["cancelled"] for line in world.lines("period=2026-01")} == {True}
    undone = world.app.for_system(TENANT, "test").store.job(first["id"])
    assert undone is not None
    assert (undone.status, undone.result["undone"], undone.result["kept"]) == ("succeeded", 3, 0)
    for job_id, status in ((first["id"], 409), ("01JXQ60A1B2C3D4E5F6G7H8J9V", 404)):
        assert world.call("POST", f"/imports/{job_id}/undo").status == status


def test_the_corrected_workbook_is_there_by_api(world: ReconciliationWorld) -> None:
    job = world.imported("counterparties", CARDS.replace(b"1234567890", b"1234567891"))
    answer = world.call("GET", f"/imports/{job['id']}/corrected-workbook")
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    right = world.imported("counterparties", CARDS)
    assert world.call("GET", f"/imports/{right['id']}/corrected-workbook").status == 404
