"""The report of mails: who got what, when, and what became of it (REC-07)."""

from collections.abc import Iterator
from dataclasses import dataclass

from kernel.periods import Period
from kernel.storing import Position
from kernel.text import fold
from reconciliation.application.context import Scope
from reconciliation.ports import MailLine

_PAGE = 100


@dataclass(frozen=True, slots=True)
class MailSearch:
    """Mails about a month; empty texts narrow nothing."""

    period: Period
    state: str = ""
    kind: str = ""
    text: str = ""

    def finds(self, line: MailLine) -> bool:
        """Whether a line is meant; ``kind`` is the beginning of a kind, such as ``reminder``."""
        wanted = fold(self.text)
        names = (line.card.fields.title, line.card.fields.code) if line.card is not None else ()
        return (
            self.state in ("", line.mail.state.value)
            and line.mail.kind.startswith(self.kind)
            and (not wanted or any(wanted in fold(name) for name in names))
        )


class ListMails:
    """Mails page by page; a search goes on until a page is full."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, search: MailSearch, *, limit: int, after: Position | None
    ) -> tuple[list[MailLine], Position | None]:
        found: list[MailLine] = []
        while True:
            lines, after = self._page(search, limit - len(found), after)
            found += lines
            if after is None or len(found) == limit:
                return found, after

    def _page(
        self, search: MailSearch, limit: int, after: Position | None
    ) -> tuple[list[MailLine], Position | None]:
        store = self._scope.store
        mails, following = store.letter_mail_page(search.period, limit=limit, after=after)
        letters = store.letters({mail.letter_id for mail in mails})
        cards = store.counterparties({mail.counterparty_id for mail in mails})
        lines = [
            MailLine(mail, letters.get(mail.letter_id), cards.get(mail.counterparty_id))
            for mail in mails
        ]
        return [line for line in lines if search.finds(line)], following

    def all(self, search: MailSearch) -> Iterator[MailLine]:
        """Every line, streamed."""
        after: Position | None = None
        while True:
            lines, after = self._page(search, _PAGE, after)
            yield from lines
            if after is None:
                return
