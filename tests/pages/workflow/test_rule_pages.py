"""Pages of rules: sound in three languages, forms that lose nothing, a gate with four eyes."""

import base64
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from openpyxl import load_workbook

from kernel.files import XLSX
from tests.support.rules_world import OTHER, SECOND, TENANT, RulesWorld
from toolkit.aws.objects import upload_key
from workflow.adapters.shipped_packs import shipped

LANGUAGES: Final = ("tr", "el", "en")
CHAIN: Final = "approval.purchase_chain"
HERE: Final = f"/workflow/rules/{CHAIN}"
SHIPPED: Final = f"approvals.1.{CHAIN}"
FORM: Final = {
    "key": CHAIN,
    "base": SHIPPED,
    "valid_from": "2026-10-01",
    "valid_to": "",
    "scope": "company",
    "note": "Higher limit",
    "hit_policy": "UNIQUE",
    "complete": "1",
    "rows": "2",
    "rows-0-id": "small",
    "rows-0-cells-0": "<=5000.00",
    "rows-0-outputs-chain": "CHIEF",
    "rows-0-reason_tr": "Küçük tutar",
    "rows-1-id": "large",
    "rows-1-cells-0": ">5000.00",
    "rows-1-outputs-chain": "CHIEF, MANAGER",
    "cases-count": "0",
}
AS_WRITTEN: Final = {
    **FORM,
    "rows-0-cells-0": "<1000.00",
    "rows-1-cells-0": ">1000.00",
}


def draft(world: RulesWorld, **form: str) -> str:
    """Where the page of a kept draft is."""
    answer = world.post("/workflow/rules/save", **{**FORM, **form})
    assert answer.status == 303, answer.body
    return answer.location.partition("?")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound_in_every_language(world: RulesWorld, language: str) -> None:
    shown = world.page("/workflow/rules", language)
    assert "R18" in shown
    assert "R48" in shown
    table = world.page(HERE, language)
    assert "workflow.why" not in table
    for path in (f"{HERE}/edit", "/workflow/rules/new-table", f"{HERE}/try"):
        world.page(path, language)
    world.page(f"{HERE}/versions/{SHIPPED}", language)
    world.page("/workflow/parameters", language)
    world.page("/workflow/decisions", language)
    made = world.decide(CHAIN, {"amount": "1000.00"})
    assert made["id"] in world.page("/workflow/decisions", language, f"rule={CHAIN}")
    decision = world.page(f"/workflow/decisions/{made['id']}", language)
    assert "workflow.why" not in decision
    assert "<@purchase.limit" in decision


def test_rules_are_found_by_number_or_word(world: RulesWorld) -> None:
    shown = world.page("/workflow/rules", query="q=R18")
    assert HERE in shown
    assert "/workflow/rules/proc.autopay_file" not in shown
    assert "No rule fits" in world.page("/workflow/rules", query="q=xyzzy")
    foreign = world.post("/workflow/rules/save", role="viewer", **FORM)
    assert foreign.status == 403


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_packs_name_has_words(world: RulesWorld, language: str) -> None:
    words = world.app.renderer.language(language)
    for versions in shipped().versions.values():
        for version in versions:
            table = version.table
            outputs = [output.place for output in table.outputs.values()]
            derived = [one.place for one in table.derived.values()]
            for place in (*table.facts.facts.values(), *derived, *outputs):
                same = place.name in ("valid_on", "plan")  # the latter is one word everywhere
                assert words.knows("fact", place.name) or same or language == "en", place.name
                for value in (*place.values, *(v for item in place.items for v in item.values)):
                    same = value.startswith("EPDK") or value == "PTT"
                    assert words.knows("choice", value) or same, value


# ------------------------------------------------------------------ editor


def test_a_draft_is_kept_from_the_form_and_published_by_another(world: RulesWorld) -> None:
    here = draft(world)
    shown = world.page(here)
    assert "somebody else publishes it" in shown
    assert "No contradiction and no gap was found." in shown
    assert f"{here}/publish" not in shown
    own = world.post(f"{here}/publish")
    assert own.status == 403
    assert "ask somebody else" in own.body
    assert world.post(f"{here}/submit", version="1").location.endswith("done=submitted")
    stale = world.post(f"{here}/publish", SECOND, version="1")
    assert stale.status == 412
    done = world.post(f"{here}/publish", SECOND, version="2")
    assert done.location.endswith("done=published")
    before = world.decide(CHAIN, {"amount": "3000.00"}, valid_on="2026-09-30")
    after = world.decide(CHAIN, {"amount": "3000.00"}, valid_on="2026-10-01")
    assert before["result"] == {"chain": ["CHIEF", "MANAGER"]}
    assert after["result"] == {"chain": ["CHIEF"]}
    history = world.page(here, person=SECOND)
    assert "Handed over for publication" in history
    assert world.post(f"{here}/retire", SECOND).location.endswith("done=retired")


