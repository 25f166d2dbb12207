"""The state machines as they are deployed: every wait ends, nothing is caught by accident."""

from typing import Any

import pytest

from infra.local.template import read_yaml
from tests.infra import stack

FILES = sorted((stack.ROOT / "infra" / "state_machines").glob("*.asl.yaml"))


def _states(path: Any) -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(path)["States"]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_task_has_a_timeout_and_the_whole_has_one(path: Any) -> None:
    assert 0 < read_yaml(path)["TimeoutSeconds"] < 365 * 86_400
    for name, state in _states(path).items():
        if state["Type"] == "Task":
            assert {"TimeoutSeconds", "TimeoutSecondsPath"} & set(state), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_errors_are_caught_and_repeated_by_name(path: Any) -> None:
    for state in _states(path).values():
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
            assert not {"States.ALL", "States.TaskFailed"} & set(rule["ErrorEquals"])
        for rule in state.get("Retry", []):
            assert rule["JitterStrategy"] == "FULL"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_expressions_are_those_the_local_stack_can_run(path: Any) -> None:
    document = read_yaml(path)
    assert document.get("QueryLanguage", "JSONPath") == "JSONPath"
    text = path.read_text(encoding="utf-8")
    assert "{%" not in text


def test_every_machine_is_in_the_template_with_its_name_by_the_stack() -> None:
    source = stack.source()["Resources"]
    machines = {
        resource["Properties"]["DefinitionUri"]: resource["Properties"]
        for resource in source.values()
        if resource["Type"] == "AWS::Serverless::StateMachine"
    }
    assert set(machines) == {str(path.relative_to(stack.ROOT)) for path in FILES}
    for properties in machines.values():
        assert properties["Name"]["Fn::Sub"].startswith("${AWS::StackName}-")


def test_the_name_functions_know_is_the_name_of_the_machine() -> None:
    variables = stack.source()["Globals"]["Function"]["Environment"]["Variables"]
    text, parts = variables["KOPRU_APPROVAL_MACHINE"]["Fn::Sub"]
    machine = stack.source()["Resources"]["WorkflowApprovalStateMachine"]["Properties"]
    assert text.endswith(":stateMachine:${Name}")
    assert parts["Name"] == machine["Name"]
