"""The running API keeps to its description: generated requests, right and wrong ones.

Requests that fit the description and requests that break it are made by Schemathesis from the
served OpenAPI document. Whatever comes, the answer is documented, of a documented type and shape,
never 5xx; and what breaks the description is refused.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from infra.tools.openapi import TARGET
from tests.support.running_stack import running_stack

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

NIGHTLY = os.environ.get("KOPRU_EXAMPLES") == "new"
EXAMPLES = settings(
    max_examples=40 if NIGHTLY else 2,
    derandomize=not NIGHTLY,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _operations() -> Iterator[Any]:
    for found in schemathesis.openapi.from_path(TARGET).get_all_operations():
        assert isinstance(found, Ok), "the description itself is wrong"
        yield found.ok()


OPERATIONS = list(_operations())
ALWAYS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CHECKS = {
    GenerationMode.POSITIVE: ALWAYS,
    GenerationMode.NEGATIVE: [*ALWAYS, negative_data_rejection],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Where the API answers, and the headers of somebody who may use it."""
    folder: Path = tmp_path_factory.mktemp("contract") / "state"
    with running_stack(folder) as running:
        key = json.loads((folder / "credentials.json").read_text(encoding="utf-8"))["api_key"]
        address = running.base_url.replace("localhost", "127.0.0.1")
        yield address, {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("mode", CHECKS, ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_every_operation_answers_as_described(
    served: tuple[str, dict[str, str]], operation: Any, mode: GenerationMode
) -> None:
    address, headers = served

    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(base_url=address, headers=headers, timeout=60)
        case.validate_response(answer, checks=CHECKS[mode])

    try:
        ask()
    except Unsatisfiable:
        # Nothing can be wrong about a request that has neither body nor bounded parameters.
        assert mode is GenerationMode.NEGATIVE
        assert "requestBody" not in operation.definition.raw