def test_a_draft_that_nobody_needs_is_put_aside_and_decides_nothing(world: RulesWorld) -> None:
    here = draft(world)
    assert world.post(f"{here}/withdraw").location.endswith("done=withdrawn")
    assert world.post(f"{here}/publish", SECOND).status == 409
    decided = world.decide(CHAIN, {"amount": "3000.00"}, valid_on="2026-10-02")
    assert decided["result"] == {"chain": ["CHIEF", "MANAGER"]}
    listed = world.page("/workflow/rules", query="q=R18")
    assert "waiting" not in listed.partition("rules-table")[2].partition("</table>")[0]


def test_the_source_as_written_is_refused_with_its_witness(world: RulesWorld) -> None:
    here = draft(world, **AS_WRITTEN)
    assert "No row holds for amount = 1000.00." in world.page(here)
    refused = world.post(f"{here}/publish", SECOND)
    assert refused.status == 422
    assert "GAP" in refused.body


def test_wrong_cells_come_back_at_their_controls_and_keep_what_was_typed(
    world: RulesWorld,
) -> None:
    wrong = {
        "rows-0-cells-0": "about 5",
        "rows-1-outputs-chain": "KING",
        "rows-1-valid_to": "soon",
        "valid_from": "never",
        "scope": "everybody",
    }
    answer = world.post("/workflow/rules/save", **{**FORM, **wrong})
    assert answer.status == 422
    for control in (*wrong, "scope"):
        assert f'href="#{control}"' in answer.body
        assert f'id="{control}-error"' in answer.body
    for text in wrong.values():
        assert f'value="{text}"' in answer.body
    assert world.ok("GET", f"/tables/{CHAIN}/versions")["total"] == 1


def test_the_check_while_typing_names_cells_and_witnesses(world: RulesWorld) -> None:
    found = world.post("/workflow/rules/check", **AS_WRITTEN)
    assert found.status == 200
    assert "No row holds for amount = 1000.00." in found.body
    both = {"rows-0-cells-0": "<=1000.00", "rows-1-cells-0": ">=1000.00"}
    overlap = world.post("/workflow/rules/check", **{**FORM, **both})
    assert "small and large both hold for amount = 1000.00." in overlap.body
    unread = world.post("/workflow/rules/check", **{**FORM, "rows-0-cells-0": "<"})
    assert 'href="#rows-0-cells-0"' in unread.body
    broken = world.post(
        "/workflow/rules/check", **{**FORM, "facts-count": "1", "facts-0-name": "A"}
    )
    assert 'href="#facts-0-name"' in broken.body


def test_rows_are_added_and_removed_without_javascript(world: RulesWorld) -> None:
    more = world.post("/workflow/rules/save", **FORM, command="add-row")
    assert more.status == 200
    assert 'name="rows-2-cells-0" value="-"' in more.body
    assert 'value="Küçük tutar"' in more.body
    less = world.post("/workflow/rules/save", **FORM, command="remove-rows", remove="0")
    assert 'value="large"' in less.body
    assert 'value="small"' not in less.body
    assert world.ok("GET", f"/tables/{CHAIN}/versions")["total"] == 1


def test_a_company_writes_a_table_of_its_own(world: RulesWorld) -> None:
    new = {"key": "", "base": "", "rows-0-outputs-result": "YES", "rows-1-outputs-result": "NO"}
    taken = world.post("/workflow/rules/save", **{**FORM, **new, "new_key": CHAIN})
    assert taken.status == 422
    assert 'id="new_key-error"' in taken.body
    named = {"new_key": "own.small", "title-tr": "Küçük alımlar"}
    made = world.post("/workflow/rules/save", **{**FORM, **new, **named})
    assert made.location.startswith("/workflow/rules/own.small/versions/")
    assert "Küçük alımlar" in world.page("/workflow/rules", "tr", "q=own.small")
    assert "No version is in force today" in world.page("/workflow/rules/own.small")


