"""From ``template.yaml`` to physical resources, the way CloudFormation would do it.

The template that is deployed to AWS is the only description of the product's infrastructure, so
the local stack reads the same file: SAM is translated by AWS's own translator, nested stacks are
followed, intrinsics are resolved here, and every resource is handed to a :class:`Creator` exactly
when something first refers to it. Nothing in this module knows moto or any service.
"""

from __future__ import annotations

import base64
import copy
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

import boto3
import yaml
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import intrinsics_multi_constructor

from infra.local.cloud.model import Json, LocalCloudError

LOCAL_BUCKET: Final = "local"
"""Bucket that stands for the checkout: ``s3://local/<path>`` is a path below the template."""

# The translator collects usage figures nobody asked for and complains that they are not sent.
logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)

_SERVERLESS: Final = "AWS::Serverless-2016-10-31"
_STACK: Final = "AWS::CloudFormation::Stack"
_NO_VALUE: Final = object()
_SUBSTITUTION: Final = re.compile(r"\$\{([^}]+)\}")

Attributes = Mapping[str, str]
"""What a created resource answers to ``Ref`` (key ``Ref``) and to ``Fn::GetAtt`` (other keys)."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with the short forms of CloudFormation (``!Ref``), by libyaml where there is one."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


class TemplateError(LocalCloudError):
    """The template cannot be deployed; the message names the resource."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource about to be created.

    Shapes: ``path`` is ``Child/LogicalId`` below nested stacks; ``properties`` are resolved.
    """

    stack_name: str
    path: str
    logical_id: str
    resource_type: str
    properties: Mapping[str, Json]

    @property
    def generated_name(self) -> str:
        """Physical name of a resource that does not say its own."""
        return f"{self.stack_name}-{self.logical_id}"


class Creator(Protocol):
    """Makes resources real."""

    def emulates(self, resource_type: str) -> bool:
        """Whether this kind of resource exists here; others are only declared."""
        ...

    def create(self, resource: Resource) -> Attributes:
        """Create the resource, or find it where it survived, and say its attributes."""
        ...

    def declare(self, resource: Resource) -> Attributes:
        """Give attributes to a resource that exists only in the template."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a deployment happens."""

    region: str
    account_id: str


