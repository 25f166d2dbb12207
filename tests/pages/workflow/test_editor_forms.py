"""Forms of tables and processes: nothing is lost in them, and they need no script."""

from typing import Any, Final

import pytest

from tests.support.page_checks import form_fields
from tests.support.rules_world import SECOND, RulesWorld
from workflow.adapters.shipped_packs import shipped
from workflow.adapters.shipped_processes import shipped_processes
from workflow.domain.processes.definition import read_definition
from workflow.pages.document_forms import Control, DrawnList
from workflow.pages.process_form import WrittenProcess, of_definition, of_process_form
from workflow.pages.rule_form import PAGE, Written, of_form, of_table
from workflow.pages.rule_words import RuleSay

CHAIN: Final = "approval.purchase_chain"
RULES: Final = "/workflow/rules"
PROCESSES: Final = "/workflow/process-definitions"
TABLES: Final = sorted(shipped().versions)
DEFINITIONS: Final = sorted(shipped_processes().by_key)


def posted(lists: list[DrawnList], controls: list[Control]) -> dict[str, str]:
    """What a browser would post of the controls of a form."""
    found = {one.id: one.value for one in controls if one.kind != "check" or one.value}
    for one in lists:
        found[f"{one.id}-count"] = str(len(one.records))
        for record in one.records:
            found |= posted(list(record.lists), list(record.controls))
    return found


def rule_form(written: Written) -> dict[str, str]:
    form = posted(list(written.lists), list(written.title_controls))
    hidden = {
        "columns": ",".join(written.columns),
        "rows": str(len(written.shown)),
        "first": str(written.first),
        "kept": written.kept,
        "hit_policy": str(written.document["hit_policy"]),
        "complete": "1" if written.document["complete"] else "",
    }
    rows = {
        f"rows-{number}-{name}": text
        for number, line in written.shown
        for name, text in {
            "id": line.id,
            **{f"cells-{place}": cell for place, cell in enumerate(line.cells)},
            **{f"outputs-{name}": said for name, said in line.outputs.items()},
            **line.extras,
        }.items()
    }
    return {**form, **hidden, **rows}


def process_form(written: WrittenProcess) -> dict[str, str]:
    places, lists = written.cancellation
    return posted([*written.lists, *lists], [*written.head, *places])


@pytest.mark.parametrize("language", ["tr", "en"])
def test_every_shipped_table_goes_through_its_form_unchanged(
    world: RulesWorld, language: str
) -> None:
    say = RuleSay(world.app.renderer.language(language))
    for key in TABLES:
        table = shipped().versions[key][-1].table
        again = of_form(rule_form(of_table(table, {}, say)), table, say).read()
        assert again.problems == [], key
        assert again.table is not None
        assert again.table.sha256 == table.sha256, key


@pytest.mark.parametrize("language", ["el", "en"])
def test_every_shipped_process_goes_through_its_form_unchanged(
    world: RulesWorld, language: str
) -> None:
    words = world.app.renderer.language(language)
    for key in DEFINITIONS:
        document = shipped_processes().by_key[key][-1].document
        again = of_process_form(process_form(of_definition(document, {}, words)), words).read()
        assert again.problems == [], key
        assert read_definition(again.document) == read_definition(document), key


# ------------------------------------------------------------------ tables


def edited(world: RulesWorld, path: str, **changes: str) -> dict[str, str]:
    """The form of an editor as a browser has it, with changes."""
    return {**form_fields(world.page(path), "editor"), **changes}


def save(world: RulesWorld, form: dict[str, str], **more: str) -> Any:
    sent = {name: text for name, text in form.items() if name != "csrf_token"}
    return world.post(f"{RULES}/save", **{**sent, **more})


def test_a_fact_is_renamed_and_keeps_its_cells_and_cases(world: RulesWorld) -> None:
    form = edited(world, f"{RULES}/{CHAIN}/edit", **{"facts-0-name": "total"})
    assert form["facts-0-was"] == "amount"
    done = save(world, form)
    assert done.status == 303, done.body
    version_id = done.location.partition("?")[0].rpartition("/")[2]
    made = world.ok("GET", f"/tables/{CHAIN}/versions/{version_id}")
    assert made["columns"] == ["total"]
    assert made["rows"][0]["cells"] == ["<@purchase.limit"]
    assert [case["facts"] for case in made["cases"]] == [{"total": "999.99"}, {"total": "1000.00"}]


