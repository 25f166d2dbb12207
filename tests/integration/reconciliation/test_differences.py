"""The difference room: a statement arrives, is kept, read, compared, and talked about by line."""

import base64
import csv
import io
import re
from collections import Counter
from typing import Any

import pytest

from reconciliation.domain.difference import CaseState, FileState, line_key
from reconciliation.domain.letter import Letter
from reconciliation.domain.statement_match import Category
from reconciliation.pages.difference_words import CATEGORY
from tests.support.events import Answer
from tests.support.reconciliation_builders import api_entry
from tests.support.reconciliation_world import OTHER, TENANT, Browser, ReconciliationWorld

HEAD = "Tarih;Belge No;Borç;Alacak;Açıklama\r\n"
THEIRS = (
    HEAD
    + "01.01.2026;;;;Devir\r\n"
    + "15.01.2026;S-1;;1.000,00;\r\n"
    + "16.01.2026;S-2;;250,00;\r\n"
    + "20.01.2026;X-9;;70,00;\r\n"
    + "31.01.2026;TOPLAM;;1.320,00;\r\n"
)


@pytest.fixture
def letter(world: ReconciliationWorld) -> Letter:
    """A letter over January, and our lines of that month."""
    card = str(world.counterparty()["id"])
    world.work_portal()
    world.record(
        api_entry("S-1", "1000.00", direction="sales"),
        api_entry("S-2", "200.00", direction="sales", document_date="2026-01-16"),
        api_entry("S-3", "30.00", direction="sales", document_date="2026-01-20"),
    )
    return world.letter(card)


def _send(
    world: ReconciliationWorld, letter: Letter, content: bytes, kind: str = "text/csv"
) -> Any:
    headers = {"content-type": kind}
    answer = world.call("POST", f"/letters/{letter.id}/statements", content, headers=headers)
    assert answer.status == 202, answer.body
    world.work_portal()
    return answer.json()


def _differences(world: ReconciliationWorld, letter: Letter, query: str = "") -> Any:
    answer = world.call("GET", f"/letters/{letter.id}/differences", query=query)
    assert answer.status == 200, answer.body
    return answer.json()


def test_two_statements_are_matched_line_by_line(
    world: ReconciliationWorld, letter: Letter
) -> None:
    _send(world, letter, THEIRS.encode())
    seen = _differences(world, letter)
    assert seen["status"] == "compared"
    assert seen["counts"] == {
        "agreed": 1,
        "amount_differs": 1,
        "only_ours": 1,
        "only_theirs": 1,
    }
    assert seen["our_balance"]["amount"] == "1230.00"
    assert seen["their_balance"]["amount"] == "-1320.00"
    assert seen["difference"]["amount"] == "-90.00"
    lines = {line["category"]: line for line in seen["items"]}
    assert lines["amount_differs"]["ours"]["document_no"] == "S-2"
    assert lines["amount_differs"]["difference"]["amount"] == "-50.00"
    assert lines["amount_differs"]["why"]
    assert "agreed" not in lines, "what agrees is asked for by its name"
    (agreed,) = _differences(world, letter, "category=agreed")["items"]
    assert agreed["theirs"]["document_no"] == "S-1"


def test_a_statement_comes_by_the_portal_without_javascript(
    world: ReconciliationWorld, letter: Letter
) -> None:
    browser = world.enter(letter.counterparty_id)
    path = f"/portal/months/{letter.id}"
    page = browser.get(f"{path}/statement?lang=en").body
    back = re.search(r'name="success_action_redirect" value="[^"]*?(/portal/[^"]+)"', page)
    assert back
    upload_id = back[1].rpartition("/")[2]
    assert browser.get(back[1]).status == 404, "nothing was uploaded yet"
    from kernel.files import UploadedFile

    use = world.app.for_system(TENANT, "test")
    use.files.keep_upload(upload_id, UploadedFile(THEIRS.encode(), "text/csv", "ekstre.csv"))
    assert browser.get(back[1]).status == 200
    sent = browser.post(back[1])
    assert sent.location == f"{path}/differences?done=statement"
    world.work_portal()
    room = browser.get(f"{path}/differences?lang=en").body
    assert "X-9" in room
    assert "amount differs" in room


