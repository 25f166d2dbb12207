"""``DeadLetterDesk`` over SQS: looks into dead-letter queues and sends messages back.

SQS cannot be read without taking: a look hides what it takes for half a minute and shows it again
at its end, so two operators looking at the same moment may each see a part. The queues are those of
the stack whose name says that they hold dead letters; where a message came from it says itself, or
the one queue that has these dead letters.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kernel.ids import is_id
from toolkit.aws.dynamodb import PREFIX_OF, Database
from toolkit.aws.failed_records import FailedRecords
from toolkit.entrypoints.queue import REDRIVE, REDRIVES
from workspace.domain.dead_letter import KILLED, DeadLetter, unknown_queue
from workspace.domain.subject import items_named
from workspace.ports import WaitingLetters

_NAME: Final = re.compile(r"([A-Z][A-Za-z0-9]*)DeadLetters(?:-|$)")
_WORD: Final = re.compile(r"[A-Z][a-z0-9]*")
# The dead letters of all insurers lie in one queue, in a stack that holds nothing else.
_SHORT: Final = {"send": "pensions-send"}
_HOLD: Final = 30
_BATCH: Final = 10
_BATCH_BYTES: Final = 200_000
_ERROR_NAMES: Final = ("ErrorCode", "ERROR_CODE")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,59}")
_MEMBERS: Final = frozenset({"v", "hops", "act", "task", "asked", "slice", "after"})


class SqsDeadLetters:
    """The dead-letter queues of one stack."""

    def __init__(self, queues: Any, database: Database, stack: str) -> None:
        self._queues = queues
        self._database = database
        self._stack = stack

    # ------------------------------------------------------------------ queues

    def waiting(self) -> Sequence[WaitingLetters]:
        return [
            WaitingLetters(name, self._count(url)) for name, url in sorted(self._every().items())
        ]

    def require(self, queue: str) -> None:
        self._url(queue)

    def _every(self) -> dict[str, str]:
        found: dict[str, str] = {}
        prefix = f"{self._stack}-"
        token: dict[str, str] = {}
        while True:
            answer = self._queues.list_queues(QueueNamePrefix=prefix, MaxResults=1000, **token)
            for url in answer.get("QueueUrls", []):
                match = _NAME.search(url.rpartition("/")[2])
                if match is not None:
                    name = "-".join(word.lower() for word in _WORD.findall(match[1]))
                    found[_SHORT.get(name, name)] = url
            if not answer.get("NextToken"):
                return found
            token = {"NextToken": answer["NextToken"]}

    def _url(self, queue: str) -> str:
        url = self._every().get(queue)
        if url is None:
            raise unknown_queue()
        return url

    def _count(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"].get(name, 0)) for name in names)

    # ------------------------------------------------------------------ looking

    def look(self, queue: str, most: int) -> Sequence[DeadLetter]:
        url = self._url(queue)
        taken: list[Mapping[str, Any]] = []
        try:
            for batch in self._batches(url, most):
                taken += batch
        finally:
            self._show_again(url, taken)
        home = self._only_source(url) if taken else None
        codes = self._codes(queue, [str(message["MessageId"]) for message in taken])
        return [_letter(queue, message, codes, home) for message in taken]

    def _batches(self, url: str, most: int) -> Iterator[list[Mapping[str, Any]]]:
        """Messages not seen yet, until the queue shows no more or ``most`` were seen."""
        expected = self._count(url)
        seen: set[str] = set()
        while len(seen) < min(most, expected):
            answer = self._queues.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(_BATCH, most - len(seen)),
                VisibilityTimeout=_HOLD,
                # Waiting asks every server of SQS; a short poll may miss messages that are there.
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            batch = [each for each in answer.get("Messages", []) if each["MessageId"] not in seen]
            if not batch:
                return
            seen |= {str(each["MessageId"]) for each in batch}
            yield batch

    def _show_again(self, url: str, messages: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(messages), _BATCH):
            self._queues.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {
                        "Id": str(number),
                        "ReceiptHandle": message["ReceiptHandle"],
                        "VisibilityTimeout": 0,
                    }
                    for number, message in enumerate(messages[start : start + _BATCH])
                ],
            )

    def _codes(self, queue: str, ids: Sequence[str]) -> Mapping[str, str]:
        context = next(
            (
                prefix
                for package, prefix in PREFIX_OF.items()
                if queue.startswith(package.replace("_", "-"))
            ),
            None,
        )
        if context is None:
            return {}
        noted = FailedRecords(self._database, context).of(ids)
        return {identity: failure.code for identity, failure in noted.items()}

    def _only_source(self, url: str) -> str | None:
        """The queue whose dead letters these are, when there is exactly one."""
        answer = self._queues.list_dead_letter_source_queues(QueueUrl=url)
        urls = answer.get("queueUrls", [])
        return str(urls[0]) if len(urls) == 1 else None

    # ------------------------------------------------------------------ sending back

    def send_back(
        self,
        queue: str,
        wanted: Collection[str] | None,
        redrive_id: str,
        most: int,
        *,
        keep: bool = False,
    ) -> int:
        url = self._url(queue)
        home = self._only_source(url)
        kept: list[Mapping[str, Any]] = []
        sent = 0
        try:
            for batch in self._batches(url, most):
                chosen = [
                    (target, message)
                    for message in batch
                    if (wanted is None or message["MessageId"] in wanted)
                    and (target := _home_of(message, url, home)) is not None
                ]
                went = self._resend(url, chosen, redrive_id, keep=keep)
                gone = set() if keep else went
                kept += [message for message in batch if message["MessageId"] not in gone]
                sent += len(went)
                if wanted is not None and sent >= len(set(wanted)):
                    break
        finally:
            self._show_again(url, kept)
        return sent

    def _resend(
        self,
        url: str,
        chosen: Sequence[tuple[str, Mapping[str, Any]]],
        redrive_id: str,
        *,
        keep: bool,
    ) -> set[str]:
        """Send first, then take away what was taken: the other order could lose a message."""
        gone: set[str] = set()
        for target in dict.fromkeys(target for target, _ in chosen):
            for part in _parts([message for to, message in chosen if to == target]):
                answer = self._queues.send_message_batch(
                    QueueUrl=target,
                    Entries=[
                        _entry(number, message, redrive_id) for number, message in enumerate(part)
                    ],
                )
                taken = [part[int(entry["Id"])] for entry in answer.get("Successful", [])]
                if taken and not keep:
                    self._queues.delete_message_batch(
                        QueueUrl=url,
                        Entries=[
                            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                            for number, message in enumerate(taken)
                        ],
                    )
                gone |= {str(message["MessageId"]) for message in taken}
        return gone


def _home_of(message: Mapping[str, Any], url: str, home: str | None) -> str | None:
    """Address of the queue a message came from; dead letters and their source share an account."""
    source = message.get("Attributes", {}).get("DeadLetterQueueSourceArn")
    if source:
        return f"{url.rpartition('/')[0]}/{source.rpartition(':')[2]}"
    return home


def _parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Batches that one request may carry."""
    part: list[Mapping[str, Any]] = []
    size = 0
    for message in messages:
        length = len(message["Body"].encode())
        if part and size + length > _BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append(message)
        size += length
    if part:
        yield part