def test_facts_derived_facts_results_and_cases_are_written_in_typed_rows(
    world: RulesWorld,
) -> None:
    """A table of one's own from nothing, by buttons that post the form; no JSON anywhere."""
    form = edited(world, f"{RULES}/new-table", new_key="own.late", **{"facts-0-name": "owed"})
    for word in ("add:facts", "add:derived", "add:outputs", "add:cases"):
        answer = save(world, form, command=word)
        assert answer.status == 200
        form = form_fields(answer.body, "editor")
    form |= {
        "facts-1-name": "due_on", "facts-1-type": "date",
        "derived-0-name": "ends_on", "derived-0-type": "date", "derived-0-function": "add_days",
        "derived-0-args": "day = due_on\ndays = 3", "derived-0-decides": "1",
        "outputs-1-name": "until", "outputs-1-type": "date", "outputs-1-nullable": "1",
        "facts-0-decides": "1",
    }  # fmt: skip
    form = form_fields(save(world, form, command="look").body, "editor")
    assert form["columns"] == "owed,ends_on"
    form |= {
        "rows-0-outputs-until": "{ends_on}", "rows-1-outputs-until": "null",
        "cases-0-id": "small", "cases-0-facts-owed": "5.00", "cases-0-facts-due_on": "2026-06-01",
        "cases-0-expect-result": "YES", "cases-0-expect-until": "2026-06-04",
    }  # fmt: skip
    done = save(world, form)
    assert done.status == 303, done.body
    here = done.location.partition("?")[0]
    assert "One stored case was run." in world.page(here)
    assert world.post(f"{here}/publish", SECOND).status == 303
    decided = world.decide("own.late", {"owed": "1.00", "due_on": "2026-06-10"})
    assert decided["result"] == {"result": "YES", "until": "2026-06-13"}


def test_everything_wrong_with_declarations_is_said_at_its_control(world: RulesWorld) -> None:
    form = edited(
        world, f"{RULES}/{CHAIN}/edit",
        **{"facts-0-type": "enum", "outputs-0-name": "Chain", "cases-0-id": ""},
    )  # fmt: skip
    answer = save(world, form)
    assert answer.status == 422
    for control in ("facts-0-name", "outputs-0-name", "cases-0-id"):
        assert f'id="{control}-error"' in answer.body, control
    assert 'value="Chain"' in answer.body


