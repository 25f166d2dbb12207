"""Words and codes of this dialect; whatever is not listed is unknown, never an error, never fine.

Fault codes carry the prefix of the insurer (``VKYET01``), the tables do not.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pensions.domain.member_status import MemberState
from pensions.domain.outcome import AnswerWord, FaultMeaning, NotSentReason, ParsedFault

RECEIPT_WORDS: Final[Mapping[str, AnswerWord]] = MappingProxyType(
    {
        # Taken is not accepted: the policy number, or "Tahsilat İşlenmiştir", comes later.
        "ALINDI": AnswerWord.PROCESSING,
        "RED": AnswerWord.REJECTED,
    }
)

EXISTING: Final = frozenset({"POL01", "MUK01"})
"""Refusals that mean "we have it already": the insurer's own record decides, not the refusal."""

POLICY_WORDS: Final[Mapping[str, AnswerWord]] = MappingProxyType(
    {
        "BEKLIYOR": AnswerWord.PROCESSING,
        "POLICELESTI": AnswerWord.ACCEPTED,
        "RED": AnswerWord.REJECTED,
    }
)

COLLECTION_WORDS: Final[Mapping[str, AnswerWord]] = MappingProxyType(
    {
        "BEKLIYOR": AnswerWord.PROCESSING,
        "ISLENMISTIR": AnswerWord.ACCEPTED,
        "ISLENEMEMISTIR": AnswerWord.REJECTED,
    }
)

MEMBER_WORDS: Final[Mapping[str, MemberState]] = MappingProxyType(
    {
        "AKTIF": MemberState.ENROLLED,
        "BEKLIYOR": MemberState.PENDING,
        "CAYMA": MemberState.OPTED_OUT,
        "AYRILAN": MemberState.LEFT,
        "ARAVERME": MemberState.SUSPENDED,
        "YOK": MemberState.UNKNOWN,
    }
)

FAULTS: Final[Mapping[str, ParsedFault]] = MappingProxyType(
    {
        "YET01": ParsedFault(FaultMeaning.AUTH_FAILED),
        "YET02": ParsedFault(FaultMeaning.CREDENTIALS_LOCKED),
        "SOZ01": ParsedFault(FaultMeaning.CONTRACT_UNKNOWN),
        "SOZ02": ParsedFault(FaultMeaning.CONTRACT_CLOSED),
        "DON01": ParsedFault(FaultMeaning.PERIOD_CLOSED),
        "BKM01": ParsedFault(FaultMeaning.PROVIDER_CLOSED),
        "YOG01": ParsedFault(not_sent=NotSentReason.BUSY, retry_after=120),
        "MSJ01": ParsedFault(FaultMeaning.REQUEST_INVALID),
    }
)
