"""What the use cases of the workspace need from the outside, in the words of the domain.

Three stores, because three kinds of rows have different owners: ``CompanyStore`` belongs to one
tenant and cannot name another; ``SystemStore`` holds what exists before a tenant is known (people,
sessions, links, keys); ``SharedRecords`` reads the rows that all contexts write in one form (jobs,
history, audit chains). Everything a use case changes goes through one ``WorkspaceUnit``.
"""

from workspace.ports.evidence import PrivacyDesk, PrivacyUnit, SealDesk, SealObjects
from workspace.ports.operating import DeadLetterDesk, DueRows, WaitingLetters
from workspace.ports.records import (
    Account,
    Answer,
    ChainView,
    HistoryView,
    JobView,
    KeyOwner,
    OpenSession,
    Page,
    ResetRequest,
)
from workspace.ports.services import (
    MESSAGE_TAG,
    CodeDigest,
    Digest,
    IdentityProvider,
    Mailer,
    PasswordHasher,
    SecondFactorSecrets,
    Throttle,
    Tokens,
    Uploads,
    UploadTicket,
)
from workspace.ports.storing import CompanyStore, SystemStore, WorkspaceUnit
from workspace.ports.webhooks import Webhooks, WebhookSender, WebhookStore, WebhookUnit

__all__ = [
    "MESSAGE_TAG",
    "Account",
    "Answer",
    "ChainView",
    "CodeDigest",
    "CompanyStore",
    "DeadLetterDesk",
    "Digest",
    "DueRows",
    "HistoryView",
    "IdentityProvider",
    "JobView",
    "KeyOwner",
    "Mailer",
    "OpenSession",
    "Page",
    "PasswordHasher",
    "PrivacyDesk",
    "PrivacyUnit",
    "ResetRequest",
    "SealDesk",
    "SealObjects",
    "SecondFactorSecrets",
    "SystemStore",
    "Throttle",
    "Tokens",
    "UploadTicket",
    "Uploads",
    "WaitingLetters",
    "WebhookSender",
    "WebhookStore",
    "WebhookUnit",
    "Webhooks",
    "WorkspaceUnit",
]