def long_table(rows: int) -> dict[str, Any]:
    return {
        "valid_from": "2026-01-01",
        "facts": [{"name": "number", "type": "int", "domain": [0, rows - 1]}],
        "outputs": [{"name": "group", "type": "int"}],
        "rows": [
            {"id": f"r{n}", "cells": [str(n)], "outputs": {"group": n // 10}} for n in range(rows)
        ],
    }


def test_five_hundred_rows_are_seen_and_changed_page_by_page(world: RulesWorld) -> None:
    made = world.ok("POST", "/tables/own.long/versions", long_table(500))
    here = f"{RULES}/own.long/versions/{made['id']}"
    first = world.page(here)
    assert "r49<" in first
    assert "r50<" not in first
    assert "r499<" in world.page(here, query="rows=10")
    form = edited(world, f"{RULES}/own.long/edit", **{"rows-7-outputs-group": "77"})
    assert "rows-50-id" not in form
    last = form_fields(save(world, form, command="page:9").body, "editor")
    assert (last["rows-450-id"], last["rows-499-id"]) == ("r450", "r499")
    last |= {"rows-499-outputs-group": "99", "rows-450-cells-0": "around 450"}
    wrong = save(world, {**last, "first": "450"})
    assert wrong.status == 422
    assert 'id="rows-450-cells-0-error"' in wrong.body
    done = save(world, {**last, "rows-450-cells-0": "450"})
    assert done.status == 303, done.body
    version_id = done.location.partition("?")[0].rpartition("/")[2]
    rows = world.ok("GET", f"/tables/own.long/versions/{version_id}")["rows"]
    assert [rows[n]["outputs"]["group"] for n in (7, 8, 499)] == [77, 0, 99]
    assert len(rows) == 500


def test_a_wrong_row_of_another_page_is_named_and_shown(world: RulesWorld) -> None:
    made = world.ok("POST", "/tables/own.long/versions", long_table(120))
    form = edited(world, f"{RULES}/own.long/edit", **{"rows-3-cells-0": "three"})
    assert made["id"]
    other = form_fields(save(world, form, command="page:2").body, "editor")
    assert "rows-3-id" not in other
    back = save(world, other)
    assert back.status == 422
    assert 'id="rows-3-cells-0-error"' in back.body
    assert len(form_fields(back.body, "editor")["kept"]) < 120 * 12
    cut = save(world, {**other, "kept": other["kept"][:-20]})
    assert cut.status == 422  # rows never go missing silently
    assert "rows-50-id" not in form
    assert len([name for name in form if name.endswith("-id") and "rows" in name]) == PAGE


# ------------------------------------------------------------------ processes


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_pages_of_definitions_are_sound(world: RulesWorld, language: str) -> None:
    assert "<svg" in world.page(f"{PROCESSES}/purchase", language)
    world.page(PROCESSES, language)
    world.page(f"{PROCESSES}/new", language)
    editor = world.page(f"{PROCESSES}/termination/edit", language)
    assert "<svg" in editor
    world.page(f"{PROCESSES}/connection/versions/connection.1", language)


def test_a_process_is_written_checked_published_by_two_and_started(world: RulesWorld) -> None:
    form = edited(world, f"{PROCESSES}/new", new_key="permit")

    def press(word: str, **changes: str) -> dict[str, str]:
        sent = {name: text for name, text in {**form, **changes}.items() if name != "csrf_token"}
        answer = world.post(f"{PROCESSES}/save", **sent, command=word)
        assert answer.status == 200, answer.body
        return form_fields(answer.body, "editor")

    form = press("add:steps")
    form = press("add:steps-1-next", **{"steps-1-key": "issue"})
    form |= {
        "steps-1-command": "ISSUE", "steps-1-unit": "office",
        "steps-1-title-tr": "Ver", "steps-1-title-el": "Έκδοση", "steps-1-title-en": "Issue",
        "steps-1-needs": "checked_on", "steps-1-next-0-to": "end", "steps-0-next-0-to": "issue",
    }  # fmt: skip
    sent = {name: text for name, text in form.items() if name != "csrf_token"}
    checked = world.post(f"{PROCESSES}/check", **sent)
    assert 'href="#steps-1-needs"' in checked.body  # nobody produces checked_on
    assert "checked_on" in checked.body
    form = press("add:steps-0-outputs")
    form = press("add:steps-0-inputs")
    for place in ("steps-0-inputs-0", "steps-0-outputs-0"):
        form |= {f"{place}-name": "checked_on", f"{place}-type": "date"}
        form |= {f"{place}-label-{code}": "Checked" for code in ("tr", "el", "en")}
    sent = {name: text for name, text in form.items() if name != "csrf_token"}
    assert "knows what it needs" in world.post(f"{PROCESSES}/check", **sent).body
    done = world.post(f"{PROCESSES}/save", **sent)
    assert done.status == 303, done.body
    here = done.location.partition("?")[0]
    assert "somebody else publishes it" in world.page(here)
    assert world.post(f"{here}/publish").status == 403
    assert world.post(f"{here}/submit", version="1").status == 303
    assert world.post(f"{here}/publish", SECOND, version="1").status == 412
    assert world.post(f"{here}/publish", SECOND, version="2").status == 303
    body = {"definition": "permit", "subject": "request:P-1", "data": {"request_no": "P-1"}}
    assert world.ok("POST", "/processes", body)["next"]["command"] == "PREPARE"
    assert "Published" in world.page(here)
    assert world.post(f"{here}/retire", SECOND).status == 303
    assert world.call("POST", "/processes", {**body, "subject": "request:P-2"}).status == 404


def test_everything_wrong_with_a_process_is_said_at_once(world: RulesWorld) -> None:
    form = edited(world, f"{PROCESSES}/connection/edit")
    wrong = {
        "steps-0-key": "Not A Key",
        "steps-0-title-el": "",
        "steps-0-sla_days": "soon",
        "steps-1-inputs-0-type": "",
        "valid_from": "never",
    }
    sent = {name: text for name, text in {**form, **wrong}.items() if name != "csrf_token"}
    answer = world.post(f"{PROCESSES}/save", **sent)
    assert answer.status == 422
    for control in wrong:
        assert f'id="{control}-error"' in answer.body, control
    assert 'value="Not A Key"' in answer.body
    taken = world.post(f"{PROCESSES}/save", **{**form, "key": "", "new_key": "connection"})
    assert 'id="new_key-error"' in taken.body


def test_a_draft_that_cannot_run_is_kept_and_refused_at_the_gate(world: RulesWorld) -> None:
    form = edited(world, f"{PROCESSES}/connection/edit", **{"steps-0-next-0-to": "nowhere"})
    done = world.post(f"{PROCESSES}/save", **form)
    assert done.status == 303, done.body
    here = done.location.partition("?")[0]
    assert "nowhere" in world.page(here)
    assert world.post(f"{here}/publish", SECOND).status == 422
    assert world.post(f"{here}/withdraw").status == 303
    assert world.post(f"{PROCESSES}/connection/versions/connection.1/retire").status == 403
