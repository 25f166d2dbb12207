"""The copy of every exchange that is kept as evidence, with the secrets taken out.

Envelopes never go to logs: they hold identity numbers and salaries. They go to a sink that the
caller provides (an encrypted bucket), under the reference of the call.
"""

import re
from collections.abc import Iterable
from typing import Final, Protocol
from xml.sax.saxutils import escape, quoteattr

from kernel.exchange import Direction

MASK: Final = b"***"
# Shorter values occur by chance: replacing them would point at the secret instead of hiding it.
_SHORTEST_VALUE: Final = 4


class AuditSink(Protocol):
    """Keeps raw exchanges."""

    def record(self, reference: str, direction: Direction, raw: bytes) -> None:
        """Keep one half of an exchange; ``raw`` holds no secret."""
        ...


def scrub(raw: bytes, *, elements: Iterable[str] = (), values: Iterable[str] = ()) -> bytes:
    """The bytes without secrets: texts of the named elements and all occurrences of the values.

    Works on bytes, not on a tree, because an answer need not be XML to contain a password.
    Shapes: ``elements`` are local names; values shorter than four characters are only found as
    the text of a named element.
    """
    clean = raw
    names = b"|".join(re.escape(name.encode()) for name in sorted(elements))
    if names:
        clean = re.sub(
            rb"(<(?:[A-Za-z_][\w.-]*:)?(?:" + names + rb")(?:\s[^>]*)?>)[^<]+", _masked_text, clean
        )
    for value in values:
        if len(value) < _SHORTEST_VALUE:
            continue
        for form in {value, escape(value), quoteattr(value)[1:-1]}:
            clean = clean.replace(form.encode(), MASK)
    return clean


def _masked_text(match: re.Match[bytes]) -> bytes:
    return match.group(1) + MASK
