"""Queue entry point for signed events of other systems."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kernel.errors import UnauthorizedError
from toolkit.entrypoints.queue import LambdaHandler, QueueMessage, RetryLaterError, queue_handler
from toolkit.http import json_body

_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
Take = Callable[[str, Mapping[str, str], str], object]


def signed_event_handler(service: str) -> Callable[[Take], LambdaHandler]:
    """Turn a function over (company, headers, payload) into a Lambda handler over a batch.

    What its company did not sign, and what cannot be read, ends in the dead-letter queue.
    """

    def decorate(take: Take) -> LambdaHandler:
        def one(message: QueueMessage) -> None:
            headers = message.body.get("headers")
            if not isinstance(headers, dict):
                raise KeyError("headers")
            signed = {name: str(headers.get(name, "")) for name in _HEADERS}
            try:
                take(message.text("tenant_id"), signed, message.text("payload"))
            except UnauthorizedError as error:
                raise RetryLaterError from error

        one.__doc__ = take.__doc__
        return queue_handler(service, foreign=True)(one)

    return decorate


def members_of(payload: str) -> Mapping[str, Any]:
    """Members of the text of an event. Raises: MalformedError."""
    return json_body.load_json_object(payload.encode(), "application/json")