# ------------------------------------------------------------------ workbook


def workbook(world: RulesWorld, change: Callable[[Any], None]) -> str:
    """The address of an upload: the table as it was downloaded, changed by a person."""
    reader = world.principal(kind="session")
    raw = world.request("GET", f"{HERE}/sheet", reader).raw
    assert "attachment" in raw["headers"]["content-disposition"]
    book = load_workbook(io.BytesIO(base64.b64decode(raw["body"])))
    change(book.active)
    content = io.BytesIO()
    book.save(content)
    upload_id = world.app.platform.ids.new()
    key = upload_key(TENANT, upload_id)
    world.app.platform.files.put(key, content.getvalue(), content_type=XLSX, filename="rules.xlsx")
    return f"{HERE}/uploads/{upload_id}/{SHIPPED}"


def test_a_workbook_goes_round_and_shows_its_differences_first(world: RulesWorld) -> None:
    assert "says the same" in world.page(workbook(world, lambda _: None))

    def change(sheet: Any) -> None:
        assert [cell.value for cell in sheet[1]][:3] == ["id", "IF amount", "THEN chain"]
        sheet["B2"] = "<=@purchase.limit"
        sheet["B3"] = ">@purchase.limit"

    here = workbook(world, change)
    shown = world.page(here)
    assert "<del><@purchase.limit</del>" in shown
    assert world.ok("GET", f"/tables/{CHAIN}/versions")["total"] == 1
    wrong = world.post(here, valid_from="", scope="company")
    assert wrong.status == 422
    kept = world.post(here, valid_from="2026-10-01", scope="company", note="from the workbook")
    assert kept.location.endswith("done=drafted")
    version_id = kept.location.partition("?")[0].rpartition("/")[2]
    version = world.ok("GET", f"/tables/{CHAIN}/versions/{version_id}")
    assert version["rows"][0]["cells"] == ["<=@purchase.limit"]
    assert version["note"] == "from the workbook"
    stored = world.ok("GET", f"/tables/{CHAIN}/versions/{SHIPPED}")
    assert version["cases"] == stored["cases"]


def test_every_wrong_cell_of_a_workbook_is_named(world: RulesWorld) -> None:
    def change(sheet: Any) -> None:
        sheet["B2"] = "less than a bit"
        sheet["C3"] = "KING"
        sheet["A3"] = None

    here = workbook(world, change)
    shown = world.page(here)
    for address in ("A3", "B2", "C3"):
        assert f'class="hub-number">{address}<' in shown
    assert world.post(here, valid_from="2026-10-01").status == 422
    assert world.ok("GET", f"/tables/{CHAIN}/versions")["total"] == 1


def test_a_column_that_is_missing_or_unknown_is_never_ignored(world: RulesWorld) -> None:
    def change(sheet: Any) -> None:
        sheet["B1"] = "IF amonut"

    shown = world.page(workbook(world, change))
    assert "Nobody knows the column IF amonut." in shown
    assert "The column IF amount is missing." in shown


def test_a_browser_may_send_the_workbook_to_storage_only(world: RulesWorld) -> None:
    answer = world.request("GET", f"{HERE}/upload", world.principal(kind="session"))
    origin = "https://s3.eu-central-1.amazonaws.com"
    assert f'action="{origin}/' in answer.body
    assert f"form-action 'self' {origin};" in answer.headers["content-security-policy"]


def test_another_company_cannot_reach_an_upload(world: RulesWorld) -> None:
    here = workbook(world, lambda _: None)
    stranger = world.principal(SECOND, tenant=OTHER, kind="session")
    assert world.request("GET", here, stranger).status == 404


# ------------------------------------------------------------------ trying


def test_a_rule_is_tried_and_says_why_and_nothing_is_kept(world: RulesWorld) -> None:
    shown = world.post(f"{HERE}/try", **{"facts-amount": "1000,00", "valid_on": "2026-09-01"})
    assert shown.status == 200
    assert "&lt;@purchase.limit" in shown.body
    assert "chief, manager" in shown.body
    assert world.ok("GET", "/decisions", query={"rule": CHAIN})["items"] == []
    missing = world.post(f"{HERE}/try", **{"valid_on": "2026-09-01"})
    assert missing.status == 422
    assert 'id="facts-amount-error"' in missing.body
    wrong = world.post(f"{HERE}/try", **{"facts-amount": "a lot", "valid_on": "then"})
    assert 'id="valid_on-error"' in wrong.body


