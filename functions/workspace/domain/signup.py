"""Signing up (*DES sözleşme formu*): somebody accepts the service agreement online, the operator
approves, a mail brings the activation link.

Source: DES pension portal guide, step 0: form, "Onayla", mail "aktivasyon için tıklayınız", login
data. Different here (security.md §6): no password is ever mailed, and the identity number is kept
as a keyed hash and a mask only.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, ParseError, Problem
from kernel.identifiers import tckn, vkn
from kernel.masking import mask_tckn
from kernel.sensitive import Email, Tckn
from kernel.stamp import NEW, Stamp
from workspace.domain.problems import invalid

_ACCOUNTANT_NO: Final = re.compile(r"[0-9A-Z]{2,20}")


class SignupState(StrEnum):
    """Waits for the operator, or was decided, once."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of the service agreement in one language, as it was shown.

    Shapes: ``paragraphs`` in order, the first is the title; ``sha256`` is that of the whole text.
    """

    version: str
    language: str
    paragraphs: tuple[str, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Signup:
    """One request for an account.

    Shapes: ``numbers`` is the keyed hash of accountant number and identity number together;
    ``agreement``, its language and hash say what was accepted, ``accepted_at`` and
    ``accepted_from`` when and from which address. ``tax_no`` of a sole trader is an identity number
    and therefore masked.
    """

    id: str
    company: str
    tax_no: str
    name: str
    email: Email
    language: str
    accountant_no: str
    numbers: str
    national_id_masked: str
    agreement: str
    agreement_language: str
    agreement_sha256: str
    accepted_at: datetime
    accepted_from: str
    state: SignupState = SignupState.REQUESTED
    tenant_id: str = ""
    person_id: str = ""
    note: str = ""
    stamp: Stamp = NEW


@dataclass(frozen=True, slots=True)
class SignupEntry:
    """What somebody writes into the form.

    Shapes: ``tax_no`` is what ``check_tax_no`` gave, so never an identity number; ``name`` may be
    empty: the account then bears the company's title. ``agreement`` names the version they read,
    if given.
    """

    company: str
    tax_no: str
    name: str
    email: Email
    accountant_no: str
    national_id: Tckn
    language: str
    agreement: str | None = None


def check_accountant_no(text: str, pointer: str = "/accountant_no") -> str:
    """The accountant's number (*MHN*) in canonical form: 2 to 20 digits and capital letters.

    Raises: ValidationError("invalid_input") naming ``pointer``.
    """
    number = text.strip(" ").upper()
    if not text.isascii() or _ACCOUNTANT_NO.fullmatch(number) is None:
        problem = "The accountant number has 2 to 20 digits and letters."
        raise invalid(Problem(pointer, "accountant_no_shape", problem))
    return number


def check_tax_no(text: str, pointer: str = "/tax_no") -> str:
    """A company's tax number, or the mask of a sole trader's identity number.

    Raises: ValidationError("invalid_input") naming ``pointer``.
    """
    try:
        trimmed = text.strip(" ")
        return mask_tckn(tckn.parse(trimmed)) if len(trimmed) == 11 else vkn.parse(trimmed)
    except ParseError as error:
        raise invalid(Problem(pointer, error.code.lower(), error.message)) from None


def check_agreement(wanted: str | None, current: str) -> None:
    """Whoever names a version has read that one; it must be the one in force.

    Raises: ValidationError("invalid_input") with ``agreement_outdated``.
    """
    if wanted is not None and wanted != current:
        text = "The service agreement has changed. Read it again."
        raise invalid(Problem("/agreement_version", "agreement_outdated", text))


def approved(signup: Signup, tenant_id: str, person_id: str) -> Signup:
    """The sign-up with the company that came of it; raises ConflictError("signup_decided")."""
    _refuse_decided(signup)
    return replace(signup, state=SignupState.APPROVED, tenant_id=tenant_id, person_id=person_id)


def rejected(signup: Signup, note: str) -> Signup:
    """The sign-up turned down, with the reason; raises ConflictError("signup_decided")."""
    _refuse_decided(signup)
    return replace(signup, state=SignupState.REJECTED, note=note)


def _refuse_decided(signup: Signup) -> None:
    if signup.state is not SignupState.REQUESTED:
        raise ConflictError("signup_decided", "This sign-up was decided already.")
