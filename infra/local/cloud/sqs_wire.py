"""The AWS JSON protocol of SQS, as SDKs speak it, in front of the engine."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from infra.local.cloud.model import Json, last_arn_part
from infra.local.cloud.sqs_engine import MAX_BYTES, SqsEngine
from infra.local.cloud.sqs_queue import Message, SqsError, md5, md5_of_attributes

_Parameters = Mapping[str, Json]
_Answer = dict[str, Json]


class SqsWire:
    """Answers one request at a time; one method per operation of the API."""

    def __init__(self, engine: SqsEngine) -> None:
        self._engine = engine
        self._operations: Mapping[str, Callable[[_Parameters], _Answer]] = {
            "CreateQueue": self._create_queue,
            "DeleteQueue": self._delete_queue,
            "GetQueueUrl": self._get_queue_url,
            "ListQueues": self._list_queues,
            "ListDeadLetterSourceQueues": self._list_dead_letter_source_queues,
            "GetQueueAttributes": self._get_queue_attributes,
            "SetQueueAttributes": self._set_queue_attributes,
            "PurgeQueue": self._purge_queue,
            "TagQueue": self._ignore,
            "UntagQueue": self._ignore,
            "ListQueueTags": self._ignore,
            "SendMessage": self._send_message,
            "SendMessageBatch": self._send_message_batch,
            "ReceiveMessage": self._receive_message,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_message_batch,
            "ChangeMessageVisibility": self._change_message_visibility,
            "ChangeMessageVisibilityBatch": self._change_message_visibility_batch,
            "StartMessageMoveTask": self._start_message_move_task,
        }

    def call(self, operation: str, parameters: _Parameters) -> _Answer:
        """Answer one request.

        Raises: SqsError.
        """
        handler = self._operations.get(operation)
        if handler is None:
            raise SqsError("InvalidAction", f"The local SQS does not know {operation}.")
        try:
            return handler(parameters)
        except KeyError as missing:
            raise SqsError(
                "MissingParameter", f"The request must contain the parameter {missing}."
            ) from missing

    def _create_queue(self, p: _Parameters) -> _Answer:
        url = self._engine.create_queue(p["QueueName"], p.get("Attributes") or {}, update=False)
        return {"QueueUrl": url}

    def _delete_queue(self, p: _Parameters) -> _Answer:
        self._engine.delete_queue(_name(p))
        return {}

    def _get_queue_url(self, p: _Parameters) -> _Answer:
        self._engine.attributes(p["QueueName"])
        return {"QueueUrl": self._engine.url(p["QueueName"])}

    def _list_queues(self, p: _Parameters) -> _Answer:
        prefix = p.get("QueueNamePrefix") or ""
        names = [name for name in self._engine.queue_names() if name.startswith(prefix)]
        return {"QueueUrls": [self._engine.url(name) for name in names]} if names else {}

    def _list_dead_letter_source_queues(self, p: _Parameters) -> _Answer:
        return {"queueUrls": [self._engine.url(n) for n in self._engine.sources_of(_name(p))]}

    def _get_queue_attributes(self, p: _Parameters) -> _Answer:
        wanted = p.get("AttributeNames") or []
        every = self._engine.attributes(_name(p))
        chosen = every if "All" in wanted else {n: every[n] for n in wanted if n in every}
        return {"Attributes": chosen} if chosen else {}

    def _set_queue_attributes(self, p: _Parameters) -> _Answer:
        self._engine.set_attributes(_name(p), p["Attributes"])
        return {}

    def _purge_queue(self, p: _Parameters) -> _Answer:
        self._engine.purge(_name(p))
        return {}

    def _ignore(self, p: _Parameters) -> _Answer:
        """Tags are accepted for existing queues and forgotten."""
        self._engine.attributes(_name(p))
        return {}

    def _send_message(self, p: _Parameters) -> _Answer:
        return self._send_entry(_name(p), p)

    def _send_message_batch(self, p: _Parameters) -> _Answer:
        size = sum(len(entry["MessageBody"].encode()) for entry in p["Entries"])
        if size > MAX_BYTES:
            raise SqsError(
                "AWS.SimpleQueueService.BatchRequestTooLong",
                f"Batch requests cannot be longer than {MAX_BYTES} bytes.",
            )
        return self._batch(p, self._send_entry)

    def _send_entry(self, queue: str, entry: _Parameters) -> _Answer:
        attributes = entry.get("MessageAttributes") or {}
        trace = (entry.get("MessageSystemAttributes") or {}).get("AWSTraceHeader") or {}
        body: str = entry["MessageBody"]
        sent = self._engine.send(
            queue,
            body,
            group_id=entry.get("MessageGroupId"),
            deduplication_id=entry.get("MessageDeduplicationId"),
            delay_seconds=entry.get("DelaySeconds"),
            attributes=attributes,
            trace=trace.get("StringValue"),
        )
        answer: _Answer = {"MessageId": sent.message_id, "MD5OfMessageBody": md5(body.encode())}
        if attributes:
            answer["MD5OfMessageAttributes"] = md5_of_attributes(attributes)
        if sent.sequence_number:
            answer["SequenceNumber"] = sent.sequence_number
        return answer

    def _receive_message(self, p: _Parameters) -> _Answer:
        queue = _name(p)
        wait = p.get("WaitTimeSeconds")
        if wait is None:
            wait = self._engine.attributes(queue)["ReceiveMessageWaitTimeSeconds"]
        messages = self._engine.receive(
            queue,
            int(p.get("MaxNumberOfMessages") or 1),
            float(wait),
            p.get("VisibilityTimeout"),
        )
        if not messages:
            return {}
        system = {*(p.get("AttributeNames") or ()), *(p.get("MessageSystemAttributeNames") or ())}
        wanted = set(p.get("MessageAttributeNames") or ())
        return {"Messages": [_on_the_wire(message, system, wanted) for message in messages]}

    def _delete_message(self, p: _Parameters) -> _Answer:
        return self._delete_entry(_name(p), p)

    def _delete_message_batch(self, p: _Parameters) -> _Answer:
        return self._batch(p, self._delete_entry)

    def _delete_entry(self, queue: str, entry: _Parameters) -> _Answer:
        self._engine.delete(queue, [entry["ReceiptHandle"]])
        return {}

    def _change_message_visibility(self, p: _Parameters) -> _Answer:
        return self._change_entry(_name(p), p)

    def _change_message_visibility_batch(self, p: _Parameters) -> _Answer:
        return self._batch(p, self._change_entry)

    def _change_entry(self, queue: str, entry: _Parameters) -> _Answer:
        seconds = float(entry["VisibilityTimeout"])
        self._engine.change_visibility(queue, entry["ReceiptHandle"], seconds)
        return {}

    def _start_message_move_task(self, p: _Parameters) -> _Answer:
        destination = p.get("DestinationArn")
        self._engine.redrive(
            last_arn_part(p["SourceArn"]),
            destination=last_arn_part(destination) if destination else None,
        )
        return {"TaskHandle": uuid.uuid4().hex}

    def _batch(self, p: _Parameters, act: Callable[[str, _Parameters], _Answer]) -> _Answer:
        entries = p["Entries"]
        if not entries:
            raise SqsError(
                "AWS.SimpleQueueService.EmptyBatchRequest",
                "There should be at least one entry in the request.",
            )
        if len(entries) > 10:
            raise SqsError(
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10.",
            )
        if len({entry["Id"] for entry in entries}) < len(entries):
            raise SqsError(
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            )
        queue = _name(p)
        self._engine.attributes(queue)
        done: list[Json] = []
        failed: list[Json] = []
        with self._engine.together():
            for entry in entries:
                try:
                    done.append({"Id": entry["Id"], **act(queue, entry)})
                except SqsError as error:
                    failed.append(
                        {
                            "Id": entry["Id"],
                            "Code": error.code,
                            "Message": error.message,
                            "SenderFault": True,
                        }
                    )
        return {"Successful": done, "Failed": failed} if failed else {"Successful": done}


def _name(parameters: _Parameters) -> str:
    url: str = parameters["QueueUrl"]
    return url.rstrip("/").rsplit("/", 1)[-1]


def _on_the_wire(message: Message, system: set[str], wanted: set[str]) -> _Answer:
    answer: _Answer = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "MD5OfBody": md5(message.body.encode()),
    }
    shown = {k: v for k, v in message.attributes.items() if "All" in system or k in system}
    if shown:
        answer["Attributes"] = shown
    attributes = {
        name: value
        for name, value in message.message_attributes.items()
        if not wanted.isdisjoint({"All", ".*", name})
        or any(w.endswith(".*") and name.startswith(w[:-2]) for w in wanted)
    }
    if attributes:
        answer["MessageAttributes"] = attributes
        answer["MD5OfMessageAttributes"] = md5_of_attributes(attributes)
    return answer
