"""Queue entry point: one record at a time, partial batch failures, errors mapped as style.md §11
says.

Messages carry ids and nothing to be believed: handlers read the state again. A body we cannot read
is parked (kept in the log without its content, counted, acknowledged) because no retry will make
it readable. Of a record that fails for the last time the reason is noted for the operator.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import (
    ConflictError,
    KopruError,
    PermanentGatewayError,
    TransientGatewayError,
)
from toolkit.aws.failed_records import note_last_failure
from toolkit.observability import count, logger

SUPPORTED_VERSION: Final = 1
MAX_HOPS: Final = 5
REDRIVES: Final = "kopru-redrives"
"""Message attribute: how often an operator sent this message back from the dead letters."""
REDRIVE: Final = "kopru-redrive"
"""Message attribute: the redrive that did it last."""
_ID_LENGTH: Final = 26


class RetryLaterError(Exception):
    """The record must come again: somebody alive holds the item, or time is short."""


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One record: its parsed body and how long the function may still run."""

    body: Mapping[str, Any]
    message_id: str
    receive_count: int
    remaining_seconds: Callable[[], float]

    def text(self, name: str) -> str:
        """A required text member of the body; raises KeyError when it is missing or of another
        type.
        """
        value = self.body[name]
        if not isinstance(value, str) or not value:
            raise KeyError(name)
        return value


Handler = Callable[[QueueMessage], None]
LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


def queue_handler(service: str, *, foreign: bool = False) -> Callable[[Handler], LambdaHandler]:
    """Turn a function over one message into a Lambda handler over a batch.

    A ``foreign`` queue takes messages of other systems: what we cannot read there is no mistake of
    ours to note and drop, so it fails and ends in the dead-letter queue.
    """

    def decorate(function: Handler) -> LambdaHandler:
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            failures = [
                {"itemIdentifier": record["messageId"]}
                for record in event["Records"]
                if not _process(service, function, record, context, foreign)
            ]
            return {"batchItemFailures": failures}

        handler.__doc__ = function.__doc__
        handler.__name__ = "handler"
        return handler

    return decorate


def _process(
    service: str, function: Handler, record: Mapping[str, Any], context: Any, foreign: bool
) -> bool:
    log = logger(service)
    log.clear_state()
    log.append_keys(message_id=record["messageId"], **_redriven(record))

    def again(code: str) -> bool:
        note_last_failure(service, record["messageId"], _receives(record), code)
        return False

    try:
        body = json.loads(record["body"])
        if not isinstance(body, dict):
            raise TypeError
    except (ValueError, TypeError, RecursionError):
        return _park(service, "unreadable", foreign) or again("unreadable")
    if "detail-type" in body and isinstance(body.get("detail"), dict):
        body = body["detail"]  # an event from the bus: the envelope is in `detail`
    elif body.get("v") != SUPPORTED_VERSION:
        # A newer producer: fail and wait for the code that understands it (Q15).
        log.error("message version is not supported")
        return again("unsupported_version")
    hops = body.get("hops", 0)
    if not isinstance(hops, int) or hops > MAX_HOPS:
        return _park(service, "too_many_hops", foreign) or again("too_many_hops")
    log.append_keys(tenant_id=str(body.get("tenant_id", ""))[:_ID_LENGTH])
    message = QueueMessage(
        body=body,
        message_id=record["messageId"],
        receive_count=_receives(record),
        remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    try:
        function(message)
    except KeyError as error:
        return _park(service, f"missing_{str(error)[:40]}", foreign) or again("missing_member")
    except RetryLaterError:
        return again("retry_later")
    except (TransientGatewayError, ConflictError) as error:
        log.warning("record will be retried", extra={"code": error.code})
        return again(error.code)
    except PermanentGatewayError as error:
        log.error("the third party refused", extra={"code": error.code})
        return True
    except KopruError as error:
        # The item's own state says what is wrong; repeating the message would not change it.
        log.error("record refused", extra={"code": error.code, "why": error.detail})
        count(service, {"RecordsRefused": 1})
        return True
    except Exception as error:
        log.exception("record failed", extra={"error_class": type(error).__name__})
        return again(type(error).__name__)
    return True


def _receives(record: Mapping[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))


def _redriven(record: Mapping[str, Any]) -> dict[str, str]:
    """Which redrive brought a record back and how often, for the log."""
    given = record.get("messageAttributes") or {}
    names = {"redrive": REDRIVE, "redrives": REDRIVES}
    return {
        key: str(given[name].get("stringValue", "")) for key, name in names.items() if name in given
    }


def _park(service: str, reason: str, foreign: bool) -> bool:
    logger(service).error("record parked", extra={"reason": reason})
    count(service, {"RecordsParked": 1})
    return not foreign
