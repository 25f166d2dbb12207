"""What is deployed, run here: every file of ``events/`` against built artifacts.

Nothing stands behind the ids of an example, so most find nothing to do. What is proved: each
function starts from its own package and the two layers alone, as Lambda mounts them, reads the
event of its trigger, and answers in the shape that the trigger expects instead of dying.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.cloud.model import InvokeOutcome
from infra.local.settings import ROOT, LocalSettings
from infra.local.simulators import start_all
from infra.local.stack import LocalStack
from infra.tools import host_build
from tests.infra import examples

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("built")
    settings = LocalSettings(
        port=0,
        folder=folder / "state",
        template=host_build.assemble(ROOT / "template.yaml", folder / "artifacts"),
        packages=host_build.packages(),
        schedules=False,
        reload=False,
    )
    stack = LocalStack(settings, seed=None, start_simulators=start_all)
    stack.start()
    yield stack
    stack.stop()


def _outcome(built: LocalStack, name: str) -> InvokeOutcome:
    payload = json.dumps(examples.example(name)).encode()
    context, handler = name.split("/")
    return built.functions.invoke(f"kopru-{context}-{handler}".replace("_", "-"), payload)


def _invoke(built: LocalStack, name: str) -> Any:
    outcome = _outcome(built, name)
    assert outcome.function_error is None, outcome.payload.decode()
    return json.loads(outcome.payload or b"null")


@pytest.mark.parametrize("name", examples.names("http"))
def test_a_request_is_answered(built: LocalStack, name: str) -> None:
    answer = _invoke(built, name)
    assert 200 <= answer["statusCode"] < 500, answer
    assert answer["headers"], answer


@pytest.mark.parametrize("name", examples.names("queue"))
def test_every_record_of_a_batch_is_accounted_for(built: LocalStack, name: str) -> None:
    sent = {record["messageId"] for record in examples.example(name)["Records"]}
    failed = {one["itemIdentifier"] for one in _invoke(built, name)["batchItemFailures"]}
    assert failed <= sent


@pytest.mark.parametrize("name", examples.names("schedule"))
def test_a_scheduled_run_ends(built: LocalStack, name: str) -> None:
    _invoke(built, name)


@pytest.mark.parametrize("name", examples.names("step"))
def test_a_step_says_in_its_own_words_that_there_is_no_such_task(
    built: LocalStack, name: str
) -> None:
    outcome = _outcome(built, name)
    assert json.loads(outcome.payload)["errorType"] == "NotFoundError"


def test_the_authorizer_refuses_who_shows_nothing(built: LocalStack) -> None:
    (name,) = examples.names("authorizer")
    answer = _invoke(built, name)
    assert answer["isAuthorized"] in (True, False)


def test_a_built_function_sees_its_own_package_only(built: LocalStack) -> None:
    assert built.deployment is not None
    for spec in built.deployment.functions:
        package = spec.handler.partition(".")[0]
        assert [entry.name for entry in spec.code_dir.iterdir()] == [package]
        assert {path.name for path in spec.layer_dirs} == {"python"}
        assert not any((path / "pytest").exists() for path in spec.layer_dirs)