def _entry(number: int, message: Mapping[str, Any], redrive_id: str) -> dict[str, Any]:
    given = message.get("MessageAttributes", {})
    kept = {
        name: {key: value for key, value in attribute.items() if key in _VALUE_KEYS}
        for name, attribute in given.items()
    }
    kept[REDRIVES] = {"DataType": "Number", "StringValue": str(_redrives(message) + 1)}
    kept[REDRIVE] = {"DataType": "String", "StringValue": redrive_id}
    entry = {"Id": str(number), "MessageBody": message["Body"], "MessageAttributes": kept}
    group = message.get("Attributes", {}).get("MessageGroupId")
    return entry | ({"MessageGroupId": group} if group else {})


_VALUE_KEYS: Final = ("DataType", "StringValue", "BinaryValue")


def _redrives(message: Mapping[str, Any]) -> int:
    text = message.get("MessageAttributes", {}).get(REDRIVES, {}).get("StringValue", "0")
    return int(text) if text.isdigit() else 0


def _letter(
    queue: str, message: Mapping[str, Any], codes: Mapping[str, str], home: str | None
) -> DeadLetter:
    body = _body(str(message["Body"]))
    sent = int(message["Attributes"]["SentTimestamp"]) / 1000
    return DeadLetter(
        id=str(message["MessageId"]),
        queue=queue,
        error=codes.get(str(message["MessageId"])) or _said(message) or KILLED,
        sent_at=datetime.fromtimestamp(sent, UTC),
        tenant_id=_identity(body.get("tenant_id")),
        subject=next(iter(items_named(body)), ""),
        facts=tuple(_facts(body)),
        redrives=_redrives(message),
        returns=_home_of(message, "", home) is not None,
    )


def _said(message: Mapping[str, Any]) -> str:
    """The error that a service wrote beside a message it could not deliver."""
    given = message.get("MessageAttributes", {})
    texts = (str(given.get(name, {}).get("StringValue", "")) for name in _ERROR_NAMES)
    return next((text for text in texts if _CODE.fullmatch(text)), "")


def _body(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    inner = body.get("detail")
    return inner if "detail-type" in body and isinstance(inner, dict) else body


def _identity(value: object) -> str:
    return str(value) if is_id(value) else ""


def _facts(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Members that are ids or words of ours. What another system wrote is named, not shown."""
    for name, value in body.items():
        if not isinstance(name, str) or not _CODE.fullmatch(name):
            continue
        word = name in _MEMBERS or (name == "type" and isinstance(value, str))
        if is_id(value) or (word and _CODE.fullmatch(str(value))) or isinstance(value, int):
            yield name, str(value)
        elif name not in ("data", "source", "time", "subject"):
            yield name, "…"