def test_both_sides_talk_about_a_line_and_a_new_comparison_keeps_the_thread(
    world: ReconciliationWorld, letter: Letter
) -> None:
    _send(world, letter, THEIRS.encode())
    line = next(
        one["line"] for one in _differences(world, letter)["items"] if one["ours"] and one["theirs"]
    )
    browser = world.enter(letter.counterparty_id)
    path = f"/portal/months/{letter.id}/differences"
    assert browser.post(f"{path}/notes", line=line, text="50 lira kur farkı").status == 303
    said = {"line": line, "text": "We correct ours."}
    answer = world.call("POST", f"/letters/{letter.id}/differences/notes", said)
    assert answer.status == 201, answer.body
    world.record(api_entry("S-2", "250.00", direction="sales", document_date="2026-01-16"))
    world.work_portal()
    seen = _differences(world, letter, "category=agreed")
    assert seen["run"] == 2, "compared again, because the books changed"
    corrected = next(one for one in seen["items"] if one["line"] == line)
    assert [(note["side"], note["text"]) for note in corrected["notes"]] == [
        ("counterparty", "50 lira kur farkı"),
        ("company", "We correct ours."),
    ]
    assert seen["counts"]["agreed"] == 2
    assert browser.post(f"{path}/notes", line=line, text="  ").status == 422


def test_nothing_new_is_no_new_comparison(world: ReconciliationWorld, letter: Letter) -> None:
    _send(world, letter, THEIRS.encode())
    assert world.call("POST", f"/letters/{letter.id}/differences/runs").status == 202
    world.work_portal()
    assert _differences(world, letter)["run"] == 1


def test_lines_of_others_order_no_comparison(world: ReconciliationWorld, letter: Letter) -> None:
    _send(world, letter, THEIRS.encode())
    world.counterparty("120.2", tax_no="4540536920")
    world.record(api_entry("Z-1", counterparty_code="120.2"))
    world.work_portal()
    assert _differences(world, letter)["run"] == 1


def test_a_paper_is_kept_as_evidence_and_not_read(
    world: ReconciliationWorld, letter: Letter
) -> None:
    sent = _send(world, letter, b"%PDF-1.7 our statement", "application/pdf")
    use = world.app.for_system(TENANT, "test")
    kept = use.store.statement(sent["id"])
    assert kept.state is FileState.EVIDENCE
    assert use.files.evidence(kept.id).content == b"%PDF-1.7 our statement"
    assert use.store.case(letter.id) is None


def test_everything_wrong_with_a_file_is_said_and_the_file_is_kept(
    world: ReconciliationWorld, letter: Letter
) -> None:
    rows = "99.01.2026;S-1;;1,00;\r\n15.01.2026;S-2;x;;\r\n15.01.2026;S-3;;;\r\n"
    sent = _send(world, letter, (HEAD + rows).encode())
    kept = world.app.for_system(TENANT, "test").store.statement(sent["id"])
    assert kept.state is FileState.UNREADABLE
    assert [line for line, _, _ in kept.problems] == [2, 3, 4]
    assert kept.digest
    page = world.enter(letter.counterparty_id).get(f"/portal/months/{letter.id}/differences")
    assert page.status == 200


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x" * 1_048_577, "text/csv", 413),
        (b"<html>", "text/html", 415),
        (b"PK\x03\x04" + b"\0" * 50, "application/zip", 415),
    ],
)
def test_files_that_are_no_statement_are_refused_at_the_door(
    world: ReconciliationWorld, letter: Letter, content: bytes, kind: str, status: int
) -> None:
    headers = {"content-type": kind}
    answer = world.call("POST", f"/letters/{letter.id}/statements", content, headers=headers)
    assert answer.status == status


def test_a_broken_workbook_ends_unreadable_and_takes_nobody_down(
    world: ReconciliationWorld, letter: Letter
) -> None:
    from kernel.files import XLSX

    sent = _send(world, letter, b"PK\x03\x04" + b"\0" * 200, XLSX)
    kept = world.app.for_system(TENANT, "test").store.statement(sent["id"])
    assert kept.state is FileState.UNREADABLE


def test_a_disagreement_opens_a_case_and_a_closed_one_stays_closed(
    world: ReconciliationWorld, letter: Letter
) -> None:
    said = {"outcome": "disagreed", "name": "Ali Er"}
    assert world.call("POST", f"/letters/{letter.id}/replies", said).status == 201
    store = world.app.for_system(TENANT, "test").store
    case = store.case(letter.id)
    assert case is not None
    assert case.state is CaseState.WAITING
    assert [one.letter_id for one in store.open_cases()] == [letter.id]
    closed = world.call("POST", f"/letters/{letter.id}/differences/close", {"text": "Settled."})
    assert closed.status == 200, closed.body
    assert store.open_cases() == []
    refused = world.call(
        "POST", f"/letters/{letter.id}/statements", b"x", headers={"content-type": "text/csv"}
    )
    assert (refused.status, refused.json()["code"]) == (409, "case_closed")


