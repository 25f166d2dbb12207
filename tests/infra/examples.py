"""The examples of ``events/``: one per trigger of a function, by kind of trigger."""

import json
from functools import cache
from typing import Any, Final

from tests.infra import stack

EVENTS: Final = stack.ROOT / "events"
AUTHORIZER: Final = "WorkspaceAuthorizerFunction"
# Functions that a state machine calls with the input of a step.
STEPS: Final = frozenset({"WorkflowStepApprovalFunction"})


@cache
def triggers() -> dict[str, str]:
    """Path of the example below ``events/`` → kind of trigger."""
    consumers = {consumer.function for consumer in stack.consumers()}
    scheduled = {
        schedule["Properties"]["Target"]["Arn"]["Fn::GetAtt"][0]
        for schedule in stack.resources("AWS::Scheduler::Schedule").values()
    }
    found = {}
    for function in stack.functions():
        kind = "http"
        if function in consumers:
            kind = "queue"
        elif function in STEPS:
            kind = "step"
        elif function in scheduled:
            kind = "schedule"
        elif function == AUTHORIZER:
            kind = "authorizer"
        found[f"{stack.context_of(function)}/{stack.handler_of(function)}"] = kind
    return found


def example(name: str) -> Any:
    """What AWS would send to the function of this path."""
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def names(kind: str) -> list[str]:
    """Paths of the examples with this kind of trigger."""
    return [name for name, found in triggers().items() if found == kind]
