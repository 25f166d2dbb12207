"""The templates as the tests see them: parsed, transformed by SAM's own translator, and joined.

``Stack`` answers the questions that the rules of style.md §13 ask: which functions exist after the
transform, which statements their roles hold (also those of managed policies in nested stacks), who
reads which queue.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT: Final = Path(__file__).resolve().parents[2]
NESTED: Final = {
    "Data": "infra/data.yaml",
    "Messaging": "infra/messaging.yaml",
    "Insurers": "infra/insurers.yaml",
    "Observability": "infra/observability.yaml",
    "Edge": "infra/edge.yaml",
}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One allowing statement of a role, with the policy it comes from."""

    policy: str
    actions: tuple[str, ...]
    resources: tuple[Any, ...]
    condition: Mapping[str, Any]

    @property
    def tables(self) -> set[str]:
        """Logical ids of the tables this statement names."""
        return {
            match[1]
            for resource in self.resources
            for match in [re.search(r"(\w+Table)\b", str(resource))]
            if match
        }


@cache
def source(name: str = "template.yaml") -> Json:
    """A template as written."""
    parsed: Json = yaml_parse((ROOT / name).read_text(encoding="utf-8"))
    return parsed


@cache
def transformed() -> Json:
    """The root template after the SAM transform."""
    template: Json = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for member in ("CodeUri", "ContentUri", "DefinitionUri"):
            if member in properties:
                properties[member] = f"s3://built/{properties[member]}"
    session = boto3.session.Session(region_name="eu-central-1")
    result: Json = Translator({}, Parser(), boto_session=session).translate(
        template, {"Stage": "prod"}
    )
    return result


@cache
def resources(kind: str, name: str = "") -> dict[str, Json]:
    """Resources of one type: of a nested template, or of the transformed root."""
    template = source(name) if name else transformed()
    return {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def functions() -> dict[str, Json]:
    """Functions after the transform."""
    return resources("AWS::Lambda::Function")


def context_of(function: str) -> str:
    """Bounded context of a function, from its code folder."""
    code: str = source()["Resources"][function]["Properties"]["CodeUri"]
    return code.removeprefix("functions/")


def handler_of(function: str) -> str:
    """Module name of a function's handler below ``handlers/``."""
    handler: str = functions()[function]["Properties"]["Handler"]
    return handler.split(".")[2]


def answers_people(function: str) -> bool:
    """Whether somebody waits for the function: it has a route, or it is the authorizer."""
    properties = source()["Resources"][function]["Properties"]
    events = properties.get("Events", {}).values()
    return handler_of(function) == "authorizer" or any(e["Type"] == "HttpApi" for e in events)


def output(reference: Any) -> tuple[str, Any]:
    """Nested stack and value behind ``!GetAtt Stack.Outputs.Name``."""
    stack, member = reference["Fn::GetAtt"]
    name = member.removeprefix("Outputs.")
    return stack, source(NESTED[stack])["Outputs"][name]["Value"]


def nested_resource(reference: Any) -> tuple[str, Json]:
    """Logical id and resource that an output of a nested stack points at."""
    stack, value = output(reference)
    target = value["Ref"] if "Ref" in value else value["Fn::GetAtt"]
    logical_id: str = target if isinstance(target, str) else target[0]
    return logical_id, source(NESTED[stack])["Resources"][logical_id]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def statements_in(policy: str, document: Json) -> Iterator[Statement]:
    """Allowing statements of one policy document."""
    for statement in _as_list(document["Statement"]):
        assert "NotAction" not in statement, policy
        assert "NotResource" not in statement, policy
        if statement["Effect"] == "Allow":
            yield Statement(
                policy,
                tuple(_as_list(statement["Action"])),
                tuple(_as_list(statement.get("Resource", []))),
                statement.get("Condition", {}),
            )


def role_of(function: str) -> str:
    """Logical id of a function's role."""
    role: str = functions()[function]["Properties"]["Role"]["Fn::GetAtt"][0]
    return role


def aws_policies(function: str) -> set[str]:
    """AWS-managed policies of a function's role, by their last name."""
    role = transformed()["Resources"][role_of(function)]["Properties"]
    return {arn.rsplit("/", 1)[-1] for arn in role["ManagedPolicyArns"] if isinstance(arn, str)}


def data_policies(function: str) -> set[str]:
    """Our managed policies of a function's role, by logical id."""
    role = transformed()["Resources"][role_of(function)]["Properties"]
    return {nested_resource(arn)[0] for arn in role["ManagedPolicyArns"] if isinstance(arn, dict)}


def statements(function: str) -> list[Statement]:
    """Everything a function may do by our own policies, nested ones included."""
    role_id = role_of(function)
    role = transformed()["Resources"][role_id]["Properties"]
    found: list[Statement] = []
    for arn in role["ManagedPolicyArns"]:
        if isinstance(arn, dict):
            logical_id, policy = nested_resource(arn)
            found += statements_in(logical_id, policy["Properties"]["PolicyDocument"])
    for inline in role.get("Policies", []):
        found += statements_in(f"{function} (inline)", inline["PolicyDocument"])
    for logical_id, policy in resources("AWS::IAM::ManagedPolicy", NESTED["Insurers"]).items():
        if role_id in _roles_given_to(policy["Properties"]["Roles"]["Ref"]):
            found += statements_in(logical_id, policy["Properties"]["PolicyDocument"])
    return found


def _roles_given_to(parameter: str) -> set[str]:
    value = source()["Resources"]["Insurers"]["Properties"]["Parameters"][parameter]
    parts = value["Fn::Join"][1] if "Fn::Join" in value else [value]
    return {part["Ref"] for part in parts}


@dataclass(frozen=True, slots=True)
class Consumer:
    """A queue read by a function."""

    queue: str
    template: str
    function: str
    mapping: Mapping[str, Any]


def consumers() -> list[Consumer]:
    """All event source mappings, of the root and of the insurers."""
    found = []
    for mapping in resources("AWS::Lambda::EventSourceMapping").values():
        properties = mapping["Properties"]
        queue, _ = nested_resource(properties["EventSourceArn"])
        function = properties["FunctionName"]["Ref"]
        found.append(Consumer(queue, NESTED["Messaging"], function, properties))
    given = source()["Resources"]["Insurers"]["Properties"]["Parameters"]["SendFunctionArn"]
    send: str = given["Fn::GetAtt"][0]
    for mapping in resources("AWS::Lambda::EventSourceMapping", NESTED["Insurers"]).values():
        properties = mapping["Properties"]
        queue = properties["EventSourceArn"]["Fn::GetAtt"][0]
        found.append(Consumer(queue, NESTED["Insurers"], send, properties))
    return found


def queues() -> dict[str, tuple[str, Json]]:
    """All queues by logical id, with their template."""
    return {
        logical_id: (name, queue["Properties"])
        for name in (NESTED["Messaging"], NESTED["Insurers"])
        for logical_id, queue in resources("AWS::SQS::Queue", name).items()
    }


def routes() -> dict[tuple[str, str], Json]:
    """Operations of the HTTP API by method and path; ``ANY`` for any method."""
    body = resources("AWS::ApiGatewayV2::Api")["HttpApi"]["Properties"]["Body"]
    found = {}
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            found[verb, path] = operation
    return found
