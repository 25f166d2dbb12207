"""Writes the API description (OpenAPI 3.1) of all contexts from their declared routes.

The document is generated, committed beside the context that serves it, and tested for freshness, so
that no function has to import another context. A route's request body is the edge model it reads;
what it answers was recorded (``events/answers``, ``infra/tools/answers.py``).
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from infra.tools import problems
from infra.tools.answers import PROBLEM, Description, told
from toolkit.entrypoints.http import HttpApp, RouteSpec

ROOT: Final = Path(__file__).resolve().parents[2]
TARGET: Final = ROOT / "functions" / "workspace" / "handlers" / "http" / "openapi.json"
DOORS: Final = (
    "workspace.handlers.api",
    "workspace.handlers.operate",
    "pensions.handlers.api",
    "pensions.handlers.test_credentials",
    "payment_codes.handlers.api",
    "payment_codes.handlers.receive_notification",
    "card_contracts.handlers.api",
    "workflow.handlers.api",
    "reconciliation.handlers.api",
)
_APPS: Final = (
    "workspace.handlers.http.app",
    "pensions.handlers.http.app",
    "payment_codes.handlers.http.app",
    "card_contracts.handlers.http.app",
    "workflow.handlers.http.app",
    "reconciliation.handlers.http.app",
)
_BODY: Final = re.compile(r"\.json\(\s*([A-Z][A-Za-z]+|model)\s*\)")
_COMMAND: Final = re.compile(r"\.command\(\)")
_VERSION: Final = re.compile(r"\.expected_version\(\)")
_WORDS: Final = {
    "200": "As asked.",
    "201": "Made.",
    "202": "Accepted; the work goes on.",
    "204": "Done; there is nothing to say.",
    "2XX": "As asked.",
    "303": "The address of a download, for a short time.",
    "4XX": "A problem; nothing was changed.",
    "5XX": "A problem of the hub or of a third party; the same may succeed later.",
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem (RFC 9457); everything wrong is listed at once.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["pointer", "code", "message"],
            },
        },
        "trace_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code", "errors", "trace_id"],
}


def routes() -> list[RouteSpec]:
    """Every declared API route of every context, in a stable order."""
    for door in DOORS:
        import_module(door)
    found: list[RouteSpec] = []
    for name in _APPS:
        app: HttpApp = import_module(name).app
        found += [route for route in app.routes if route.kind == "api"]
    return sorted(found, key=lambda route: (route.path, route.method))


def _source(route: RouteSpec) -> str:
    """Text of a route and of the helpers of its module that it calls."""
    text = inspect.getsource(route.function)
    module = sys.modules[route.function.__module__]
    for name in set(re.findall(r"\b(_?[a-z_]+)\(request", text)):
        helper = getattr(module, name, None)
        if inspect.isfunction(helper) and helper is not route.function:
            text += inspect.getsource(helper)
    return text


def _body_model(route: RouteSpec) -> type[BaseModel] | None:
    match = _BODY.search(_source(route))
    if match is None:
        return None
    # Routes that are declared once for several models close over theirs.
    own = inspect.getclosurevars(route.function).nonlocals
    for scope in (own, route.function.__globals__, _helper_globals(route)):
        model = scope.get(match[1])
        if inspect.isclass(model) and issubclass(model, BaseModel):
            return model
    return None


def _helper_globals(route: RouteSpec) -> dict[str, Any]:
    """Names visible to helpers that live in other modules of the same package."""
    merged: dict[str, Any] = {}
    for value in route.function.__globals__.values():
        if inspect.isfunction(value):
            merged |= value.__globals__
    return merged


def _responses(operation: str, kept: Description) -> dict[str, Any]:
    """What the operation answered in the tests, and the problems that any operation may answer."""
    responses: dict[str, Any] = {
        status: {"description": _WORDS[status], **_content(contents)}
        for status, contents in kept.answers.get(operation, {}).items()
    }
    responses["2XX"] = {"description": _WORDS["2XX"]}
    refused: dict[str, list[str]] = {"4XX": [], "5XX": []}
    for code in kept.refusals.get(operation, ()):
        status = kept.problems[code]["status"]
        refused.setdefault(str(status) if status < 400 else f"{status // 100}XX", []).append(code)
    for status, codes in refused.items():
        examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
        content = {"schema": {"$ref": "#/components/schemas/Problem"}}
        described = responses.setdefault(status, {"description": _WORDS[status]})
        described.setdefault("content", {})[PROBLEM] = {
            **content,
            **({"examples": examples} if examples else {}),
        }
    return responses


def _content(contents: Mapping[str, Any]) -> dict[str, Any]:
    described = {
        kind: {**content, "schema": told(content["schema"])}
        for kind, content in contents.items()
        if kind
    }
    return {"content": described} if described else {}


def _operation(
    route: RouteSpec, model: type[BaseModel] | None, kept: Description
) -> dict[str, Any]:
    source = _source(route)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{([a-z_]+)\}", route.path)
    ]
    if _COMMAND.search(source):
        parameters.append(_header("Idempotency-Key", "Same key and body: the first answer."))
    if _VERSION.search(source):
        parameters.append(_header("If-Match", "The ETag that was read."))
    summary = (inspect.getdoc(route.function) or "").split("\n\n")[0].replace("\n", " ")
    operation: dict[str, Any] = {
        "operationId": route.function.__name__,
        "summary": summary,
        "tags": [route.path.split("/")[2] if route.path.startswith("/v1/") else "service"],
        "responses": _responses(f"{route.method} {route.path}", kept),
    }
    if parameters:
        operation["parameters"] = parameters
    if model is not None:
        reference = {"$ref": f"#/components/schemas/{model.__name__}"}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": reference}},
        }
    if route.permission is None:
        operation["security"] = []
    else:
        operation["x-permission"] = route.permission
    return operation


def _header(name: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": text,
        "schema": {"type": "string"},
    }


def _schemas(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    wanted = sorted(set(models), key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "validation") for model in wanted],
        ref_template="#/components/schemas/{model}",
    )
    return dict(definitions.get("$defs", {}))


def document() -> dict[str, Any]:
    """The whole description."""
    declared, kept = routes(), Description.read()
    models = {route: _body_model(route) for route in declared}
    paths: dict[str, dict[str, Any]] = {}
    for route in declared:
        operations = paths.setdefault(route.path, {})
        operations[route.method.lower()] = _operation(route, models[route], kept)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Köprü",
            "version": "1",
            "description": (
                "Back-office integration hub: pensions, payment codes, card contracts, "
                "reconciliation, rules, processes and approvals."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                **_schemas(model for model in models.values() if model is not None),
                **{name: told(schema) for name, schema in kept.schemas.items()},
                "Problem": _PROBLEM,
            },
            "examples": {
                code: {"value": problem}
                for code, problem in sorted({**problems.examples(), **kept.problems}.items())
            },
        },
    }


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
