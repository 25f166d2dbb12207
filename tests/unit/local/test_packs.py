"""The form of a pack: what is refused and in which words, expressions, paths and expectations."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.packs import pack as packs
from infra.local.packs.values import MISSING, ExpressionError, at, differences, filled
from infra.local.packs.world import form_of

KNOWN: dict[str, Any] = {
    "contract": "C-1",
    "count": 3,
    "today": date(2026, 1, 31),
    "now": datetime(2026, 1, 31, 22, 30, tzinfo=UTC),
    "answer": {"items": [{"code": "a", "rows": [{"n": 1}, {"n": 2}]}, {"code": "b"}]},
}
GOOD = """
title: A title long enough
story: Somebody does something and looks whether it was done as it should.
steps:
  - say: The providers are looked at
    call: GET /v1/pensions/providers
    expect: {items: {exists: true}}
  - say: A minute goes by
    clock: PT1M
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "story.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", packs.names())
def test_every_pack_has_the_form(name: str) -> None:
    found = packs.find(name)
    assert f"{found.context}/{found.name}" == name


def test_a_pack_is_found_by_its_short_name_and_others_are_listed() -> None:
    assert packs.find("bad-iban").context == "pensions"
    with pytest.raises(packs.PackError, match=r"there is no pack 'nothing'; there are: .*bad-iban"):
        packs.find("nothing")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (GOOD.replace("clock: PT1M", "clock: soon"), "steps.1: .*soon"),
        (GOOD.replace("call: GET /v1", "call: LOOK /v1"), "steps.0.call: String should match"),
        (GOOD.replace("clock: PT1M", "clock: PT1M\n    tick: Sweep"), "not clock and tick"),
        (GOOD.replace("clock: PT1M", "sleep: 3"), r"steps.1.sleep: Extra inputs"),
        (GOOD.replace("clock: PT1M", "clock: PT1M\n    keep: {a: b}"), "keep belongs to call"),
        (GOOD.replace("    call:", "    by: chief\n    call:"), "step 1 is by 'chief'"),
        (GOOD.replace("    expect: {items: {exists: true}}\n", ""), "expects nothing"),
        (GOOD.replace("clock: PT1M", "use: nothing"), "there is no parts/nothing.yaml"),
        (
            GOOD.replace("clock: PT1M", "use: pensions-contract\n    given: {colour: red}"),
            "does not take colour; step 2: pensions-contract needs provider|does not take colour",
        ),
        ("title: [", "is not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, wrong: str, words: str) -> None:
    assert packs.read(written(tmp_path, GOOD)).steps
    with pytest.raises(packs.PackError, match=words):
        packs.read(written(tmp_path, wrong))


def test_yaml_has_no_surprises(tmp_path: Path) -> None:
    body = "send: {on: 2026-01-05, no: 001, id: 10000000146, amount: 12.50, n: 7, b: true}"
    text = GOOD.replace("GET /v1/pensions/providers", f"POST /v1/x\n    {body}")
    assert packs.read(written(tmp_path, text)).steps[0].send == {
        "on": "2026-01-05",
        "no": "001",
        "id": "10000000146",
        "amount": "12.50",
        "n": 7,
        "b": True,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${contract}", "C-1"),
        ("${count}", 3),
        ("x-${contract}-${count}", "x-C-1-3"),
        ("${today}", "2026-01-31"),
        ("${today + 1mo}", "2026-02-28"),
        ("${today - 1mo | period}", "2025-12"),
        ("${today + 3d | tr}", "03.02.2026"),
        ("${today | month}", 1),
        ("${now + 2h | instant}", "2026-02-01T00:30:00Z"),
        ("${answer.items[code=a].rows[1].n}", 2),
        ({"${contract}": ["${count}"]}, {"C-1": [3]}),
    ],
)
def test_expressions_become_values(text: Any, value: Any) -> None:
    assert filled(text, KNOWN) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${nobody}", "nothing is known as 'nobody'"),
        ("${contract + 3d}", "only dates can be moved"),
        ("${today | roman}", "there are the forms"),
        ("${today ++}", "not understood"),
    ],
)
def test_a_wrong_expression_says_why(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        filled(text, KNOWN)


def test_paths_lead_into_documents_and_nowhere_is_nothing() -> None:
    document = KNOWN["answer"]
    assert at(document, "items[*].code") == ["a", "b"]
    assert at(document, "items[1].code") == "b"
    assert at(document, "items[code=c]") is MISSING
    assert at(document, "items[9].code") is MISSING
    with pytest.raises(ExpressionError, match="not a path"):
        at(document, "items[")


@pytest.mark.parametrize(
    ("found", "wanted", "count"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, 0),
        ({"a": 1}, {"a": "1"}, 1),
        ([1, 2], [1, 2], 0),
        ([1, 2], [2, 1], 2),
        ([1, 2], [1], 1),
        (True, 1, 1),
        (["x", "y"], {"has": "y"}, 0),
        ("x", {"has_not": "x"}, 1),
        ([{"a": 1, "b": 2}], {"has": {"a": 1}}, 0),
        ("AH-12", {"like": "^AH"}, 0),
        ("sent", {"one_of": ["queued"]}, 1),
        ("sent", {"not": "sent"}, 1),
        (7, {"at_least": 7, "at_most": 8}, 0),
        ("9.50", {"at_least": 10}, 1),
        ([], {"size": 0}, 0),
        (None, {"exists": True}, 1),
        (MISSING, {"exists": False}, 0),
    ],
)
def test_an_expectation_holds_or_says_how_it_does_not(found: Any, wanted: Any, count: int) -> None:
    assert len(differences(found, wanted)) == count


def test_the_form_with_the_fields_is_the_one_that_is_filled_in() -> None:
    page = (
        '<form action="/language"><input name="lang"></form>'
        '<form action="/r/x" method="post"><input type="hidden" name="token" value="t&amp;1">'
        '<input type="radio" name="said" value="agreed"><input name="name"></form>'
    )
    assert form_of(page, {"said", "name"}) == ("/r/x", {"token": "t&1"})
    assert form_of(page, {"amount"}) is None
