"""What letters need: paper, mails, links, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from kernel.errors import KopruError
from kernel.mailing import MailOutcome
from kernel.sensitive import Email
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.letter import Letter, LetterMail
from reconciliation.domain.letter_template import LetterText
from reconciliation.domain.mailing import Sender

LETTER_MAIL_TAG: Final = "kopru-letter-mail"
"""Tag that every mail of a letter carries and every report about it brings back."""


@dataclass(frozen=True, slots=True)
class LetterPaper:
    """Everything a letter says, whether on paper or in a mail.

    Shapes: ``receiver`` is the account card that gets it; ``legal`` are references of verified
    parameter rows the letter may name; ``text`` is the approved wording, its places not filled.
    """

    letter: Letter
    sender: Sender
    receiver: Counterparty
    text: LetterText
    legal: tuple[str, ...] = ()


class PaperError(KopruError):
    """A letter could not be put on paper; that letter only (L11)."""


class LetterPdf(Protocol):
    """Makes the paper."""

    def render(self, paper: LetterPaper) -> bytes:
        """The letter as PDF bytes in its language; the same paper gives the same bytes.

        Raises: PaperError.
        """
        ...


class LetterMailer(Protocol):
    """Writes and hands over the mail with a letter."""

    def send(
        self,
        tenant_id: str,
        mail: LetterMail,
        paper: LetterPaper,
        pdf: bytes,
        *,
        link: str,
        unsubscribe: str,
    ) -> MailOutcome:
        """One attempt; never raises for what the service or the network did. An empty ``link``
        leaves the button out, an empty ``unsubscribe`` the way out of a subscription.
        """
        ...


class AccessLinks(Protocol):
    """How a counterparty gets to its letter and its account."""

    def link_for(self, counterparty: Counterparty, letter: Letter | None = None) -> str:
        """Address of the page that shows the letter, or of the counterparty's own entrance; empty
        when it has no access. The same link may be made again at any time.
        """
        ...

    def unsubscribe_for(self, counterparty: Counterparty, email: Email) -> str:
        """Address that ends a subscription of this address by one POST; empty when there is
        none.
        """
        ...


@dataclass(frozen=True, slots=True)
class MailLine:
    """One line of the mail report: a mail, its letter as it is now, and the account card."""

    mail: LetterMail
    letter: Letter | None
    card: Counterparty | None
