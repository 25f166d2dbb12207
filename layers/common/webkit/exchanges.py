"""Raw exchanges as an answer of the API and in the words of a page: the same in every context."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.exchange import RETENTION, Exchanges, Keeping
from kernel.parsing import format_instant
from webkit.i18n import Language, mark

TITLE: Final = mark("What was sent and answered")
"""How pages call the raw exchanges of an item."""
KEEPING: Final[Mapping[Keeping, str]] = {
    Keeping.NOT_CALLED: mark("Nobody was called yet, so there is nothing to look at."),
    Keeping.KEPT: mark("What was sent and answered is kept for %(days)s days, without passwords."),
    Keeping.EXPIRED: mark(
        "This exchange is older than %(days)s days. Its copy was removed, as the retention rule "
        "says; the history stays."
    ),
    Keeping.REMOVED: mark(
        "There is no copy of this exchange: the call did not come about, or the copy was removed "
        "with the data of a person."
    ),
    Keeping.ORDINARY: mark(
        "Every answer of the last %(days)s days was an ordinary one; those are not kept."
    ),
}
"""What a reader is told about the copies of an item."""
_REVEALED: Final = "shown after the act was logged"


def keeping_words(found: Exchanges, words: Language) -> str:
    """A sentence on what is kept and why nothing is."""
    return words.text(KEEPING[found.keeping], days=RETENTION.days)


def exchanges_out(found: Exchanges, words: Language, *, reveal: bool) -> dict[str, Any]:
    """The exchanges of an item: oldest first, masked unless ``reveal``.

    Shapes: ``text`` is null for what is too long to be shown; ``left_off`` counts older halves.
    """
    return {
        "keeping": found.keeping.value,
        "message": keeping_words(found, words),
        "retention_days": RETENTION.days,
        "masked": not reveal,
        "left_off": found.left_off,
        "items": [
            {
                "direction": half.direction.value,
                "at": format_instant(half.at),
                "size": half.size,
                "text": None
                if half.text is None
                else half.text.reveal(_REVEALED)
                if reveal
                else half.text.masked,
            }
            for half in found.halves
        ],
    }
