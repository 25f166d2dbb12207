"""The first operator of a stage: ``python -m infra.tools.first_operator STACK EMAIL NAME``.

The very first account cannot be made with an account, so the installer makes it, with the product's
own use case and the rights of whoever runs this (AWS credentials of the profile that deploys). The
password is asked for and stored as a hash only. Somebody who has an account keeps their password.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3

from kernel.errors import ValidationError
from kernel.sensitive import Email, Secret
from toolkit.settings import Environment
from workspace.bootstrap import Application, build
from workspace.settings import WorkspaceSettings


def variables_of(functions: Any, stack: str, function: str = "workspace-api") -> Mapping[str, str]:
    """What a function of the stack is configured with; ``functions`` is Lambda's client.

    Raises: LookupError when the stack has no such function.
    """
    name = f"{stack}-{function}"
    try:
        found = functions.get_function_configuration(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException:
        raise LookupError(f"there is no function {name}: is {stack} deployed here?") from None
    return dict(found["Environment"]["Variables"])


def application_of(variables: Mapping[str, str]) -> Application:
    """The workspace as that function would build it."""
    return build(WorkspaceSettings.from_environment(Environment(variables)))


def install(app: Application, email: str, name: str, language: str, password: str) -> None:
    """Make the operator. Raises: ValidationError for name, address or password."""
    app.install_operator()(
        email=Email(email), name=name, language=language, password=Secret(password)
    )


def main(
    arguments: Sequence[str] | None = None,
    *,
    functions: Callable[[], Any] = lambda: boto3.client("lambda"),
    ask: Callable[[str], str] = getpass.getpass,
) -> int:
    """Ask for the password and install the operator; 0 done, 3 refused, 4 no such stack."""
    parser = argparse.ArgumentParser(description="Make the first operator of a deployed stage.")
    parser.add_argument("stack", help="name of the stack: kopru-dev")
    parser.add_argument("email")
    parser.add_argument("name")
    parser.add_argument("--language", choices=("tr", "el", "en"), default="en")
    options = parser.parse_args(arguments)
    try:
        variables = variables_of(functions(), options.stack)
    except LookupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 4
    password = ask("Password, at least 12 characters: ")
    try:
        install(application_of(variables), options.email, options.name, options.language, password)
    except ValidationError as error:
        sys.stderr.write(f"error: {error.message}\n")
        for problem in error.problems:
            sys.stderr.write(f"  {problem.pointer}: {problem.message}\n")
        return 3
    sign_in = f"{variables['KOPRU_BASE_URL']}/sign-in"
    sys.stdout.write(f"{options.email} is an operator and signs in at {sign_in}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
