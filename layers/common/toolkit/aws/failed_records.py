"""Why a message failed for the last time, kept for whoever looks at the dead letters.

A queue gives a message up without a word: the dead letter says what was to be done and not what
went wrong. So the entry point notes the reason at the last receive, in ``flow`` under
``<ctx>#SYS#FAILED#<message id>`` / ``-``: a code or the name of an error class, never its text. The
row outlives the dead letter by a day and then expires. A process that was killed notes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kernel.clock import Clock
from toolkit.aws.clients import client
from toolkit.aws.dynamodb import PREFIX_OF, Database, Keyspace
from toolkit.aws.rows import moment
from toolkit.observability import logger
from toolkit.settings import CommonSettings, Environment

LAST_RECEIVE: Final = 5
"""Receives after which a queue gives a message up (reliability.md §6)."""
_KEEP: Final = timedelta(days=15)
_LONGEST_CODE: Final = 60


@dataclass(frozen=True, slots=True)
class Failure:
    """What was noted: ``code`` is stable, ``at`` an instant (RFC 3339)."""

    code: str
    at: str


class FailedRecords:
    """Notes of one context, by message id."""

    def __init__(self, database: Database, context: str) -> None:
        self._database = database
        self._keyspace = Keyspace.of_system(context)

    def note(self, message_id: str, code: str, clock: Clock) -> None:
        """Keep why a message failed; a later reason takes the place of an earlier one."""
        now = clock.now()
        self._database.update(
            "flow",
            self._key(message_id),
            "-",
            assign={
                "code": code[:_LONGEST_CODE],
                "at": moment(now),
                "ttl": int((now + _KEEP).timestamp()),
            },
        )

    def of(self, message_ids: Iterable[str]) -> Mapping[str, Failure]:
        """What is known about these messages, by id."""
        keys = {self._key(identity): identity for identity in message_ids}
        if not keys:
            return {}
        rows = self._database.get_many("flow", [(key, "-") for key in keys])
        return {
            keys[pk]: Failure(str(row["code"]), str(row["at"])) for (pk, _), row in rows.items()
        }

    def _key(self, message_id: str) -> str:
        return self._keyspace.key("FAILED", message_id)


def note_last_failure(service: str, message_id: str, receives: int, code: str) -> None:
    """Note the reason of a record that will not come again; a note that fails changes nothing."""
    context = PREFIX_OF.get(service)
    if receives < LAST_RECEIVE or context is None:
        return
    try:
        settings = CommonSettings.from_environment(Environment())
        database = Database(client("dynamodb"), settings.tables)
        FailedRecords(database, context).note(message_id, code, settings.clock())
    except Exception as error:
        logger(service).warning("reason not noted", extra={"error_class": type(error).__name__})
