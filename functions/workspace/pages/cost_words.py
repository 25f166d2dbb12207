"""The words of the cost card, and the card as a file."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from kernel.files import TableWriter
from kernel.why import Why
from toolkit.entrypoints.http import Reply
from toolkit.http.files import file_reply
from webkit.i18n import Language, mark
from workspace.domain.cost_card import CostCard

_NAMES: Final = {
    "people_added": mark("People added"),
    "people_acts": mark("Acts on people afterwards: sending, answers, changes"),
    "contributions_added": mark("Contributions added"),
    "contributions_acts": mark("Acts on contributions afterwards: collecting, answers, changes"),
    "codes_issued": mark("Payment codes issued"),
    "codes_mailed": mark("Payment codes mailed"),
    "payments_booked": mark("Payments booked"),
    "letters_made": mark("Reconciliation letters made"),
    "letters_mailed": mark("Reconciliation letters mailed"),
    "card_sales": mark("Card sales posted"),
    "mails": mark("Other mails: invitations, tasks, passwords, portal"),
    "other_acts": mark("Other recorded acts"),
}
_STANDING: Final = {
    "sweeps": mark("Sweeps every minute"),
    "queues": mark("Queues that are waited at"),
    "alarms": mark("Alarms"),
    "keys": mark("Keys and secrets"),
}
_DECIMAL: Final = re.compile(r"[0-9]+\.[0-9]+")


def line_name(words: Language, code: str) -> str:
    """What a line of the card counts."""
    return words.text(_NAMES[code])


def standing_name(words: Language, code: str) -> str:
    """What an installation pays by the month."""
    return words.text(_STANDING[code])


def spoken(words: Language, reasons: Iterable[Why]) -> list[str]:
    """Reasons as sentences; amounts of more than two decimals are written as the reader writes
    numbers.
    """

    def shown(value: Any) -> Any:
        is_decimal = isinstance(value, str) and _DECIMAL.fullmatch(value)
        return Decimal(value) if is_decimal else value

    return [
        words.why(Why(why.key, {name: shown(value) for name, value in why.params.items()}))
        for why in reasons
    ]


def cost_file(writer: TableWriter, card: CostCard, words: Language, file_format: str) -> Reply:
    """The card as a table to hand out. Raises: ValidationError for an unknown format."""
    header = (
        words.text("What"),
        words.text("Number"),
        words.text("USD for a thousand"),
        words.text("USD"),
    )
    rows = (
        (line_name(words, line.code), line.number, line.price.usd, line.amount)
        for line in card.lines
    )
    return file_reply(writer.write(file_format, f"costs-{card.period}", header, rows))
