"""Copies of exchanges with third parties in the encrypted bucket, always below a company's prefix.

The names of the objects begin with an id of ours, so their order is the order of the exchange and
the instant of each can be read without opening it.
"""

import json
import logging
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.exchange import Direction, Half, KeptHalves, RawCall, RawPart
from kernel.ids import IdSource, is_id, time_of
from kernel.parsing import format_instant
from toolkit.exchange_masks import raw_text

_LOG: Final = logging.getLogger(__name__)
MOST: Final = 40
"""Copies that are read for one look: a call and its questions of a month are fewer."""
MAX_BYTES: Final = 100_000
"""Longer texts are no reading matter, and forty of these still fit into one answer."""
_CALL: Final = "call"
# Bytes that are no UTF-8 survive in the text of a copy and come back as they were.
_BYTES: Final = "surrogateescape"


class ExchangeArchive:
    """Writes and reads what was sent and answered, without secrets, for one company.

    Shapes: ``shelf`` is the part of the prefix that belongs to one context: permissions name it.
    ``harmless`` are the elements or members whose values a masked copy may show. A copy is one
    half of an exchange, or a whole call (request and answer in one object: half the writes).
    Units: the bucket's lifecycle removes a copy after 30 days.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        tenant_id: str,
        ids: IdSource,
        *,
        shelf: str,
        harmless: Collection[str],
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"T/{tenant_id}/{shelf}/"
        self._ids = ids
        self._harmless = harmless

    def record(self, reference: str, direction: Direction, raw: bytes) -> None:
        """Keep one half of an exchange; ``raw`` holds no secret."""
        kind = "xml" if raw.lstrip()[:1] == b"<" else "txt"
        media = "application/xml" if kind == "xml" else "text/plain"
        self._put(reference, f"{direction.value}.{kind}", raw, media)

    def keep(
        self, reference: str, asked_at: datetime, call: RawCall, *, masked: bool = False
    ) -> None:
        """Keep a whole call; a copy that cannot be written is logged and missed."""
        content: dict[str, Any] = {"asked_at": format_instant(asked_at)}
        for direction, part in (
            (Direction.REQUEST, call.request),
            (Direction.ANSWER, call.answer),
        ):
            body = self._hidden(part.body) if masked else part.body
            content[direction.value] = {"head": part.head, "body": body.decode("utf-8", _BYTES)}
        self._try(reference, f"{_CALL}.json", json.dumps(content).encode(), "application/json")

    def keep_notice(self, reference: str, raw: bytes, *, masked: bool = False) -> None:
        """Keep what somebody told us; a copy that cannot be written is logged and missed."""
        body = self._hidden(raw) if masked else raw
        self._try(reference, f"{Direction.NOTICE.value}.txt", body, "text/plain")

    def _hidden(self, raw: bytes) -> bytes:
        return raw_text(raw, self._harmless).masked.encode()

    def _try(self, reference: str, suffix: str, body: bytes, media: str) -> None:
        try:
            self._put(reference, suffix, body, media)
        except Exception as error:  # the effect has happened: losing the copy must not change it
            _LOG.warning("exchange of %s not kept: %s", reference, type(error).__name__)

    def _put(self, reference: str, suffix: str, body: bytes, media: str) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=f"{self._prefix}{reference}/{self._ids.new()}-{suffix}",
            Body=body,
            ContentType=media,
        )

    def halves(self, reference: str, since: datetime) -> KeptHalves:
        """The latest copies under ``reference`` that are not older than ``since``, oldest first.

        Raises: NotFoundError for a reference that is not an id of ours.
        """
        if not is_id(reference):
            raise NotFoundError("not_found", "There is no such item.")
        listed = sorted(self._listed(f"{self._prefix}{reference}/", since))
        wanted = listed[-MOST:]
        halves = tuple(half for key, size in wanted for half in self._halves(key, size))
        return KeptHalves(halves, len(listed) - len(wanted))

    def _listed(self, prefix: str, since: datetime) -> Iterator[tuple[str, int]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            for item in page.get("Contents", ()):
                written = _parts(item["Key"])
                if written is not None and written[0] >= since:
                    yield str(item["Key"]), int(item["Size"])

    def _halves(self, key: str, size: int) -> Iterator[Half]:
        parts = _parts(key)
        if parts is None:
            return
        at, direction = parts
        if size > MAX_BYTES:
            yield Half(direction or Direction.ANSWER, at, size, None)
            return
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return  # its last day ended, or a person was erased, while we looked
        raw = answer["Body"].read()
        if direction is not None:
            yield Half(direction, at, size, raw_text(raw, self._harmless))
            return
        content = json.loads(raw)
        asked_at = datetime.fromisoformat(content["asked_at"])
        yield self._part(Direction.REQUEST, asked_at, content)
        yield self._part(Direction.ANSWER, at, content)

    def _part(self, direction: Direction, at: datetime, content: dict[str, Any]) -> Half:
        stored = content[direction.value]
        part = RawPart(stored["head"], stored["body"].encode("utf-8", _BYTES))
        text = raw_text(part.body, self._harmless, part.head)
        return Half(direction, at, len(part.body), text)


def _parts(key: str) -> tuple[datetime, Direction | None] | None:
    """When a copy was written and which half it is (None: a whole call); None for a name that is
    not ours.
    """
    identity, _, rest = key.rpartition("/")[2].partition("-")
    name = rest.partition(".")[0]
    try:
        return time_of(identity), None if name == _CALL else Direction(name)
    except ValueError:
        return None
