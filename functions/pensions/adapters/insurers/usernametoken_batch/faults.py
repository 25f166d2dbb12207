"""Words and codes of this dialect; whatever is not listed is unknown, never an error, never fine.

Fault codes are written with the prefix of the insurer (``AH-901``), the tables without it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pensions.domain.member_status import MemberState
from pensions.domain.outcome import AnswerWord, FaultMeaning, NotSentReason, ParsedFault

STATUS_WORDS: Final[Mapping[str, AnswerWord]] = MappingProxyType(
    {
        "ACCEPTED": AnswerWord.ACCEPTED,
        "REJECTED": AnswerWord.REJECTED,
        "IN_PROGRESS": AnswerWord.PROCESSING,
        "ALREADY_REGISTERED": AnswerWord.EXISTS,
    }
)

MEMBER_WORDS: Final[Mapping[str, MemberState]] = MappingProxyType(
    {
        "ACTIVE": MemberState.ENROLLED,
        "IN_PROGRESS": MemberState.PENDING,
        "OPTED_OUT": MemberState.OPTED_OUT,
        "TERMINATED": MemberState.LEFT,
        "SUSPENDED": MemberState.SUSPENDED,
        "NOT_FOUND": MemberState.UNKNOWN,
    }
)

FAULTS: Final[Mapping[str, ParsedFault]] = MappingProxyType(
    {
        "901": ParsedFault(FaultMeaning.AUTH_FAILED),
        "902": ParsedFault(FaultMeaning.CREDENTIALS_LOCKED),
        "903": ParsedFault(FaultMeaning.CONTRACT_UNKNOWN),
        "904": ParsedFault(FaultMeaning.CONTRACT_CLOSED),
        "905": ParsedFault(FaultMeaning.PERIOD_CLOSED),
        "906": ParsedFault(FaultMeaning.PROVIDER_CLOSED),
        "907": ParsedFault(not_sent=NotSentReason.BUSY, retry_after=60),
        "908": ParsedFault(FaultMeaning.REQUEST_INVALID),
    }
)
