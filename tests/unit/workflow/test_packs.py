"""The shipped packs: 48 rules as data that pass their own gate."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.rule_tables import NOW, TODAY, world_of
from workflow.adapters.shipped_packs import PACKS, shipped
from workflow.adapters.shipped_processes import shipped_processes
from workflow.application.approvals.resolve_chain import STAGE_PARAMETERS
from workflow.domain.rules.gate import check
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.scope import Scopes

CASES = json.loads(
    (Path(__file__).parents[2] / "acceptance" / "cases" / "rules.json").read_text(encoding="utf-8")
)
TABLES = sorted(shipped().versions)


def test_all_rules_of_the_source_are_there_with_their_words() -> None:
    said = {rule["key"]: (rule["no"], rule["quote"]) for rule in CASES["rules"]}
    assert {rule.key: (rule.no, rule.quote) for rule in shipped().rules.values()} == said
    assert sorted(rule.no for rule in shipped().rules.values()) == list(range(1, 49))
    for rule in shipped().rules.values():
        assert set(rule.title) == {"tr", "el", "en"}


@pytest.mark.parametrize("key", TABLES)
def test_a_shipped_table_passes_the_gate_with_its_cases(key: str) -> None:
    table = shipped().version(key, Scopes(), TODAY, NOW).table
    found = check(table, world_of())
    assert found.refusals == ()
    assert found.analysis.dead == ()
    assert found.analysis.unreachable == ()
    assert table.cases


@pytest.mark.parametrize("key", TABLES)
def test_a_table_survives_being_written_and_read(key: str) -> None:
    table = shipped().version(key, Scopes(), TODAY, NOW).table
    again = read_table(json.loads(json.dumps(table.to_dict())))
    assert again.sha256 == table.sha256


@pytest.mark.parametrize("key", TABLES)
def test_the_stored_cases_notice_a_changed_output(key: str) -> None:
    """Every table has a case that fails when the rows it hits say something else."""
    document = shipped().version(key, Scopes(), TODAY, NOW).document
    rows = [{**row, "error": "BROKEN"} for row in document["rows"]]
    found = check(read_table({**document, "rows": rows}), world_of())
    assert "CASE" in {problem.code for problem in found.refusals}


def test_every_parameter_says_how_sure_it_is_and_is_used() -> None:
    used = {
        name.key
        for versions in shipped().versions.values()
        for version in versions
        for name in version.table.parameters()
    }
    processes = json.dumps([dict(v[0].document) for v in shipped_processes().by_key.values()])
    used |= set(re.findall(r'"parameter": "([a-z_.]+)"', processes))
    for key, versions in shipped().parameters.by_key.items():
        name = key.partition("[")[0]
        assert {key, name} & used or name in STAGE_PARAMETERS, key
        for version in versions:
            assert version.mark in {"SOURCE", "CONFIRMED", "UNVERIFIED", "DESIGN"}
            assert version.legal_ref or version.mark != "CONFIRMED", key


def test_values_of_the_source_are_those_of_the_packs() -> None:
    declared: dict[str, Any] = {}
    for rule in CASES["rules"]:
        declared |= rule["parameters"]
    ours = shipped().parameters.by_key
    compared = 0
    for key, said in declared.items():
        if key in ours and len(ours[key]) == 1:
            compared += 1
            value = ours[key][0].value
            if isinstance(value, list) and isinstance(said["value"], str):
                assert said["value"].endswith(", ".join(value)), key
            else:
                assert str(value) == str(said["value"]), key
            assert ours[key][0].mark == said["mark"], key
    assert compared >= 25


def test_packs_are_data() -> None:
    assert {path.suffix for path in PACKS.iterdir()} == {".json"}
