"""Processes in tests: data that completes every step, and the decisions of approvers."""

from datetime import date
from typing import Any, Final

from tests.support.rules_world import TENANT, RulesWorld

APPLICATION: Final[dict[str, Any]] = {
    "application_no": "B-1001",
    "applied_on": "2026-05-20",
    "connection_fee": "1250.00",
}
FEES: Final[dict[str, Any]] = {
    "fees_paid": "1250.00",
    "paid_on": "2026-05-25",
    "receipt_no": "M-77",
}
AGREEMENT: Final[dict[str, Any]] = {"agreement_no": "A-12", "printed_on": "2026-05-28"}
PURCHASE: Final[dict[str, Any]] = {
    "request_no": "S-5",
    "supplier_code": "T-9",
    "amount": "999.99",
    "beyond_contract": False,
    "foreign": False,
}
REQUEST: Final[dict[str, Any]] = {"justification": "Yedek vana", "requested_on": "2026-06-01"}


def started(
    world: RulesWorld, definition: str, subject: str, data: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """A process that was just started."""
    body = {"definition": definition, "subject": subject, "data": data}
    return dict(world.ok("POST", "/processes", body, **more))


def connection(world: RulesWorld, **changes: Any) -> dict[str, Any]:
    """A connection that waits for its fees."""
    return started(world, "connection", "application:B-1001", {**APPLICATION, **changes})


def purchase(world: RulesWorld, **changes: Any) -> dict[str, Any]:
    """A purchase whose request is to be prepared."""
    return started(world, "purchase", "purchase:S-5", {**PURCHASE, **changes})


def command(
    world: RulesWorld, process: dict[str, Any], name: str, data: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """The process after a command that must be accepted."""
    path = f"/processes/{process['id']}/commands"
    return dict(world.ok("POST", path, {"command": name, "data": data}, **more))


def read(world: RulesWorld, process: dict[str, Any]) -> dict[str, Any]:
    """The process as it is now."""
    return dict(world.ok("GET", f"/processes/{process['id']}"))


def decided(
    world: RulesWorld, process: dict[str, Any], outcome: str, **more: Any
) -> dict[str, Any]:
    """The process after the approvers decided on what it asks."""
    asked = [line for line in read(world, process)["timeline"] if line["detail"].get("request_id")]
    request = [line for line in asked if line["event"] == "approval_requested"][-1]
    data = {
        "approval_id": "01JXQ60A1B2C3D4E5F6G7H8J9S",
        "request_id": request["detail"]["request_id"],
        "subject": f"process:{process['id']}",
        "outcome": outcome,
        "decided_by": "user:01JXQ60A1B2C3D4E5F6G7H8J9R",
        **more,
    }
    world.app.approval_decided(TENANT, data)
    return read(world, process)


def kinds(process: dict[str, Any]) -> list[str]:
    """What happened, with the step where there is one."""
    return [
        f"{line['event']}:{line['step']}" if line["step"] else line["event"]
        for line in process["timeline"]
    ]


def work(world: RulesWorld) -> int:
    """The schedule of a minute and the work it asks for; gives how many messages there were."""
    from tests.support.events import queue_event
    from tests.support.lambda_context import LambdaContext
    from workflow.handlers import do_work, relay_outbox

    relay_outbox.handler({}, LambdaContext())
    done = 0
    while bodies := world.aws.messages("workflow-work"):
        for body in bodies:
            answer = do_work.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
            assert answer["batchItemFailures"] == []
            done += 1
    return done


def day(text: str) -> date:
    """A date of a test."""
    return date.fromisoformat(text)


def small_definition(**changes: Any) -> dict[str, Any]:
    """Body of a definition with one step, DO, which ``changes`` alter."""
    words = {"tr": "x", "el": "x", "en": "x"}
    step = {
        "key": "only",
        "command": "DO",
        "title": words,
        "unit": "desk",
        "inputs": [],
        "outputs": [],
        "next": [{"to": "end"}],
    }
    definition = {
        "title": words,
        "subject": "thing",
        "units": {"desk": words},
        "start": [],
        "steps": [{**step, **changes}],
    }
    return {"key": "small", "valid_from": "2026-01-01", "definition": definition}
