"""What the API answers is described as it was answered: every operation, every problem."""

import json
from enum import StrEnum
from typing import Any

import pytest

from infra.tools import openapi, problems
from infra.tools.answers import FOLDER, ITSELF, JSON, PROBLEM, Answer, Description, strict
from tests.support.answer_shapes import REFERENCE, Named, Recording, Word, schema_of, shown
from tests.support.scanner import SCANNER

MEMBERS = {"type", "title", "status", "detail", "code", "errors", "trace_id"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(json.loads(openapi.TARGET.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def kept() -> Description:
    return Description.read()


def test_every_operation_has_an_answer_with_schema_and_example(kept: Description) -> None:
    """Run ``make answers`` after a test that calls a new operation."""
    operations = {f"{route.method} {route.path}" for route in openapi.routes()}
    assert set(kept.answers) == operations
    for operation, answers in kept.answers.items():
        for status, contents in answers.items():
            assert int(status) < 400
            content = contents.get(JSON)
            if content is not None and operation != ITSELF:
                assert content["schema"], operation
                answer = Answer(operation, int(status), JSON, content["example"])
                assert kept.differences(answer) == [], operation


def test_nothing_of_a_schema_is_left_open(kept: Description) -> None:
    """A list that was always empty or a member that was always null says nothing to a client."""
    assert sorted(_open(kept)) == []


def _open(kept: Description) -> list[str]:
    found: list[str] = []

    def look(schema: Any, place: str) -> None:
        if schema in ({}, {"type": "null"}, {"type": "array"}):
            found.append(place)
        for name, member in schema.get("properties", {}).items():
            look(member, f"{place}/{name}")
        for part in ("items", "additionalProperties"):
            if part in schema:
                look(schema[part], f"{place}/{part}")
        for member in schema.get("anyOf", ()):
            if member != {"type": "null"}:
                look(member, place)

    for name, schema in kept.schemas.items():
        look(schema, name)
    for operation, answers in kept.answers.items():
        for status, contents in answers.items():
            for content in contents.values():
                look(content["schema"], f"{operation} {status}")
    return found


def test_every_problem_has_an_example_with_all_its_members(document: dict[str, Any]) -> None:
    examples = document["components"]["examples"]
    assert set(problems.examples()) <= set(examples)
    for code, example in examples.items():
        problem = example["value"]
        assert set(problem) == MEMBERS, code
        assert problem["code"] == code
        assert problem["detail"]
        assert problem["type"].endswith(f"/problems/{code}")


def test_operations_name_the_problems_they_answered(
    document: dict[str, Any], kept: Description
) -> None:
    for operation, codes in kept.refusals.items():
        method, path = operation.split(" ")
        responses = document["paths"][path][method.lower()]["responses"]
        named = {
            code
            for response in responses.values()
            for code in response.get("content", {}).get(PROBLEM, {}).get("examples", {})
        }
        assert named == set(codes), operation


def test_examples_hold_nothing_secret_and_nobody() -> None:
    for path in sorted(FOLDER.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        assert [*SCANNER.secrets_in(text), *SCANNER.identities(text)] == [], path.name


# ------------------------------------------------------------------------------- inference


class Colour(StrEnum):
    """An enumeration of the test."""

    RED = "red"
    BLUE = "blue"


def test_a_schema_is_what_all_answers_have_in_common() -> None:
    answers = [
        {"id": "1", "made": "2026-06-01T09:00:00Z", "note": None, "parts": []},
        {"id": "2", "made": "2026-06-01T09:00:01.000Z", "note": "x", "parts": [1], "late": True},
    ]
    assert schema_of(answers) == {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "made": {"type": "string", "format": "date-time"},
            "note": {"type": ["string", "null"]},
            "parts": {"type": "array", "items": {"type": "integer"}},
            "late": {"type": "boolean"},
        },
        "required": ["id", "made", "note", "parts"],
    }


def test_words_bring_their_enumeration_and_objects_their_name() -> None:
    word = Word("red")
    word.kind = Colour
    assert schema_of([word, "blue"]) == {"type": "string", "enum": ["blue", "red"]}
    assert schema_of([Colour.RED, None]) == {
        "type": ["string", "null"],
        "enum": ["blue", "red", None],
    }
    assert schema_of([word, "green"]) == {"type": "string"}
    assert schema_of([Named("Thing", {"a": 1})]) == {"$ref": f"{REFERENCE}Thing"}


def test_keys_that_are_data_become_a_map() -> None:
    assert schema_of([{"KOM-1": 1}, {"TAX": 2}]) == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }


def test_examples_are_short_and_keep_no_keys() -> None:
    body = {"items": [1, 2, 3], "secret": "whsec_" + "x" * 40, "id": "01KT16JKM0000000000000000C"}
    assert shown(body) == {"items": [1, 2], "secret": "whsec_xxxxxx…", "id": body["id"]}
    assert shown("Deneme Kanarya007Ltd, 10000000146") == "Deneme, 100******46"


def test_an_answer_with_more_less_or_other_members_differs() -> None:
    recording, body = Recording(), dict[str, Any]()
    for body in ({"a": 1, "b": "x"}, {"a": 2}):
        recording.add(Answer("GET /x", 200, JSON, body))
    kept = recording.description()
    assert kept.differences(Answer("GET /x", 200, JSON, {"a": 3})) == []
    for body in ({}, {"a": "1"}, {"a": 1, "c": 1}):
        assert kept.differences(Answer("GET /x", 200, JSON, body))
    assert kept.differences(Answer("GET /x", 201, JSON, {"a": 3}))
    assert kept.differences(Answer("GET /x", 200, "text/csv", "a"))


def test_clients_are_not_told_to_refuse_what_is_new(document: dict[str, Any]) -> None:
    """The description allows new members; only our own tests close it."""
    schema = document["components"]["schemas"]["payment_codes.Code"]
    assert "additionalProperties" not in schema
    assert strict(schema)["additionalProperties"] is False
