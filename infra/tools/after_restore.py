"""After a restore, before anything is sent again: ``python -m infra.tools.after_restore STACK``.

What was open at the moment of the restore may have been sent since. With the product's own use case
and the rights of whoever runs this, every open transmission is marked to be asked about first, and
submissions that were not cut up yet are stopped. Running it twice changes nothing.
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


def main(
    arguments: Sequence[str] | None = None,
    *,
    functions: Callable[[], Any] = lambda: boto3.client("lambda"),
) -> int:
    """Doubt what is open; 0 done, 4 no such stack."""
    parser = argparse.ArgumentParser(description="Doubt what was open when tables were restored.")
    parser.add_argument("stack", help="name of the stack: kopru-dev")
    options = parser.parse_args(arguments)
    try:
        variables = variables_of(functions(), options.stack, FUNCTION)
    except LookupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 4
    settings = PensionsSettings.from_environment(Environment(variables))
    found = build(settings).doubt_restored()()
    sys.stdout.write(
        f"{found.transmissions} transmissions are asked about before anything is sent, "
        f"{found.submissions} submissions were stopped\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