class Stack:
    """One stack: a template, its parameters, and what has been created from it so far."""

    def __init__(
        self,
        path: Path,
        name: str,
        parameters: Mapping[str, str],
        *,
        scope: Scope,
        creator: Creator,
        prefix: str = "",
    ) -> None:
        self._directory = path.parent
        self._name = name
        self._scope = scope
        self._creator = creator
        self._prefix = prefix
        self._template = load_template(path, parameters, scope)
        self._parameters = self._bind(path, parameters)
        self._pseudo: dict[str, Any] = {
            "AWS::Region": scope.region,
            "AWS::AccountId": scope.account_id,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": name,
            "AWS::StackId": (
                f"arn:aws:cloudformation:{scope.region}:{scope.account_id}:stack/{name}/local"
            ),
            "AWS::NotificationARNs": [],
            "AWS::NoValue": _NO_VALUE,
        }
        self._intrinsics: Mapping[str, Callable[[Json, str], Json]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Base64": self._base64,
            "Fn::ToJsonString": self._to_json_string,
            "Fn::GetAZs": self._availability_zones,
        }
        self._created: dict[str, Attributes] = {}
        self._creating: list[str] = []

    @property
    def parameters(self) -> Mapping[str, str]:
        """Every parameter with its value."""
        return self._parameters

    def deploy(self) -> dict[str, str]:
        """Create every resource whose condition holds; returns the outputs."""
        for logical_id, declared in self._template["Resources"].items():
            if self._wanted(declared):
                self._resource(logical_id)
        return {
            key: str(self._resolve(output["Value"], f"output {key}"))
            for key, output in (self._template.get("Outputs") or {}).items()
            if self._wanted(output)
        }

    # ------------------------------------------------------------------ resources

    def _bind(self, path: Path, given: Mapping[str, str]) -> dict[str, str]:
        declared: Mapping[str, Json] = self._template.get("Parameters") or {}
        unknown = sorted(given.keys() - declared.keys())
        if unknown:
            raise TemplateError(f"{path.name} has no parameter {', '.join(unknown)}")
        bound: dict[str, str] = {}
        for key, declaration in declared.items():
            value = given.get(key, declaration.get("Default"))
            if value is None:
                raise TemplateError(f"{path.name} needs a value for parameter {key}")
            allowed = [str(choice) for choice in declaration.get("AllowedValues") or ()]
            if allowed and str(value) not in allowed:
                raise TemplateError(
                    f"{path.name}: {value!r} is not allowed for parameter {key} "
                    f"(one of {', '.join(allowed)})"
                )
            bound[key] = str(value)
        return bound

    def _wanted(self, declared: Mapping[str, Json]) -> bool:
        return "Condition" not in declared or self._condition(declared["Condition"])

    def _resource(self, logical_id: str) -> Attributes:
        if logical_id in self._created:
            return self._created[logical_id]
        where = self._prefix + logical_id
        declared = self._template["Resources"].get(logical_id)
        if declared is None:
            raise TemplateError(f"Nothing is called {where}")
        if logical_id in self._creating:
            chain = " → ".join([*self._creating, logical_id])
            raise TemplateError(f"Resources depend on each other in a circle: {chain}")
        if not self._wanted(declared):
            raise TemplateError(f"{where} is referred to, but its condition does not hold")
        self._creating.append(logical_id)
        dependencies = declared.get("DependsOn") or []
        for other in [dependencies] if isinstance(dependencies, str) else dependencies:
            self._resource(other)
        attributes = self._create(logical_id, where, declared)
        self._creating.pop()
        self._created[logical_id] = attributes
        return attributes

    def _create(self, logical_id: str, where: str, declared: Mapping[str, Json]) -> Attributes:
        kind = declared["Type"]
        if kind != _STACK and not self._creator.emulates(kind):
            return self._creator.declare(Resource(self._name, where, logical_id, kind, {}))
        properties = self._resolve(declared.get("Properties") or {}, where)
        if kind == _STACK:
            return self._nested(logical_id, where, properties)
        return self._creator.create(Resource(self._name, where, logical_id, kind, properties))

    def _nested(self, logical_id: str, where: str, properties: Mapping[str, Json]) -> Attributes:
        name = f"{self._name}-{logical_id}"
        child = Stack(
            self._directory / properties["TemplateURL"],
            name,
            {key: _as_text(value) for key, value in (properties.get("Parameters") or {}).items()},
            scope=self._scope,
            creator=self._creator,
            prefix=f"{where}/",
        )
        outputs = child.deploy()
        return {
            "Ref": str(child._pseudo["AWS::StackId"]),
            **{f"Outputs.{key}": value for key, value in outputs.items()},
        }

    # ------------------------------------------------------------------ intrinsics

    def _resolve(self, value: Json, where: str) -> Json:
        if isinstance(value, list):
            items = (self._resolve(item, where) for item in value)
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            intrinsic = self._intrinsics.get(name)
            if intrinsic is not None:
                return intrinsic(argument, where)
            if name.startswith("Fn::"):
                raise TemplateError(f"{where} uses {name}, which the local stack does not know")
        resolved = ((key, self._resolve(item, where)) for key, item in value.items())
        return {key: item for key, item in resolved if item is not _NO_VALUE}

    def _ref(self, name: str, where: str) -> Json:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            value = self._parameters[name]
            declared = self._template["Parameters"][name]["Type"]
            return value.split(",") if "List" in declared else value
        try:
            return self._resource(name)["Ref"]
        except TemplateError as error:
            raise TemplateError(f"{where}: {error}") from error

    def _get_att(self, argument: Json, where: str) -> str:
        logical_id, attribute = (
            argument.split(".", 1) if isinstance(argument, str) else (argument[0], argument[1])
        )
        attributes = self._resource(logical_id)
        if attribute not in attributes:
            kind = self._template["Resources"][logical_id]["Type"]
            raise TemplateError(
                f"{where} asks for {logical_id}.{attribute}, which the local {kind} does not have"
            )
        return attributes[attribute]

    def _sub(self, argument: Json, where: str) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return _as_text(self._resolve(variables[name], where))
            if "." in name:
                return _as_text(self._get_att(name, where))
            return _as_text(self._ref(name, where))

        return _SUBSTITUTION.sub(replace, text)

    def _join(self, argument: Json, where: str) -> str:
        separator, items = argument
        return str(separator).join(_as_text(item) for item in self._resolve(items, where))

    def _if(self, argument: Json, where: str) -> Json:
        condition, yes, no = argument
        return self._resolve(yes if self._condition(condition) else no, where)

    def _find_in_map(self, argument: Json, where: str) -> Json:
        name, first, second = (str(key) for key in self._resolve(argument[:3], where))
        try:
            return self._template["Mappings"][name][first][second]
        except KeyError:
            raise TemplateError(f"{where}: no entry {name}.{first}.{second} in Mappings") from None

    def _select(self, argument: Json, where: str) -> Json:
        index, items = argument
        return self._resolve(items, where)[int(self._resolve(index, where))]

    def _split(self, argument: Json, where: str) -> list[str]:
        separator, text = argument
        return str(self._resolve(text, where)).split(separator)

    def _base64(self, argument: Json, where: str) -> str:
        return base64.b64encode(str(self._resolve(argument, where)).encode()).decode()

    def _to_json_string(self, argument: Json, where: str) -> str:
        return json.dumps(self._resolve(argument, where))

    def _availability_zones(self, argument: Json, where: str) -> list[str]:
        region = self._resolve(argument, where) or self._scope.region
        return [f"{region}{letter}" for letter in "abc"]

    def _condition(self, condition: Json) -> bool:
        if isinstance(condition, str):
            declared = (self._template.get("Conditions") or {}).get(condition)
            if declared is None:
                raise TemplateError(f"There is no condition {condition}")
            return self._condition(declared)
        ((name, argument),) = condition.items()
        if name == "Condition":
            return self._condition(argument)
        if name == "Fn::Equals":
            left, right = (self._resolve(side, "a condition") for side in argument)
            return _as_text(left) == _as_text(right)
        if name == "Fn::Not":
            return not self._condition(argument[0])
        if name == "Fn::And":
            return all(self._condition(part) for part in argument)
        if name == "Fn::Or":
            return any(self._condition(part) for part in argument)
        raise TemplateError(f"Conditions cannot use {name} here")


