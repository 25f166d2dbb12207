"""Which members of an exchange with the DIAS-like gateway may be shown to somebody who reads it
masked.

What a person sees on every page of a code as well: the code, amounts, days, banks by their code,
references and states. Names, accounts and free text of the gateway are not among them.
"""

from typing import Final

SHELF: Final = "code-exchanges"
"""Part of a company's prefix in the bucket of raw exchanges that is ours."""
HARMLESS: Final = frozenset(
    {
        "amount",
        "booked_at",
        "code",
        "complete",
        "count",
        "currency",
        "id",
        "identification",
        "organisation",
        "reference",
        "request_id",
        "reversal_of",
        "rf",
        "timestamp",
        "type",
        "valid_until",
        "value_date",
    }
)