def test_a_draft_is_tried_before_it_counts(world: RulesWorld) -> None:
    version_id = draft(world).rpartition("/")[2]
    facts = {"facts-amount": "3000.00", "valid_on": "2026-10-01", "version": version_id}
    shown = world.post(f"{HERE}/try", **facts)
    assert shown.status == 200
    assert "chief" in shown.body
    assert "chief, manager" not in shown.body
    assert f"{HERE}/decide" not in shown.body


def test_a_decision_is_made_shown_and_made_again(world: RulesWorld) -> None:
    facts = {"facts-amount": "999.99", "valid_on": "2026-09-01"}
    done = world.post(f"{HERE}/decide", **facts)
    assert done.location.startswith("/workflow/decisions/")
    here = done.location.partition("?")[0]
    assert "şef" in world.page(here, "tr")
    again = world.post(f"{here}/replay")
    assert "it comes out the same" in again.body
    foreign = world.principal(SECOND, tenant=OTHER, kind="session")
    assert world.request("GET", here, foreign).status == 404


def test_a_version_is_compared_on_cases_and_on_the_past(world: RulesWorld) -> None:
    world.decide(CHAIN, {"amount": "3000.00"})
    world.decide(CHAIN, {"amount": "300.00"})
    here = draft(world)
    cases = world.post(f"{here}/simulate")
    assert cases.status == 200
    assert "come out otherwise." in cases.body
    past = world.post(f"{here}/back-test", **{"from": "2020-01-01", "to": "2030-01-01"})
    assert "1 of 2 come out otherwise." in past.body
    assert "/workflow/decisions/" in past.body.partition("differences-table")[2]
    wrong = world.post(f"{here}/back-test", **{"from": "2026-02-01", "to": "2026-01-01"})
    assert wrong.status == 422
    assert 'id="to-error"' in wrong.body


# ------------------------------------------------------------------ parameters


def test_a_value_is_recorded_with_its_law_and_dates(world: RulesWorld) -> None:
    form = {
        "key": "purchase.limit",
        "value": "2500,00",
        "valid_from": "2026-07-01",
        "scope": "company",
        "legal_ref": "Yönetim kurulu kararı 12",
        "verified_by": "Hukuk birimi",
        "verified_at": "2026-05-30",
    }
    done = world.post("/workflow/parameters", **form)
    assert done.location == "/workflow/parameters?done=recorded&q=purchase.limit"
    shown = world.page("/workflow/parameters", query="q=purchase.limit")
    assert "2500.00" in shown
    assert "Yönetim kurulu kararı 12" in shown
    assert "Hukuk birimi" in shown
    assert "Mondaq" in world.page("/workflow/parameters", query="q=late_fee.monthly_rate")
    for day, chain in (("2026-06-30", ["CHIEF", "MANAGER"]), ("2026-07-01", ["CHIEF"])):
        made = world.decide(CHAIN, {"amount": "1500.00"}, valid_on=day)
        assert made["result"] == {"chain": chain}
    wrong = {**form, "key": "Not A Key", "valid_from": "", "value": ""}
    refused = world.post("/workflow/parameters", **wrong)
    assert refused.status == 422
    assert 'id="key-error"' in refused.body
    assert 'id="valid_from-error"' in refused.body
    world.clock.advance(timedelta(seconds=1))
    breaks = world.post("/workflow/parameters", **{**form, "value": "a lot"})
    assert breaks.status == 422
    assert 'value="a lot"' in breaks.body


def test_a_list_and_a_number_keep_their_kind(world: RulesWorld) -> None:
    days = {"key": "termination.debt_months", "value": "4", "valid_from": "2027-01-01"}
    stages = {"key": "approval.stages[foreign]", "value": "CEO, BOARD", "valid_from": "2027-01-01"}
    for form in (days, stages):
        assert world.post("/workflow/parameters", **form).status == 303
    listed = world.ok("GET", "/parameters")["items"]
    own = {one["key"]: one["value"] for one in listed if one["scope"] == "company"}
    assert own == {"termination.debt_months": 4, "approval.stages[foreign]": ["CEO", "BOARD"]}
