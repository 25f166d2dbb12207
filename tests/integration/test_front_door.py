"""Every function that answers requests asks for the front door first, in every deployed stage."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from infra.tools.origin_secret import main
from tests.infra import stack
from tests.support.aws import RULES, AwsWorld
from tests.support.events import http_event, invoke
from toolkit.auth import Principal
from toolkit.aws.clients import client
from toolkit.http.origin import HEADER, digest_of

VALUE = "v" * 64
OWNER = Principal("session", "U1", "T1", roles=("owner",), session_hash="s" * 64)


def _application(function: str) -> Any:
    return importlib.import_module(f"{stack.context_of(function)}.bootstrap").application


def _handler(function: str) -> Any:
    path: str = stack.functions()[function]["Properties"]["Handler"]
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _behind_the_door() -> list[str]:
    return [each for each in stack.functions() if stack.answers_people(each)]


@pytest.fixture(params=["dev", "staging", "prod"])
def deployed(
    request: pytest.FixtureRequest, aws: AwsWorld, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The processes of a deployed stage, begun anew."""
    monkeypatch.setenv("KOPRU_STAGE", request.param)
    monkeypatch.setenv("KOPRU_ORIGIN_DIGESTS", digest_of(VALUE))
    for function in _behind_the_door():
        _application(function).cache_clear()
    yield request.param
    for function in _behind_the_door():
        _application(function).cache_clear()


def test_nobody_gets_past_the_firewall(deployed: str) -> None:
    refused = set()
    RULES.requests.clear()
    for function in _behind_the_door():
        if stack.handler_of(function) == "authorizer":
            event = http_event("GET", "/", headers={"authorization": f"Bearer kopru_live_{VALUE}"})
            answer = _handler(function)(event, None)
            assert answer["context"]["kind"] == "anonymous"
            continue
        for path in ("/", "/health", "/v1/me", "/nowhere"):
            answer = invoke(_handler(function), http_event("GET", path, principal=OWNER))
            assert (answer.status, answer.json()["code"]) == (403, "origin_unknown"), function
        refused.add(function)
    assert len(refused) >= 12, deployed
    # Refused before anything is read.
    assert not RULES.requests


def test_who_comes_through_the_front_door_is_answered(deployed: str) -> None:
    answer = invoke(
        _handler("WorkspaceApiFunction"), http_event("GET", "/health", headers={HEADER: VALUE})
    )
    assert answer.status == 200, deployed


# ------------------------------------------------------------------ making and changing the value


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments, secrets=lambda: client("secretsmanager")) == 0
    name, _, value = capsys.readouterr().out.strip().partition("=")
    assert name == "OriginDigests"
    return value


def _stored() -> str:
    found = client("secretsmanager").get_secret_value(SecretId="kopru-dev/origin")
    return str(found["SecretString"])


def test_the_value_is_made_once_and_only_its_digest_is_said(
    aws: AwsWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "kopru-dev"], secrets=lambda: client("secretsmanager")) == 4
    assert "create it" in capsys.readouterr().err
    first = _run(capsys, "create", "kopru-dev")
    assert first == digest_of(_stored())
    assert len(_stored()) == 64
    assert _run(capsys, "create", "kopru-dev") == first


def test_a_change_names_the_new_value_beside_the_old_one(
    aws: AwsWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _run(capsys, "create", "kopru-dev")
    both = _run(capsys, "change", "kopru-dev")
    new = digest_of(_stored())
    assert both == f"{new},{old}"
    assert new != old
    assert _run(capsys, "show", "kopru-dev") == new