def test_rooms_of_others_are_not_there(world: ReconciliationWorld, letter: Letter) -> None:
    _send(world, letter, THEIRS.encode())
    other = str(world.counterparty("120.2", tax_no="4540536920")["id"])
    browser = world.enter(other)
    base = f"/portal/months/{letter.id}"
    for path in ("/differences", "/statement", "/letter.pdf"):
        assert browser.get(base + path).status == 404
    assert browser.post(f"{base}/differences/notes", line="x", text="y").status == 404
    assert Browser().get(base + "/differences").location == "/portal/sign-in"
    stranger = world.principal(OTHER)
    for method, path in (("GET", "differences"), ("POST", "differences/runs")):
        answer = world.call(method, f"/letters/{letter.id}/{path}", principal=stranger)
        assert answer.status == 404


def test_a_thread_is_named_by_our_line_and_else_by_what_theirs_says(
    world: ReconciliationWorld, letter: Letter
) -> None:
    _send(world, letter, THEIRS.encode())
    use = world.app.for_system(TENANT, "test")
    case = use.store.case(letter.id)
    assert case is not None
    found = list(use.show_differences().matches(case))
    keys = [line_key(match) for match in found]
    assert len(set(keys)) == len(keys)
    only = next(match for match in found if match.category is Category.ONLY_THEIRS)
    assert line_key(only).startswith("t")


# ---------------------------------------------------------------------------- as a file


def _table(answer: Answer) -> list[dict[str, str]]:
    """A CSV file by its header."""
    assert answer.status == 200, answer.body
    text = base64.b64decode(answer.raw["body"]).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


@pytest.mark.parametrize("category", ["", *Category])
def test_the_file_holds_exactly_the_lines_of_the_chosen_category(
    world: ReconciliationWorld, letter: Letter, category: str
) -> None:
    _send(world, letter, THEIRS.encode())
    counts = _differences(world, letter)["counts"]
    query = f"format=csv&category={category}"
    by_api = _table(world.call("GET", f"/letters/{letter.id}/differences/export", query=query))
    page = world.page(f"/reconciliation/differences/{letter.id}/file", query=query)
    assert _table(page) == by_api
    # Without a choice the file has everything, what agrees included; with one, nothing else.
    wanted = counts if category == "" else {category: counts.get(category, 0)}
    words = {Category(name): CATEGORY[Category(name)][0] for name in wanted}
    assert Counter(row["What it is"] for row in by_api) == Counter(
        {words[Category(name)]: count for name, count in wanted.items() if count}
    )
    if category:
        named = {
            _named(line) for line in _differences(world, letter, f"category={category}")["items"]
        }
        assert {(row["Our document"], row["Their document"]) for row in by_api} == named


def _named(line: Any) -> tuple[str, str]:
    """The documents of a line of the API, ours and theirs."""
    ours, theirs = (line[side] or {"document_no": ""} for side in ("ours", "theirs"))
    return ours["document_no"], theirs["document_no"]


@pytest.mark.parametrize(
    ("language", "column", "word"),
    [
        ("tr", "Ne olduğu", "tutar farklı"),
        ("el", "Τι είναι", "διαφορετικό ποσό"),
        ("en", "What it is", "amount differs"),
    ],
)
def test_the_file_says_the_category_in_the_readers_words(
    world: ReconciliationWorld, letter: Letter, language: str, column: str, word: str
) -> None:
    _send(world, letter, THEIRS.encode())
    path = f"/reconciliation/differences/{letter.id}"
    room = world.page(path, language, "category=amount_differs")
    assert f'href="{path}/file?category=amount_differs"' in room.body
    (row,) = _table(world.page(f"{path}/file", language, "category=amount_differs&format=csv"))
    assert row[column] == word
    assert "-50,00" in row.values(), "figures of a file have one form, whoever reads it"
    assert not set(row.values()) & set(Category)


def test_a_category_that_there_is_not_is_said_and_gives_no_file(
    world: ReconciliationWorld, letter: Letter
) -> None:
    _send(world, letter, THEIRS.encode())
    path = f"/letters/{letter.id}/differences/export"
    refused = world.call("GET", path, query="category=nothing&format=csv")
    assert refused.status == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/category"]
