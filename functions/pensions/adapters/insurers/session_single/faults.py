"""Result codes of this dialect, without the insurer's number in front.

The same field carries success, refusals of the line and refusals of the call; whatever is not
listed, here or among the line codes of the error dictionary, is unknown.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pensions.domain.member_status import MemberState
from pensions.domain.outcome import AnswerWord, FaultMeaning, NotSentReason, ParsedFault

DONE: Final = "00"
TAKEN: Final = "01"
NOT_KNOWN: Final = "40"
ALREADY_ENROLLED: Final = "30"
DUPLICATE_COLLECTION: Final = "55"

RESULT_WORDS: Final[Mapping[str, AnswerWord]] = MappingProxyType(
    {
        DONE: AnswerWord.ACCEPTED,
        TAKEN: AnswerWord.PROCESSING,
        ALREADY_ENROLLED: AnswerWord.EXISTS,
        DUPLICATE_COLLECTION: AnswerWord.EXISTS,
    }
)

OPERATION_WORDS: Final[Mapping[str, AnswerWord]] = MappingProxyType(
    {
        "TAMAM": AnswerWord.ACCEPTED,
        "RED": AnswerWord.REJECTED,
        "ISLENIYOR": AnswerWord.PROCESSING,
    }
)

MEMBER_WORDS: Final[Mapping[str, MemberState]] = MappingProxyType(
    {
        "A": MemberState.ENROLLED,
        "B": MemberState.PENDING,
        "C": MemberState.OPTED_OUT,
        "Y": MemberState.LEFT,
        "D": MemberState.SUSPENDED,
    }
)

FAULTS: Final[Mapping[str, ParsedFault]] = MappingProxyType(
    {
        "90": ParsedFault(not_sent=NotSentReason.SESSION_REFUSED),
        "91": ParsedFault(FaultMeaning.AUTH_FAILED),
        "92": ParsedFault(FaultMeaning.CREDENTIALS_LOCKED),
        "93": ParsedFault(FaultMeaning.PROVIDER_CLOSED),
        "94": ParsedFault(FaultMeaning.CONTRACT_UNKNOWN),
        "95": ParsedFault(FaultMeaning.CONTRACT_CLOSED),
        "96": ParsedFault(FaultMeaning.PERIOD_CLOSED),
        "97": ParsedFault(not_sent=NotSentReason.BUSY, retry_after=60),
        "98": ParsedFault(FaultMeaning.REQUEST_INVALID),
    }
)
