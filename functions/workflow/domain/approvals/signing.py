"""Signatures of persons: what a company trusts, and what a checked signature says (§7).

A person signs the statement of a decision on a card or a phone, outside of the hub; the hub checks.
What it checks against is data of the company: trust anchors with their days, revocation lists as
they were handed in, and which certificate identity belongs to which user.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.masking import mask_email, mask_tckn
from kernel.sensitive import Sensitive
from kernel.stamp import NEW, Stamp

MAX_SIGNATURE: Final = 64 * 1024
MAX_LIST: Final = 300_000
"""Bytes of a revocation list: it is one row."""
CLOCK_SKEW: Final = timedelta(minutes=5)
_SERIAL: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z:./ -]{1,63}")


class TrustKind(StrEnum):
    """What a record of trust is about."""

    ANCHOR = "anchor"
    """A certificate authority whose certificates count."""
    REVOCATIONS = "revocations"
    """What an authority has revoked, as of a day."""
    SIGNER = "signer"
    """Whose certificate it is: an identity of a certificate and a user."""


class TrustState(StrEnum):
    """Whether it counts."""

    ACTIVE = "active"
    ENDED = "ended"


class IdentityKind(StrEnum):
    """What in a certificate says who its holder is."""

    SERIAL_NUMBER = "serial_number"
    """The attribute of the holder's name (X.520), in Türkiye the identity number; not the number
    of the certificate.
    """
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Trust:
    """One thing a company trusts.

    Units: ``valid_from`` to before ``valid_to`` are dates of the company. Shapes: ``label`` is the
    name of an authority or the masked identity; ``fingerprint`` the SHA-256 of the certificate, of
    the authority's name, or the keyed hash of the identity; ``data`` the certificate or the list in
    DER; ``person`` is ``user:<id>`` of a signer; ``list_ends_at`` is when a list should have been
    replaced by its authority's next.
    """

    id: str
    kind: TrustKind
    label: str
    fingerprint: str
    valid_from: date
    valid_to: date | None = None
    data: bytes = field(default=b"", repr=False)
    person: str = ""
    note: str = ""
    list_ends_at: datetime | None = None
    state: TrustState = TrustState.ACTIVE
    stamp: Stamp = NEW

    def __post_init__(self) -> None:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            problem = Problem("/valid_to", "range", "It ends before it begins.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])

    def counts_on(self, day: date) -> bool:
        """Whether it counts on a day."""
        begun = self.valid_from <= day
        over = self.valid_to is not None and day >= self.valid_to
        return self.state is TrustState.ACTIVE and begun and not over

    def ended(self) -> Trust:
        """Not trusted any more. Raises: ConflictError."""
        if self.state is TrustState.ENDED:
            raise ConflictError("trust_ended", "It is not trusted any more already.")
        return replace(self, state=TrustState.ENDED)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate says its holder is; the value shows only as its mask."""

    kind: IdentityKind
    value: Sensitive

    @property
    def text(self) -> str:
        """The canonical value: an address in lower case, a number without blanks."""
        clear = self.value.reveal("compare the holder of a certificate")
        if self.kind is IdentityKind.EMAIL:
            return clear.strip().lower()
        return clear.replace(" ", "").upper()

    @property
    def masked(self) -> str:
        """What may be shown: ``123******50``, ``a***@ornek.com.tr``, otherwise the ends."""
        if self.kind is IdentityKind.EMAIL:
            return mask_email(self.text)
        if len(self.text) == 11:
            return mask_tckn(self.text)
        return f"{self.text[:2]}******{self.text[-2:]}" if len(self.text) > 6 else "******"


def identity_of(kind: IdentityKind, text: str) -> Identity:
    """What a user states. Raises: ValidationError naming ``/identity``."""
    made = Identity(kind, Sensitive(text))
    email = kind is IdentityKind.EMAIL
    if not (_looks_like_address(made.text) if email else _SERIAL.fullmatch(made.text)):
        problem = Problem("/identity", "identity_invalid", "This is no identity of a certificate.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    return made


def _looks_like_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and "." in domain and text.isprintable() and len(text) <= 254)


