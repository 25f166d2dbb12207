"""The runner itself: what counts as equal, what it says and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.__main__ import main
from tests.acceptance.inputs import decode
from tests.acceptance.runner import matches

GOOD = {"id": "X-1", "kind": "tr_upper", "given": {"text": "i"}, "expect": {"text": "İ"}}
WRONG = {"id": "X-2", "kind": "tr_upper", "given": {"text": "i"}, "expect": {"text": "I"}}
ERROR = {"id": "X-3", "kind": "tr_date", "given": {"text": "x"}, "expect": {"error": True}}
NO_ERROR = {
    "id": "X-4",
    "kind": "tr_date",
    "given": {"text": "01.01.2018"},
    "expect": {"error": True},
}
BROKEN = {"id": "X-5", "kind": "no such kind", "given": {}, "expect": {"error": True}}


def write(directory: Path, area: str, *cases: dict[str, Any]) -> Path:
    file = {"schema": "acceptance/1", "area": area, "parameters": {}, "cases": list(cases)}
    (directory / f"{area}.json").write_text(json.dumps(file), encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("990.00", "990.0", True),
        ("990.00", "990", True),
        ("990.00", "990.01", False),
        ("001", "1", False),
        ("001", "001", True),
        (True, 1, False),
        (1, True, False),
        (None, None, True),
        (None, "", False),
        ([1, 2], [2, 1], False),
        ([1, 2], (1, 2), True),
        ([1], [1, 2], False),
        ({"a": "1.0"}, {"a": "1.00", "b": 2}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, None, False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
    ],
)
def test_what_counts_as_equal(expected: object, actual: object, same: bool) -> None:
    assert matches(expected, actual) is same


def test_all_right_exits_with_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dir", str(write(tmp_path, "identifiers", GOOD, ERROR))]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 0 failed"


def test_every_failure_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "identifiers", GOOD, WRONG, NO_ERROR, BROKEN)
    assert main(["--dir", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 passed, 3 failed"
    assert [line for line in lines if line.startswith("FAILED")] == [
        "FAILED identifiers X-2",
        "FAILED identifiers X-4",
        "FAILED identifiers X-5",
    ]
    assert lines[1:3] == ['  expected {"text": "I"}', '  got      {"text": "İ"}']


def test_an_unbuilt_area_is_named_and_fails_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "identifiers", GOOD)
    write(tmp_path, "astrology", GOOD, WRONG)
    assert main(["--dir", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.err.strip() == "not built yet: astrology (2 cases)"
    assert captured.out.strip() == "1 passed, 0 failed"
    assert main(["--dir", str(tmp_path), "--area", "astrology"]) == 1
    monkeypatch.setenv("AREA", "astrology")
    assert main(["--dir", str(tmp_path)]) == 1
    monkeypatch.setenv("AREA", "identifiers")
    assert main(["--dir", str(tmp_path)]) == 0


def test_no_cases_is_not_success(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--dir", str(tmp_path)])
    (tmp_path / "notes.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["--dir", str(tmp_path)])


def test_forms_of_an_input() -> None:
    assert decode({"$json": '{"a": [1, null]}'}) == {"a": [1, None]}
    assert decode({"$repeat": ["ab", 2], "$prefix": "<", "$suffix": ">"}) == "<abab>"
    assert decode({"$hex": "fffe"}) == b"\xff\xfe"
    assert decode({"rows": 1}) == {"rows": 1}
    assert decode("text") == "text"
