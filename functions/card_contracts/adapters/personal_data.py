"""What card contracts hold about people, as data: the field register of this context.

Nothing: sales are documents and amounts, the cards are kinds of cards, never a card of somebody.
The register says so name by name, so that a new field is noticed.
"""

from typing import Final

from kernel.personal_data import Register

ANSWERED: Final = "card_contracts.PrivacyAnswered.v1"

REGISTER: Final = Register(
    context="card_contracts",
    prefix="crd",
    holdings=(),
    impersonal={
        "name": "name of a card kind, an account or a deduction",
        "iban": "account of the company",
        "description": "what a contract or a term is called",
        "document_no": "number of a sale's document",
        "raw": "a date before it was shifted to a business day",
        "to": "last instalment of a range",
        "text": "what the bank writes beside a settlement",
        "lines": "a count",
        "reason": "a code",
    },
)
"""The field register of card contracts."""