@dataclass(frozen=True, slots=True)
class Trusted:
    """What counts at the moment of a check, in DER."""

    anchors: tuple[bytes, ...]
    lists: tuple[bytes, ...] = ()


def trusted_on(records: Iterable[Trust], day: date) -> Trusted:
    """Anchors and lists in force on a day. A list is told apart from a current one by its own
    dates, when it is used."""
    counted = [each for each in records if each.counts_on(day)]
    return Trusted(
        tuple(each.data for each in counted if each.kind is TrustKind.ANCHOR),
        tuple(each.data for each in counted if each.kind is TrustKind.REVOCATIONS),
    )


@dataclass(frozen=True, slots=True)
class CheckedSignature:
    """What is known of a signature that holds.

    Shapes: ``revoked_checked`` says whether every certificate of the path was looked up in a
    current list, ``lists_as_of`` how old the oldest of these lists is; ``profile`` is
    ``CAdES-BES`` when the signed attributes name the certificate, otherwise ``CMS``; ``der`` is the
    signature itself.
    """

    certificate: str
    serial: str
    issuer: str
    anchor: str
    identities: tuple[Identity, ...]
    algorithm: str
    profile: str
    signed_at: datetime | None
    revoked_checked: bool
    lists_as_of: datetime | None = None
    der: bytes = field(default=b"", repr=False)


def check_signer(
    checked: CheckedSignature,
    person: str,
    records: Iterable[Trust],
    day: date,
    digest: Callable[[str, str], str],
) -> Identity:
    """The identity by which a signature is that of ``person``.

    ``digest`` hashes (kind, value) as the records do. Raises: ValidationError("signer_unknown")
    when no identity of the person is recorded, ("signer_other") when it is somebody else's.
    """
    known = {
        each.fingerprint
        for each in records
        if each.kind is TrustKind.SIGNER and each.person == person and each.counts_on(day)
    }
    if not known:
        raise signature_problem("signer_unknown")
    for identity in checked.identities:
        if digest(identity.kind.value, identity.text) in known:
            return identity
    raise signature_problem("signer_other")


def check_time(checked: CheckedSignature, opened_at: datetime, now: datetime) -> None:
    """The time a signer claims lies between the task and now.

    Raises: ValidationError("signature_time").
    """
    claimed = checked.signed_at
    if claimed is not None and not opened_at - CLOCK_SKEW <= claimed <= now + CLOCK_SKEW:
        raise signature_problem("signature_time")


PROBLEMS: Final = {
    "signature_required": "This stage asks for a signature over the statement of the decision.",
    "signature_unreadable": "This is no detached CMS signature (DER, PEM or base64).",
    "signature_too_large": "The signature is larger than 64 KiB.",
    "signature_attached": "The signature contains the signed text; a detached one is asked for.",
    "signature_signers": "Exactly one person signs.",
    "signature_attributes": "The signed attributes are incomplete.",
    "signature_algorithm": "The algorithm of the signature is too weak or not known here.",
    "signature_statement": "Another text was signed. Fetch the statement again and sign that.",
    "signature_invalid": "The signature does not fit the certificate: something was changed.",
    "signature_time": "The time of signing is not between the opening of the task and now.",
    "certificate_missing": "The certificate of the signer is not in the signature.",
    "certificate_other": "The signature names another certificate than the one beside it.",
    "certificate_time": "The certificate is not valid at this time.",
    "certificate_untrusted": "The certificate does not lead to an authority this company trusts.",
    "certificate_usage": "The certificate is not meant for signatures of persons.",
    "certificate_revoked": "The certificate was revoked by its authority.",
    "revocation_unchecked": "There is no current revocation list, and this company asks for one.",
    "signer_unknown": "Nobody recorded yet which certificate is yours.",
    "signer_other": "This is the certificate of somebody else.",
}
"""Why a signature is refused: one code for each reason."""


def signature_problem(code: str) -> ValidationError:
    """A refused signature, with the one reason at ``/signature``."""
    message = PROBLEMS[code]
    problems = [Problem("/signature", code, message)]
    return ValidationError(code, message, problems=problems)
