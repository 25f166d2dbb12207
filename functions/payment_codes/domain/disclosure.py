"""Why a person looks at what a payment network was sent and answered, in clear."""

from enum import StrEnum


class RevealReason(StrEnum):
    """What goes into history and audit beside the name of who looked."""

    PAYER_ASKED = "payer_asked"
    DISPUTE = "dispute"
    PROVIDER_INQUIRY = "provider_inquiry"
    AUDIT = "audit"
