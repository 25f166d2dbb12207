"""The installer makes the first operator of a deployed stage, with the product's own use case."""

import os
from typing import Any

import pytest

from infra.tools.first_operator import main
from tests.support.aws import AwsWorld
from workspace.application.entrance import SignedIn

PASSWORD = "dokuz mavi kedi 47 yelken"
WISH = ["kopru-dev", "ops@kopru.example", "Selin Akın", "--language", "tr"]


class Functions:
    """Lambda as far as the tool asks it: one function with the variables of this process."""

    class exceptions:
        """Errors of the client."""

        class ResourceNotFoundException(Exception):
            """There is no such function."""

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        if FunctionName != "kopru-dev-workspace-api":
            raise self.exceptions.ResourceNotFoundException
        return {"Environment": {"Variables": dict(os.environ)}}


def run(arguments: list[str], password: str = PASSWORD) -> int:
    return main(arguments, functions=Functions, ask=lambda _: password)


def test_the_operator_signs_in(aws: AwsWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(WISH) == 0
    assert "/sign-in" in capsys.readouterr().out
    from kernel.sensitive import Email, Secret
    from workspace.bootstrap import application

    signed = application().sign_in()(
        "ops@kopru.example", Secret(PASSWORD), source_ip="192.0.2.1", user_agent="tests"
    )
    assert isinstance(signed, SignedIn)
    assert signed.person.operator
    assert application().store.person_of(Email("ops@kopru.example")) is not None


def test_a_guessable_password_is_refused_and_nothing_is_stored(
    aws: AwsWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WISH, "123456789012") == 3
    assert "/password" in capsys.readouterr().err
    from kernel.sensitive import Email
    from workspace.bootstrap import application

    assert application().store.person_of(Email("ops@kopru.example")) is None


def test_a_stack_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["kopru-prod", *WISH[1:]]) == 4
    assert "kopru-prod" in capsys.readouterr().err
