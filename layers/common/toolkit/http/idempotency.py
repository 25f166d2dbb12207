"""``Idempotency-Key``: same key and body → the first answer, stored in the use case's own
transaction.

Scope is (tenant, principal, route); lifetime 48 hours (reliability.md §5). The record is written
with the effect, so there is no moment in which a finished effect has no record or a record has no
effect.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import MalformedError, ValidationError
from toolkit.aws.dynamodb import Database, Keyspace, at_most
from toolkit.aws.unit_of_work import UnitOfWork

_LIFETIME_SECONDS: Final = 48 * 3_600
_KEY: Final = re.compile(r"[!-+\--~]{1,255}")  # visible ASCII without the comma


@dataclass(frozen=True, slots=True)
class Command:
    """Identity of one intended command: who sent it where, with which key and body."""

    principal: str
    route: str
    key: str
    body_hash: str

    @property
    def identity(self) -> str:
        """Opaque id of the command, safe in a storage key."""
        text = "\0".join((self.principal, self.route, self.key))
        return hashlib.sha256(text.encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a command, as it was sent."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def parse_key(header: str | None) -> str:
    """The header's value; the gateway joins repeated headers with a comma, so a comma means two
    headers.

    Raises: MalformedError("idempotency_key_required" | "idempotency_key_invalid").
    """
    if header is None:
        raise MalformedError("idempotency_key_required", "Send exactly one Idempotency-Key header.")
    if not _KEY.fullmatch(header):
        raise MalformedError(
            "idempotency_key_invalid",
            "An Idempotency-Key is 1 to 255 visible ASCII characters, once.",
        )
    return header


def body_hash(body: bytes) -> str:
    """Hash that tells whether two bodies are the same."""
    return hashlib.sha256(body).hexdigest()


class IdempotencyStore:
    """Looks up and records the answers of one context and tenant."""

    def __init__(self, database: Database, keyspace: Keyspace) -> None:
        self._database = database
        self._keyspace = keyspace

    def find(self, command: Command, *, now_seconds: int) -> StoredAnswer | None:
        """The first answer to this command, if there was one within its lifetime.

        Raises: ValidationError("idempotency_key_reused") when the key came with another body.
        """
        row = self._database.get("flow", self._keyspace.key("IDEM", command.identity), "-")
        if row is None or row["ttl"] <= now_seconds:
            return None
        if row["body_hash"] != command.body_hash:
            raise ValidationError(
                "idempotency_key_reused", "This Idempotency-Key was used with another body."
            )
        return StoredAnswer(row["status"], json.loads(row["body"]), row["headers"])

    def record(self, unit: UnitOfWork, command: Command, answer: StoredAnswer) -> None:
        """Store the answer beside the effect; a race on the same key refuses the later
        transaction. An answer whose lifetime is over is overwritten: TTL deletes when it likes.
        """
        now = int(unit.now.timestamp())
        unit.transaction.put_new(
            "flow",
            {
                "pk": self._keyspace.key("IDEM", command.identity),
                "sk": "-",
                "body_hash": command.body_hash,
                "status": answer.status,
                "body": json.dumps(answer.body, ensure_ascii=False),
                "headers": dict(answer.headers),
                "ttl": now + _LIFETIME_SECONDS,
            },
            label="idempotency",
            over=at_most("ttl", now),
        )
