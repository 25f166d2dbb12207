"""Copies of exchanges with third parties in the encrypted bucket, always below a company's prefix.

The names of the objects begin with an id of ours, so their order is the order of the exchange and
the instant of each can be read without opening it.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.exchange import Direction, Half, KeptHalves
from kernel.ids import IdSource, is_id, time_of
from toolkit.exchange_masks import raw_text

MOST: Final = 40
"""Halves that are read for one look: a call and its questions of a month are fewer."""
MAX_BYTES: Final = 100_000
"""Longer texts are no reading matter, and forty of these still fit into one answer."""


class ExchangeArchive:
    """Writes and reads what was sent and answered, without secrets, for one company.

    Shapes: ``shelf`` is the part of the prefix that belongs to one context: permissions name it.
    ``harmless`` are the elements or members whose values a masked copy may show.
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
        self._client.put_object(
            Bucket=self._bucket,
            Key=f"{self._prefix}{reference}/{self._ids.new()}-{direction.value}.{kind}",
            Body=raw,
            ContentType="application/xml" if kind == "xml" else "text/plain",
        )

    def halves(self, reference: str, since: datetime) -> KeptHalves:
        """The latest copies under ``reference`` that are not older than ``since``, oldest first.

        Raises: NotFoundError for a reference that is not an id of ours.
        """
        if not is_id(reference):
            raise NotFoundError("not_found", "There is no such item.")
        listed = sorted(self._listed(f"{self._prefix}{reference}/", since))
        wanted = listed[-MOST:]
        halves = (self._half(key, size) for key, size in wanted)
        return KeptHalves(
            tuple(half for half in halves if half is not None), len(listed) - len(wanted)
        )

    def _listed(self, prefix: str, since: datetime) -> Iterator[tuple[str, int]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            for item in page.get("Contents", ()):
                written = _parts(item["Key"])
                if written is not None and written[0] >= since:
                    yield str(item["Key"]), int(item["Size"])

    def _half(self, key: str, size: int) -> Half | None:
        parts = _parts(key)
        if parts is None:
            return None
        at, direction = parts
        if size > MAX_BYTES:
            return Half(direction, at, size, None)
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None  # its last day ended, or a person was erased, while we looked
        return Half(direction, at, size, raw_text(answer["Body"].read(), self._harmless))


def _parts(key: str) -> tuple[datetime, Direction] | None:
    """When a copy was written and which half it is; None for a name that is not ours."""
    identity, _, rest = key.rpartition("/")[2].partition("-")
    try:
        return time_of(identity), Direction(rest.partition(".")[0])
    except ValueError:
        return None