def _as_text(value: Json) -> str:
    """How CloudFormation writes a value into a text or a parameter."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_as_text(item) for item in value)
    return str(value)


# ---------------------------------------------------------------------- reading and translating


def read_yaml(path: Path) -> Any:
    """A YAML (or JSON) file, short forms as intrinsic functions."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a safe loader)


def load_template(path: Path, parameters: Mapping[str, str], scope: Scope) -> dict[str, Json]:
    """Read one template file; SAM becomes plain CloudFormation.

    Raises: TemplateError for a missing file, invalid YAML, or what the SAM translator refuses.
    """
    try:
        source: dict[str, Json] = read_yaml(path)
    except FileNotFoundError:
        raise TemplateError(f"There is no template {path}") from None
    except Exception as error:
        raise TemplateError(f"{path.name} is not valid YAML: {error}") from error
    if not isinstance(source, dict) or "Resources" not in source:
        raise TemplateError(f"{path.name} is not a CloudFormation template: it has no Resources")
    transforms = source.get("Transform") or []
    if _SERVERLESS not in ([transforms] if isinstance(transforms, str) else transforms):
        return source
    _bring_files_inside(source, path.parent)
    session = boto3.session.Session(region_name=scope.region)
    try:
        translated: dict[str, Json] = Translator({}, Parser(), boto_session=session).translate(
            copy.deepcopy(source), dict(parameters)
        )
    except InvalidDocumentException as error:
        reasons = "; ".join(str(cause.message) for cause in error.causes)
        raise TemplateError(f"SAM refuses {path.name}: {reasons}") from error
    return translated


def _bring_files_inside(source: dict[str, Json], directory: Path) -> None:
    """Replace local paths, which only the SAM CLI understands, by what the translator takes."""
    defaults = (source.get("Globals") or {}).get("Function") or {}
    for logical_id, resource in source["Resources"].items():
        kind = resource.get("Type")
        properties = resource.setdefault("Properties", {})
        if kind == "AWS::Serverless::Function":
            code = properties.get("CodeUri", defaults.get("CodeUri"))
            if not isinstance(code, str):
                raise TemplateError(f"{logical_id} needs a CodeUri that is a local path")
            packages = _parent_packages(resource)
            if not (directory / code).joinpath(*packages.split(".")).is_dir():
                code = _without_packages(code, packages)
            properties["CodeUri"] = _local_uri(code)
        elif kind == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = _local_uri(properties["ContentUri"])
        elif kind == "AWS::Serverless::StateMachine" and "DefinitionUri" in properties:
            definition = directory / properties.pop("DefinitionUri")
            if not definition.is_file():
                raise TemplateError(f"{logical_id}: there is no state machine {definition}")
            properties["Definition"] = read_yaml(definition)
        elif kind == "AWS::Serverless::Application":
            resource["Type"] = _STACK
            properties["TemplateURL"] = properties.pop("Location")


def _parent_packages(resource: Mapping[str, Json]) -> str:
    build = (resource.get("Metadata") or {}).get("BuildProperties") or {}
    if build.get("ParentPackageMode") != "explicit":
        return ""
    return str(build.get("ParentPackages") or "")


def _without_packages(code: str, packages: str) -> str:
    """Root of the import path of a function that was not built.

    ``functions/pensions`` with the package ``pensions`` is ``functions``, because an artifact
    holds the package and not only its content.
    """
    path = PurePosixPath(code)
    for package in reversed(packages.split(".") if packages else []):
        if path.name != package:
            raise TemplateError(f"ParentPackages {packages} does not end the path {code}")
        path = path.parent
    return str(path)


def _local_uri(path: str) -> str:
    return f"s3://{LOCAL_BUCKET}/{PurePosixPath(path)}"
