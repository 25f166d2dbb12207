"""Account cards and lines by API: named by the books, nothing twice, all problems at once."""

import base64
import io
from typing import Any

import pytest

from tests.support.reconciliation_builders import (
    OTHER_VKN,
    VKN,
    api_counterparty,
    api_entry,
    api_money,
)
from tests.support.reconciliation_world import ReconciliationWorld


def etag(item: dict[str, Any]) -> dict[str, str]:
    return {"if-match": f'"v{item["version"]}"'}


# ---------------------------------------------------------------------------- account cards


def test_an_account_card_is_added_read_changed_and_removed(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    path = f"/counterparties/{card['id']}"
    assert card["tax_no"] == VKN
    assert card["emails"] == ["muhasebe@deneme.example"]
    assert world.call("GET", path).json() == card
    body = api_counterparty(title="Yeni Unvan A.Ş.", tax_no=OTHER_VKN)
    assert world.call("PUT", path, body).status == 428
    changed = world.call("PUT", path, body, headers=etag(card))
    assert (changed.status, changed.json()["title"]) == (200, "Yeni Unvan A.Ş.")
    assert world.call("PUT", path, body, headers=etag(card)).status == 412
    again = world.call("PUT", path, body, headers=etag(changed.json()))
    assert again.json()["version"] == changed.json()["version"], "the same content changes nothing"
    assert world.call("DELETE", path, headers=etag(changed.json())).status == 204
    assert world.call("GET", path).status == 404
    assert world.call("GET", "/counterparties").json()["items"] == []
    back = world.counterparty()
    assert (back["id"], back["tax_no"]) == (card["id"], VKN), "the code is the same card"
    assert [item["id"] for item in world.call("GET", "/counterparties").json()["items"]] == [
        card["id"]
    ]


def test_a_code_is_taken_once_and_never_changes(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    taken = world.call("POST", "/counterparties", api_counterparty())
    assert (taken.status, taken.json()["code"]) == (409, "code_taken")
    other = world.call(
        "PUT", f"/counterparties/{card['id']}", api_counterparty("X"), headers=etag(card)
    )
    assert [item["pointer"] for item in other.json()["errors"]] == ["/code"]


def test_a_persons_number_is_masked_and_stands_in_no_key(world: ReconciliationWorld) -> None:
    card = world.counterparty(tax_no=None, national_id="12345678950")
    assert (card["tax_no"], card["national_id"]) == (None, "123******50")
    for table in ("core", "flow", "audit"):
        for row in world.aws.rows(table):
            assert "12345678950" not in row["pk"] + row["sk"]
            assert "#HIST#" not in row["pk"] or "12345678950" not in str(row)


@pytest.mark.parametrize("number", ["11111111111", "2222222222"])
def test_placeholders_are_kept_as_special_numbers(world: ReconciliationWorld, number: str) -> None:
    name = "tax_no" if len(number) == 10 else "national_id"
    numbers: dict[str, Any] = {"tax_no": None, name: number}
    card = world.counterparty("120.1", **numbers)
    assert card[name] == number
    assert card["special"] in {"UNNAMED_CONSUMER", "FOREIGN_BUYER"}


def test_everything_wrong_with_an_account_card_is_said_at_once(world: ReconciliationWorld) -> None:
    body = api_counterparty(" x", tax_no="1234567891", emails=["a@"], language="de", title="?")
    answer = world.call("POST", "/counterparties", {**body, "colour": "red"})
    assert answer.status == 422
    assert sorted(item["pointer"] for item in answer.json()["errors"]) == [
        "/code",
        "/colour",
        "/emails",
        "/language",
        "/tax_no",
        "/title",
    ]
    for more in ({"tax_no": None}, {"national_id": "12345678950"}):
        assert world.call("POST", "/counterparties", api_counterparty(**more)).status == 422
    assert world.aws.rows("core") == []


def test_cards_are_searched_and_paged(world: ReconciliationWorld) -> None:
    for number in range(5):
        emails = ["a@deneme.example"] if number % 2 else []
        world.counterparty(f"120.{number}", title=f"Şahin {number} Ltd.", emails=emails)

    def codes(query: str) -> list[str]:
        answer = world.call("GET", "/counterparties", query=query).json()
        found = [item["code"] for item in answer["items"]]
        if answer["next_cursor"]:
            found += codes(f"{query}&cursor={answer['next_cursor']}")
        return found

    assert codes("limit=2") == [f"120.{number}" for number in range(5)]
    assert codes("limit=1&reachable=false") == ["120.0", "120.2", "120.4"]
    assert codes("q=ŞAHIN 3") == codes("q=şahin 3") == ["120.3"]
    assert codes("code=120.4") == ["120.4"]
    assert codes("code=120.9") == []
    assert world.call("GET", "/counterparties", query="reachable=maybe").status == 422


# ---------------------------------------------------------------------------- lines


def test_the_same_lines_twice_change_nothing(world: ReconciliationWorld) -> None:
    world.counterparty()
    lines = [api_entry("A-1"), api_entry("A-2", "2500.50")]
    assert world.record(*lines) == {"added": 2, "changed": 0, "unchanged": 0}
    before = world.aws.tables()
    assert world.record(*lines) == {"added": 0, "changed": 0, "unchanged": 2}
    assert world.aws.tables() == before
    assert [line["document_no"] for line in world.lines("period=2026-01&limit=1")] != []
    assert len(world.lines("period=2026-01&limit=1")) == 2


def test_a_corrected_line_replaces_what_it_said_and_the_past_is_kept(
    world: ReconciliationWorld,
) -> None:
    world.counterparty()
    world.record(api_entry("A-1", "3000.00"))
    assert world.record(api_entry("A-1", "3100.00"))["changed"] == 1
    (line,) = world.lines()
    assert (line["net_amount"]["amount"], line["version"]) == ("3100.00", 2)
    (past,) = [row for row in world.aws.rows("core") if "#LEDGER-PAST#" in row["pk"]]
    assert past["net"] == 300_000


def test_a_document_that_moves_to_another_month_is_never_in_two(
    world: ReconciliationWorld,
) -> None:
    world.counterparty()
    world.record(api_entry("A-1", "6000.00"))
    for day, period, empty in (
        ("2026-02-03", "2026-02", "2026-01"),
        ("2026-01-20", "2026-01", "2026-02"),
        ("2026-03-01", "2026-03", "2026-01"),
    ):
        assert world.record(api_entry("A-1", "6000.00", document_date=day))["changed"] == 1
        assert [line["document_date"] for line in world.lines(f"period={period}")] == [day]
        assert world.lines(f"period={empty}") == []
        assert world.figures(period)["listed"]["document_count"] == 1
        assert world.figures(empty)["items"] == []
    assert len([row for row in world.aws.rows("core") if "#LEDGER-PAST#" in row["pk"]]) == 3


def test_a_cancelled_line_stays_and_counts_nowhere(world: ReconciliationWorld) -> None:
    world.counterparty()
    world.record(api_entry("A-1", "6000.00"))
    world.record(api_entry("A-1", "6000.00", cancelled=True))
    assert [line["cancelled"] for line in world.lines()] == [True]
    assert world.figures()["items"] == []


def test_a_request_is_recorded_whole_or_not_at_all(world: ReconciliationWorld) -> None:
    world.counterparty()
    before = world.aws.tables()
    wrong = [
        api_entry("A-1"),
        api_entry("A-2", total=api_money("1.00")),
        api_entry("A-3", counterparty_code="999"),
        api_entry("A-1", "7.00"),
        api_entry(
            "A-5",
            net_amount=api_money("5.00", "EUR"),
            total=api_money("5.00", "EUR"),
            due_on="2025-01-01",
        ),
    ]
    answer = world.call("POST", "/ledger-entries", {"entries": wrong})
    assert answer.status == 422
    assert [(item["pointer"], item["code"]) for item in answer.json()["errors"]] == [
        ("/entries/1/total", "sum"),
        ("/entries/2/counterparty_code", "counterparty_unknown"),
        ("/entries/3/document_no", "duplicate_row"),
        ("/entries/4/net_amount_try", "required"),
        ("/entries/4/due_on", "order"),
    ]
    many = {"entries": [api_entry(f"A-{number}") for number in range(21)]}
    assert world.call("POST", "/ledger-entries", many).status == 422
    assert world.aws.tables() == before


def test_several_lines_of_one_document_have_names_of_their_own(
    world: ReconciliationWorld,
) -> None:
    world.counterparty()
    lines = [api_entry("A-1", "10.00", source_id=name) for name in ("1", "2")]
    assert world.record(*lines)["added"] == 2


def test_lines_are_filtered(world: ReconciliationWorld) -> None:
    world.counterparty()
    world.counterparty("320.1", tax_no=OTHER_VKN)
    world.record(
        api_entry("A-1"),
        api_entry("A-2", kind="payment"),
        api_entry("A-3", direction="sales"),
        api_entry("A-4", counterparty_code="320.1"),
    )

    def found(query: str) -> set[str]:
        return {line["document_no"] for line in world.lines(f"period=2026-01&limit=1&{query}")}

    assert found("counterparty_code=320.1") == {"A-4"}
    assert found("counterparty_code=120.01.001&kind=payment") == {"A-2"}
    assert found("direction=sales") == {"A-3"}
    assert found("counterparty_code=999") == set()
    assert world.call("GET", "/ledger-entries", query="period=2026-1").status == 422
    assert world.call("GET", "/ledger-entries", query="kind=gift").status == 422


# ---------------------------------------------------------------------------- figures


def test_figures_say_what_is_listed_and_why(world: ReconciliationWorld) -> None:
    first = world.counterparty()
    second = world.counterparty("320.01")
    world.record(
        api_entry("A-1", "3000.00"),
        api_entry("A-2", "2500.50", counterparty_code="320.01"),
        api_entry("A-3", "4000.00", is_electronic=True),
        api_entry("B-1", "9000.00", direction="sales", is_electronic=True),
    )
    shown = world.figures()
    (row,) = shown["items"]
    assert {card["id"] for card in row["counterparties"]} == {first["id"], second["id"]}
    assert (row["document_count"], row["total"]["amount"], row["listed"]) == (2, "5500.00", True)
    assert row["form"] == {"document_count": 2, "total": api_money("5500.50")}
    assert row["all"] == {"document_count": 3, "total": api_money("9500.50")}
    assert row["tax_no"] == VKN
    assert len(row["why"]) == 4
    assert "5500.50" in row["why"][-1] or "5,500.50" in row["why"][-1]
    assert (shown["file_form"], shown["due_on"]) == (True, "2026-03-02")
    assert shown["listed"] == {
        "counterparties": 1,
        "document_count": 2,
        "total": api_money("5500.00"),
    }
    sales = world.figures(form="bs")
    assert (sales["file_form"], sales["items"][0]["listed"]) == (False, False)


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_reasons_are_sentences_in_every_language(world: ReconciliationWorld, language: str) -> None:
    world.counterparty()
    world.record(api_entry("A-1", "3000.00"), api_entry("A-2", "4000.50", is_electronic=True))
    shown = world.figures(language=language)
    said = [*shown["items"][0]["why"], *shown["due_why"], *shown["file_form_why"]]
    assert said
    assert not [text for text in said if "reconciliation.why" in text or "%(" in text]


def test_figures_are_paged_narrowed_and_asked_for_rightly(world: ReconciliationWorld) -> None:
    for number in range(3):
        world.counterparty(f"120.{number}", tax_no="2222222222")
        net = "6000.00" if number else "1.00"
        world.record(api_entry("A-1", net, counterparty_code=f"120.{number}"))
    page = world.figures(query="limit=2")
    assert [len(page["items"]), page["total"]] == [2, 3]
    rest = world.figures(query=f"limit=2&cursor={page['next_cursor']}")
    assert [row["counterparties"][0]["code"] for row in rest["items"]] == ["120.2"]
    assert world.figures(query="listed=true")["total"] == 2
    assert world.call("GET", "/periods/2026-01/figures", query="form=bc").status == 422
    assert world.call("GET", "/periods/2026-13/figures", query="form=ba").status == 404


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_figures_leave_as_a_file(world: ReconciliationWorld, file_format: str) -> None:
    world.counterparty(title="=1+1 A.Ş.")
    world.record(api_entry("A-1", "5500.50"))
    answer = world.call(
        "GET", "/periods/2026-01/figures/export", query=f"form=ba&format={file_format}"
    )
    assert answer.status == 200, answer.body
    content = base64.b64decode(answer.raw["body"])
    if file_format == "csv":
        text = content.decode("utf-8-sig")
        assert "120.01.001" in text
        assert "5500,50" in text
        assert "\n=1" not in text.replace(";", "\n")
        none = world.call(
            "GET", "/periods/2026-01/figures/export", query="form=ba&format=csv&listed=false"
        )
        assert "120.01.001" not in base64.b64decode(none.raw["body"]).decode("utf-8-sig")
        return
    from openpyxl import load_workbook

    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert [row for row in rows if "120.01.001" in row]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_a_company_changes_a_parameter_and_figures_follow(world: ReconciliationWorld) -> None:
    world.counterparty()
    world.record(api_entry("A-1", "6000.00"))
    known = world.call("GET", "/parameters").json()
    assert known["version"] == 0
    assert {row["key"] for row in known["items"] if not row["confirmed"]} == {"babs.due_roll"}
    row = {
        "key": "babs.threshold",
        "since": "2026-01",
        "value": "10000.00",
        "legal_ref": "RG 01.01.2026",
    }
    wrong = {"items": [row, {**row, "value": "1,0"}]}
    refused = world.call("PUT", "/parameters", wrong, headers={"if-match": '"v0"'})
    assert [item["pointer"] for item in refused.json()["errors"]] == [
        "/items/1/value",
        "/items/1/since",
    ]
    saved = world.call("PUT", "/parameters", {"items": [row]}, headers={"if-match": '"v0"'})
    assert (saved.status, saved.json()["version"]) == (200, 1)
    assert world.figures()["items"][0]["listed"] is False
    stale = world.call("PUT", "/parameters", {"items": []}, headers={"if-match": '"v0"'})
    assert stale.status == 412
    world.call("PUT", "/parameters", {"items": []}, headers={"if-match": '"v1"'})
    assert world.figures()["items"][0]["listed"] is True
