"""A mail with a code to a customer; its way is every mail's way (``kernel.mail_delivery``)."""

from dataclasses import dataclass

from kernel.mail_delivery import MailDelivery
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp


@dataclass(frozen=True, slots=True)
class CodeMail(MailDelivery):
    """One mail with one code; the address is the one it was asked for."""

    id: str
    code_id: str
    to: Email
    language: str
    stamp: Stamp = NEW
