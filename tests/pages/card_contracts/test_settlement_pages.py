"""Pages of sales, statements and matches: sound in three languages, decided with plain forms."""

import re

import pytest

from kernel.files import UploadedFile
from tests.integration.card_contracts.test_matches import csv, matches, prepare, upload
from tests.pages.card_contracts.test_pages import LANGUAGES, page, post
from tests.support.cards_world import CardsWorld

FILE = csv(
    ("01.06.2026", "325,34", "POS FTR-1"),
    ("29.06.2026", "323,33", "POS"),
    ("10.06.2026", "300,00", "HAVALE"),
    ("10.06.2026", "300,00", "HAVALE"),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound_in_every_language(world: CardsWorld, language: str) -> None:
    prepare(world)
    for path in ("matches", "drift", "sales"):
        page(world, f"/card-contracts/{path}", language)
    sale = world.sale()
    job = upload(world, FILE)
    for status in ("suggested", "unmatched", "confirmed", "undone", "set_aside"):
        shown = page(world, "/card-contracts/matches", language, f"status={status}")
        assert re.search(r">[^<]*01[0-9A-HJKMNP-TV-Z]{24}[^<]*<", shown) is None
        assert "card_contracts.why" not in shown
    assert "2,4000" in page(world, "/card-contracts/drift", language) or language == "en"
    page(world, f"/card-contracts/statements/imports/{job['id']}", language)
    (first, *_) = matches(world, "unmatched")
    by_hand = page(world, "/card-contracts/bank-lines/match", language, f"line={first['id']}")
    assert "FTR-1" in by_hand
    (explained, *_) = matches(world, "confirmed")
    shown = page(world, f"/card-contracts/matches/{explained['id']}", language)
    assert "FTR-1" in shown
    assert all(sentence in shown for sentence in explained["why"] if language == "en")
    assert "system:" not in shown
    page(world, "/card-contracts/sales", language)
    page(world, f"/card-contracts/sales/{sale['id']}", language)
    failed = upload(world, csv(("99.06.2026", "1,00", "X")))
    page(world, f"/card-contracts/statements/imports/{failed['id']}", language)


def test_a_suggestion_is_confirmed_and_taken_back_with_forms(world: CardsWorld) -> None:
    prepare(world)
    world.sale()
    upload(world, FILE)
    (one,) = matches(world, "suggested")
    here = f"/card-contracts/matches/{one['id']}"
    bench = page(world, "/card-contracts/matches")
    assert f'href="{here}"' in bench
    decide = "/card-contracts/matches/decide"
    assert f'action="{decide}"' in bench
    nothing = post(world, decide, status="suggested", command="confirm")
    assert nothing.status == 422
    assert "Choose at least one match." in nothing.body
    chosen = {"ids": one["id"], "status": "suggested"}
    assert post(world, decide, **chosen, command="confirm").status == 303
    assert "Matched" in page(world, "/card-contracts/matches", query="done=match_confirm")
    assert post(world, f"{here}/undo").location == f"{here}?done=match_undo"
    assert matches(world, "undone")[0]["id"] == one["id"]
    assert post(world, f"{here}/confirm").status == 303
    assert one["id"] in {match["id"] for match in matches(world, "confirmed")}


def test_lines_are_set_aside_and_looked_at_again_with_forms(world: CardsWorld) -> None:
    prepare(world)
    upload(world, csv(("10.06.2026", "-300,00", "KIRA")))
    (line,) = matches(world, "unmatched")
    move = "/card-contracts/bank-lines/move"
    chosen = {"ids": line["id"], "status": "unmatched"}
    refused = post(world, move, **chosen, command="aside", reason="")
    assert refused.status == 422
    assert 'id="reason-error"' in refused.body
    assert post(world, move, **chosen, command="aside", reason="rent").status == 303
    assert "rent" in page(world, "/card-contracts/matches", query="status=set_aside")
    back = {"ids": line["id"], "status": "set_aside", "command": "take-back"}
    assert post(world, move, **back).status == 303
    assert [one["id"] for one in matches(world, "unmatched")] == [line["id"]]
    again = "/card-contracts/bank-lines/look-again"
    assert post(world, again, status="unmatched", bank_account_code="X").status == 422
    answer = post(world, again, status="unmatched", bank_account_code=line["bank_account_code"])
    assert answer.status == 303
    world.work()
    page(world, answer.headers["location"])


def test_several_lines_pay_one_payment_by_hand(world: CardsWorld) -> None:
    """Two lines of 300.00 for a payment of 976.00: the rest goes to its own account."""
    prepare(world)
    world.sale(instalments=1)
    upload(world, csv(("27.05.2026", "300,00", "POS A"), ("28.05.2026", "300,00", "POS B")))
    first, second = matches(world, "unmatched")
    path = "/card-contracts/bank-lines/match"
    shown = page(world, path, query=f"line={first['id']}")
    assert f'name="line-{second["id"]}"' in shown
    (name, value), *_ = re.findall(r'name="(pay-[^"]+)" value="([^"]+)"', shown)
    form = {"line": first["id"], f"line-{second['id']}": second["id"], name: value}
    answer = post(world, path, **form)
    assert answer.status == 303
    (made,) = matches(world, "confirmed")
    assert len(made["line_ids"]) == 2
    assert made["difference"]["amount"] == "-376.00"
    assert answer.headers["location"].startswith(f"/card-contracts/matches/{made['id']}")


def test_a_line_is_matched_by_hand_with_a_form(world: CardsWorld) -> None:
    prepare(world)
    world.sale()
    upload(world, csv(("10.06.2026", "300,00", "HAVALE")))
    (line,) = matches(world, "unmatched")
    path = "/card-contracts/bank-lines/match"
    shown = page(world, path, query=f"line={line['id']}")
    names = re.findall(r'name="(pay-[^"]+)" value="([^"]+)"', shown)
    assert len(names) == 2
    nothing = post(world, path, line=line["id"])
    assert nothing.status == 422
    assert "Choose at least one payment." in nothing.body
    assert post(world, path, line=line["id"], **{names[0][0]: names[0][1]}).status == 303
    assert matches(world, "confirmed")[0]["kind"] == "manual"


def test_a_sale_is_refunded_and_cancelled_with_forms(world: CardsWorld) -> None:
    prepare(world)
    sale = world.sale()
    here = f"/card-contracts/sales/{sale['id']}"
    wrong = post(world, f"{here}/refund", document_no="", refunded_on="", amount="x")
    assert wrong.status == 422
    assert 'aria-invalid="true"' in wrong.body or "is-invalid" in wrong.body
    form = {
        "document_no": "I-1",
        "refunded_on": "2026-05-04",
        "amount": "400,00",
        "deductions": "kept",
    }
    assert post(world, f"{here}/refund", **form).status == 303
    shown = page(world, here)
    assert "I-1" in shown
    assert f'action="{here}/cancel"' not in shown
    other = world.sale("FTR-2")
    assert post(world, f"/card-contracts/sales/{other['id']}/cancel").status == 303
    assert "cancelled" in page(world, f"/card-contracts/sales/{other['id']}")


def test_files_are_uploaded_and_read_by_forms(world: CardsWorld) -> None:
    prepare(world)
    upload_id = "01JXQ60A1B2C3D4E5F6G7H8J9Z"
    files = world.app.for_system(world.principal().tenant_id, "x").statement_files
    header = "Belge No;Sözleşme Kodu;Satış Tarihi;Tutar;Taksit Sayısı"
    table = f"{header}\r\nF-9;AXESS-26;28.04.2026;10,00;1\r\n"
    files.keep_upload(upload_id, UploadedFile(table.encode(), "application/octet-stream", "s"))
    here = f"/card-contracts/sales/imports/uploads/{upload_id}"
    page(world, here)
    answer = post(world, here)
    assert answer.status == 303, answer.body
    waiting = page(world, answer.headers["location"])
    assert "hx-get" in waiting
    world.work()
    assert "Rows posted" in page(world, answer.headers["location"])
    job_id = "01JXQ60A1B2C3D4E5F6G7H8J9X"
    wrong = f"{header}\r\nF-9;AXESS-26;31.02.2026;1.000;1\r\n"
    files.keep_upload(job_id, UploadedFile(wrong.encode(), "application/octet-stream", "s"))
    answer = post(world, f"/card-contracts/sales/imports/uploads/{job_id}")
    world.work()
    refused = page(world, answer.headers["location"])
    for place in ("2 · Date", "2 · Amount"):
        assert f">{place}<" in refused
    assert "/rows/" not in refused
    upload_id = "01JXQ60A1B2C3D4E5F6G7H8J9Y"
    files.keep_upload(upload_id, UploadedFile(FILE, "application/octet-stream", "s"))
    here = f"/card-contracts/statements/uploads/{upload_id}"
    page(world, here)
    answer = post(world, here, profile="turkish", dry_run="1")
    assert answer.status == 303, answer.body
    world.work()
    assert "nothing was kept" in page(world, answer.headers["location"])
    assert matches(world, "unmatched") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_import_of_sales_is_taken_back_after_its_count(world: CardsWorld, language: str) -> None:
    prepare(world)
    header = "Belge No;Sözleşme Kodu;Satış Tarihi;Tutar;Taksit Sayısı"
    table = f"{header}\r\nF-1;AXESS-26;28.04.2026;10,00;1\r\nF-2;AXESS-26;28.04.2026;1000,00;3\r\n"
    use = world.app.for_system(world.principal().tenant_id, "x")
    upload_id = "01JXQ60A1B2C3D4E5F6G7H8J9Z"
    use.statement_files.keep_upload(
        upload_id, UploadedFile(table.encode(), "application/octet-stream", "s")
    )
    here = post(world, f"/card-contracts/sales/imports/uploads/{upload_id}").headers["location"]
    early = post(world, f"{here}/undo", dry_run="1")
    assert early.status == 409
    assert "The import is still running." in early.body
    world.work()
    words = world.app.renderer.language(language)
    unused = post(world, f"{here}/undo", dry_run="1").headers["location"]
    world.work()
    assert words.text("Cancel these sales") in page(world, unused, language)
    upload(world, csv(("01.06.2026", "325,34", "POS")))  # the bank pays a part of F-2
    assert f'action="{here}/undo"' in page(world, here, language)
    check = post(world, f"{here}/undo", dry_run="1").headers["location"]
    page(world, check, language)
    world.work()
    shown = page(world, check, language)
    assert words.plural("%(num)s row stays as it is.", "%(num)s rows stay as they are.", 1) in shown
    assert words.problem("sale_settled") in shown
    assert 'name="dry_run"' not in shown
    sales = {
        sale.document_no: sale.state.value for sale in use.store.sale_page(limit=9, after=None)[0]
    }
    assert set(sales.values()) == {"posted"}
    done = post(world, f"{here}/undo").headers["location"]
    world.work()
    assert words.text("Open the sale") in page(world, done, language)
    states = [sale.state.value for sale in use.store.sale_page(limit=9, after=None)[0]]
    assert sorted(states) == ["cancelled", "posted"]


OWN = {
    "own-date_format": "yyyymmdd",
    "own-decimal": ",",
    "own-currency": "TRY",
    "own-delimiter": ";",
    "own-encoding": "cp1254",
}


def test_a_table_of_the_banks_own_is_described_in_a_form_and_proposed_again(
    world: CardsWorld,
) -> None:
    prepare(world)
    world.sale()
    upload_id = "01JXQ60A1B2C3D4E5F6G7H8J9Z"
    files = world.app.for_system(world.principal().tenant_id, "x").statement_files
    rows = "BAŞLIK\r\n20260601A000000032534POS SATIŞ\r\n"
    files.keep_upload(upload_id, UploadedFile(rows.encode("cp1254"), "text/plain", "s"))
    here = f"/card-contracts/statements/uploads/{upload_id}"
    own = {
        **OWN,
        "profile": "own",
        "bank_account_code": "102.01.001",
        "own-value_date": "1-8",
        "own-direction": "9 - 9",
        "own-amount": "21-10",
        "own-remittance": "22–60",
        "own-skip_lines": "x",
        "own-implied_decimals": "1",
    }
    refused = post(world, here, **own)
    assert refused.status == 422
    for field in ("own-amount", "own-skip_lines"):
        assert f'href="#{field}"' in refused.body
    assert 'value="21-10"' in refused.body
    answer = post(world, here, **{**own, "own-amount": "10-21", "own-skip_lines": "1"})
    assert answer.status == 303, answer.body
    world.work()
    assert len(matches(world, "confirmed")) == 1
    proposed = page(world, here)
    for typed in ("10-21", "9-9", "22-60"):
        assert f'value="{typed}"' in proposed
    columns = {**OWN, "own-date_format": "dd.mm.yyyy", "own-value_date": "Gün", "profile": "own"}
    table = "Gün;Giriş;Çıkış;Not\r\n02.06.2026;5,00;;X\r\n".encode("cp1254")
    upload_id = "01JXQ60A1B2C3D4E5F6G7H8J9Y"
    files.keep_upload(upload_id, UploadedFile(table, "text/csv", "s"))
    here = f"/card-contracts/statements/uploads/{upload_id}"
    columns |= {"own-credit": "Giriş", "own-debit": "Çıkış", "own-remittance": "Not"}
    answer = post(world, here, bank_account_code="102.01.001", **columns)
    assert answer.status == 303, answer.body
    world.work()
    assert len(matches(world, "unmatched")) == 1


@pytest.mark.parametrize("path", ["statements/new", "sales/new"])
def test_a_file_goes_straight_to_storage(world: CardsWorld, path: str) -> None:
    reader = world.principal(kind="session", language="en")
    shown = world.call("GET", f"/card-contracts/{path}", principal=reader)
    assert shown.status == 200
    assert 'action="https://s3.' in shown.body
    assert "amazonaws.com" in shown.headers["content-security-policy"].partition("form-action")[2]
    assert "csrf_token" not in shown.body.partition("data-upload")[2].partition("</form>")[0]
