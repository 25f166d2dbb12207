"""What an item can be found by in the search over everything: words of its title, and codes.

Words compare without case, accents and alphabet of look-alikes, so that people find with the
keyboard they have: *Şahin* as ``sahin``, *Άλφα* as ``αλφα``, a Greek *ΑΕΤΟΣ* in Latin letters.
Codes (of payment, policy, document, account) are found whole. Stored text stays as received.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kernel.text import fold, matching_key

SHORTEST: Final = 3
"""Letters a word of a search has at least; under so many an item is entered as well."""
_CODE_LETTERS: Final = re.compile(r"[^0-9a-z]")
_NO_DECOMPOSITION: Final = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ß": "s"})
# Greek letters that look like a Latin one, large or small: typed for one another all the time.
_LOOK_ALIKES: Final = str.maketrans("αβεζηικμνορτυχ", "abezhikmnoptyx")


@dataclass(frozen=True, slots=True)
class Findable:
    """How one item is found and shown in a list of results.

    Shapes: ``title`` is what people call it, its words are searched by their beginnings; ``codes``
    are found whole; ``parent`` is the id of the item whose page holds it, if any; ``most_words``
    is under how many words it is entered: the last one (a family name) and the first ones. An item
    with an empty title is not found at all.
    """

    title: str
    codes: tuple[str, ...] = ()
    parent: str = ""
    most_words: int = 2

    def entries(self) -> Iterator[tuple[str, str]]:
        """Under which kind (``word`` | ``code``) and text the item is entered, each once."""
        if not self.title:
            return
        words = [word for word in words_of(self.title) if len(word) >= SHORTEST]
        chosen = [*words[-1:], *words[: self.most_words - 1]]
        for start in dict.fromkeys(word[:SHORTEST] for word in chosen):
            yield "word", start
        for code in dict.fromkeys(filter(None, map(code_of, self.codes))):
            yield "code", code


def words_of(text: str) -> list[str]:
    """Words of a title in the form they are compared in; legal forms of companies are no words."""
    return [_plain(word) for word in matching_key(text).split()]


def code_of(text: str) -> str:
    """A code in the form it is compared in: letters and digits only; empty without a digit."""
    kept = _CODE_LETTERS.sub("", _plain(fold(text)))
    return kept if any(char.isdigit() for char in kept) else ""


def matches(query: str, title: str) -> bool:
    """Whether every word of the query begins a word of the title."""
    words = words_of(title)
    return all(any(word.startswith(asked) for word in words) for asked in words_of(query))


def _plain(folded: str) -> str:
    """Folded text without marks, Greek look-alikes as Latin letters."""
    decomposed = unicodedata.normalize("NFD", folded.translate(_NO_DECOMPOSITION))
    kept = "".join(char for char in decomposed if not unicodedata.combining(char))
    return kept.translate(_LOOK_ALIKES)
