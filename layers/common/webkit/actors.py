"""Who did something, in the words of a page: the same in every context.

Names of people live in the workspace; elsewhere nobody is called by an id.
"""

from collections.abc import Mapping
from typing import Final

from webkit.i18n import Language, mark

PRODUCT: Final = "Köprü"
"""What acts by itself is called by the name of the product."""
_YOU: Final = mark("you")
_KINDS: Final[Mapping[str, str]] = {
    "user": mark("a colleague"),
    "key": mark("a program"),
    "counterparty": mark("the counterparty"),
}
_SOMEBODY: Final = mark("somebody")


def who(actor: str, reader: str, words: Language) -> str:
    """An actor of a history (``user:<id>``, ``key:<id>``, ``system:<job>``, ``counterparty:<id>``)
    as ``reader`` is told of it; ``reader`` is the id of who reads.
    """
    kind, _, identity = actor.partition(":")
    if kind == "system":
        return PRODUCT
    if identity == reader:
        return words.text(_YOU)
    return words.text(_KINDS.get(kind, _SOMEBODY))
