"""events/: one example per trigger, shaped as AWS sends it, and the schemas of published events."""

import ast
import json
import re
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    ApiGatewayAuthorizerRequestV2,
    APIGatewayProxyEventV2Model,
    SqsModel,
)
from jsonschema import Draft202012Validator

from kernel.events import Event
from kernel.ids import is_id
from tests.infra import stack
from tests.infra.examples import EVENTS, example, names, triggers

SCHEMAS = EVENTS / "schemas"
INBOUND = EVENTS / "inbound"  # what systems of others send; see the tests of its receiver
ANSWERS = EVENTS / "answers"  # what the API answers; see test_answers.py


def test_every_trigger_has_an_example_and_every_example_a_trigger() -> None:
    written = {
        str(path.relative_to(EVENTS).with_suffix(""))
        for path in EVENTS.glob("*/*.json")
        if path.parent not in (SCHEMAS, INBOUND, ANSWERS)
    }
    assert written == set(triggers())


@pytest.mark.parametrize("name", names("http"))
def test_http_examples_are_payload_2_0_and_take_a_route_of_the_function(name: str) -> None:
    event = APIGatewayProxyEventV2Model.model_validate(example(name))
    assert event.version == "2.0"
    operation = stack.routes()[tuple(event.routeKey.split(" "))]  # type: ignore[index]
    context, handler = name.split("/")
    target = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    expected = "".join(word.capitalize() for word in f"{context}_{handler}".split("_"))
    assert f"${{{expected}Function.Arn}}" in target
    identity = example(name)["requestContext"]["authorizer"]["lambda"]
    assert set(identity) >= {"kind", "tenant_id", "principal_id", "roles", "scopes"}
    assert all(isinstance(value, str) for value in identity.values())


@pytest.mark.parametrize("name", names("authorizer"))
def test_authorizer_example_is_payload_2_0(name: str) -> None:
    sent = example(name)
    ApiGatewayAuthorizerRequestV2.model_validate(sent)
    assert sent["identitySource"] is None


@pytest.mark.parametrize("name", names("queue"))
def test_queue_examples_carry_ids_and_nothing_personal(name: str) -> None:
    event = SqsModel.model_validate(example(name))
    for record in event.Records:
        body = json.loads(str(record.body))
        if "detail-type" in body:
            assert {"source", "detail", "account", "time"} <= set(body)
            if body["source"].startswith("kopru."):
                envelope = Event.from_dict(body["detail"])
                assert (envelope.type, envelope.source) == (body["detail-type"], body["source"])
            continue
        assert body["v"] == 1
        assert body["hops"] == 0
        assert is_id(body["tenant_id"])
        ids = [
            one
            for key, value in body.items()
            if key.endswith(("_id", "_ids"))
            for one in value.split(",")
        ]
        assert len(ids) > 1
        assert all(is_id(value) for value in ids)


@pytest.mark.parametrize("name", names("schedule"))
def test_schedule_examples_come_from_the_scheduler(name: str) -> None:
    sent = example(name)
    assert sent["source"] == "aws.scheduler"
    assert sent["detail-type"] == "Scheduled Event"


@pytest.mark.parametrize("name", names("step"))
def test_step_examples_name_a_task_and_never_hold_a_real_token(name: str) -> None:
    sent = example(name)
    assert set(sent) == {"step", "tenant_id", "task", "token"}
    assert is_id(sent["tenant_id"])
    assert is_id(sent["task"].partition("-")[0])
    assert sent["token"] == "example"


@pytest.mark.parametrize("context", ["workspace", "pensions", "workflow"])
def test_bus_rule_lets_the_example_event_through(context: str) -> None:
    rules = stack.resources("AWS::Events::Rule", stack.NESTED["Messaging"])
    pattern = rules[f"{context.capitalize()}OnEventsRule"]["Properties"]["EventPattern"]
    (record,) = example(f"{context}/on_events")["Records"]
    event = json.loads(record["body"])
    assert all(event[name] in allowed for name, allowed in pattern.items())


# ------------------------------------------------------------------ published language


def _schemas() -> list[Path]:
    return sorted(SCHEMAS.glob("*.json"))


def _published() -> set[str]:
    found: set[str] = set()
    for path in (stack.ROOT / "functions").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"[\"']([a-z_]+\.[A-Z][A-Za-z]+\.v[1-9][0-9]*)[\"']", text))
    return found


def test_every_event_the_code_names_has_a_schema_and_the_other_way_round() -> None:
    assert {path.stem for path in _schemas()} == _published()


@pytest.mark.parametrize("path", _schemas(), ids=lambda path: path.stem)
def test_schema_is_strict_and_holds_for_its_ownexample(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    context = path.stem.split(".")[0]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["description"]
    assert schema["properties"]["type"] == {"const": path.stem}
    assert schema["properties"]["source"] == {"const": f"kopru.{context}"}
    assert schema["properties"]["data"]["additionalProperties"] is False
    assert schema["examples"]
    for sample in schema["examples"]:
        Draft202012Validator(schema).validate(sample)
        assert Event.from_dict(sample).to_dict()["type"] == path.stem


# ------------------------------------------------------------------ what the code publishes


def _constants() -> dict[str, str]:
    """Names of module constants that hold an event type."""
    found = {}
    for path in (stack.ROOT / "functions").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                value = getattr(node.value, "value", None)
                if isinstance(value, str) and re.fullmatch(r"\w+\.\w+\.v\d+", value):
                    found[node.target.id] = value
    return found


def _types_of(node: ast.expr, tree: ast.AST, constants: dict[str, str]) -> set[str]:
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    assert isinstance(node, ast.Name), ast.dump(node)
    if node.id in constants:
        return {constants[node.id]}
    return {
        str(assigned.value.value)
        for assigned in ast.walk(tree)
        if isinstance(assigned, ast.Assign)
        and isinstance(assigned.value, ast.Constant)
        and any(isinstance(t, ast.Name) and t.id == node.id for t in assigned.targets)
    }


def _publications() -> list[tuple[str, str, set[str]]]:
    """Place, event type and members of ``data`` of every ``publish(type, subject, {…})``."""
    constants, found = _constants(), []
    for path in sorted((stack.ROOT / "functions").glob("*/application/**/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "publish"):
                continue
            data = node.args[2]
            assert isinstance(data, ast.Dict), f"{path.name}:{node.lineno} hides what it publishes"
            members = {str(getattr(key, "value", "")) for key in data.keys if key is not None}
            place = f"{path.parent.parent.name}/{path.name}:{node.lineno}"
            found += [
                (place, kind, members) for kind in sorted(_types_of(node.args[0], tree, constants))
            ]
    return found


def test_publications_fit_their_schema() -> None:
    publications = _publications()
    assert publications
    for place, kind, members in publications:
        path = SCHEMAS / f"{kind}.json"
        data = json.loads(path.read_text(encoding="utf-8"))["properties"]["data"]
        assert set(data["required"]) <= members <= set(data["properties"]), f"{place}: {kind}"
