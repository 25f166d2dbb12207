"""What belongs to a person beside the company's rows: the account, and copies that are no rows."""

from collections.abc import Callable, Iterator, Sequence

from kernel.sensitive import Email
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Database, Item, Keyspace
from toolkit.aws.objects import FileStore
from toolkit.aws.privacy_keeper import StillOpen
from toolkit.aws.unit_of_work import META, entity_key
from workspace.adapters.dynamodb_unit import PASSWORD
from workspace.adapters.entity_writes import SYSTEM
from workspace.adapters.personal_data import ACCOUNT
from workspace.adapters.shared_records import DynamoSharedRecords

_JOBS_LOOKED_AT = 200
_OPEN = ("queued", "running")
_OWN_JOBS = "privacy_"


def _account(database: Database, person_id: str) -> Item | None:
    """The account of somebody who works for no company any more."""
    row = database.get("core", entity_key(SYSTEM, "person", person_id), META)
    return row if row is not None and not row["companies"] else None


def rows_of_account(
    database: Database, _keyspace: Keyspace, name: str, membership: Item
) -> Iterator[Item]:
    """The account behind a membership and its password; nothing while another company needs it."""
    account = _account(database, membership["id"]) if name == ACCOUNT else None
    if account is None:
        return
    yield account
    password = database.get("core", account["pk"], PASSWORD)
    if password is not None:
        yield password


class AccountLookups:
    """The look-up by which somebody signs in; erasing the account gives the address back."""

    def __init__(self, database: Database, email_digest: Callable[[Email], str]) -> None:
        self._database = database
        self._email_digest = email_digest

    def __call__(self, _keyspace: Keyspace, kind: str, row: Item) -> Iterator[str]:
        """Keys of the rows that lead to ``row``."""
        account = _account(self._database, row["id"]) if kind == "user" else None
        if account is not None:
            yield SYSTEM.key("UNIQ", "EMAIL", self._email_digest(Email(account["email"])))


class WorkCopies:
    """``Housekeeping`` of uploads, exports, batches and copies for people: all of seven days.

    Which of them name a person cannot be told without reading each, so an erasure clears all of
    the company's; nothing but a download that was not fetched yet is lost by it. Jobs that still
    read or write them end first.
    """

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database = database
        self._files = files

    def open_work(self, context: TenantContext) -> Sequence[StillOpen]:
        """Jobs of any context that have not ended."""
        records = DynamoSharedRecords(self._database, context.tenant_id)
        page = records.jobs(limit=_JOBS_LOOKED_AT, before=None)
        return [
            StillOpen(job.kind, job.id, job.status)
            for job in page.items
            if job.status in _OPEN and not job.kind.startswith(_OWN_JOBS)
        ]

    def clear(self, context: TenantContext) -> None:
        """Remove them."""
        self._files.remove_all(f"T/{context.tenant_id}/")
