"""After a restore, before anything is sent again: ``python -m infra.tools.after_restore STACK``.

What was open at the moment of the restore may have been sent since. With the product's own use case
and the rights of whoever runs this, every open transmission is marked to be asked about first, and
submissions that were not cut up yet are stopped. Running it twice changes nothing. It refuses while
a function that could cut, release or send something in between may run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import boto3

from infra.tools.first_operator import variables_of
from pensions.bootstrap import build
from pensions.settings import PensionsSettings
from toolkit.settings import Environment

FUNCTION = "pensions-relay-outbox"
ASLEEP = (
    "pensions-api",
    "pensions-prepare-submission",
    "pensions-relay-outbox",
    "pensions-send-to-insurer",
)
"""Before this tool ran, these would give what was sent already a reference no insurer knows, or
give it back as unsent.
"""


def awake(functions: Any, stack: str) -> list[str]:
    """Functions whose reserved concurrency is not zero; ``functions`` is Lambda's client."""
    names = [f"{stack}-{name}" for name in ASLEEP]
    return [
        name
        for name in names
        if functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        != 0
    ]


def main(
    arguments: Sequence[str] | None = None,
    *,
    functions: Callable[[], Any] = lambda: boto3.client("lambda"),
) -> int:
    """Doubt what is open; 0 done, 3 something may run, 4 no such stack."""
    parser = argparse.ArgumentParser(description="Doubt what was open when tables were restored.")
    parser.add_argument("stack", help="name of the stack: kopru-dev")
    options = parser.parse_args(arguments)
    lambdas = functions()
    try:
        variables = variables_of(lambdas, options.stack, FUNCTION)
    except LookupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 4
    if running := awake(lambdas, options.stack):
        names = ", ".join(running)
        sys.stderr.write(f"error: set the reserved concurrency of these to 0 first: {names}\n")
        return 3
    settings = PensionsSettings.from_environment(Environment(variables))
    found = build(settings).doubt_restored()()
    sys.stdout.write(
        f"{found.transmissions} transmissions are asked about before anything is sent, "
        f"{found.submissions} submissions were stopped\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
