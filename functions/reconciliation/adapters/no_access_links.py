"""``AccessLinks`` of a company whose counterparties have no access: mails carry the paper only."""

from kernel.sensitive import Email
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.letter import Letter


class NoAccessLinks:
    """No link leads anywhere."""

    def link_for(self, _counterparty: Counterparty, _letter: Letter | None = None) -> str:
        return ""

    def unsubscribe_for(self, _counterparty: Counterparty, _email: Email) -> str:
        return ""
