"""The second factor: codes by time (RFC 6238), recovery codes, and the step between password and
session.

Written on the standard library: RFC 6238 is one HMAC, and a package would bring nothing that this
does not show. Codes are 6 digits of HMAC-SHA-1 over half-minute steps, what every authenticator
understands; one step to either side is accepted for clocks that differ, and a step counts once.
"""

import base64
import hashlib
import hmac
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, Problem
from workspace.domain.problems import invalid

ISSUER: Final = "Köprü"
DIGITS: Final = 6
PERIOD: Final = 30
SECRET_BYTES: Final = 20
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10
STEP_LIFETIME: Final = timedelta(minutes=10)
DEVICE_LIFETIME: Final = timedelta(days=90)
_DRIFT: Final = 1
_RECOVERY_LENGTH: Final = 16
_GROUP: Final = 4
_UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "-._~")


class FactorState(StrEnum):
    """``PENDING`` until the first code proves that the authenticator has the secret."""

    PENDING = "pending"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The authenticator of one person.

    Shapes: ``sealed`` is the encrypted secret; ``last_step`` the newest half minute whose code was
    used; ``recovery`` hashes of the recovery codes that are left; ``version`` rises with every
    change, so that a code in two hands opens one door.
    """

    state: FactorState
    sealed: bytes
    secret_version: int
    last_step: int = 0
    recovery: tuple[str, ...] = ()
    confirmed_at: str = ""
    version: int = 0

    @property
    def is_active(self) -> bool:
        """Whether it is asked for."""
        return self.state is FactorState.ACTIVE


class StepMethod(StrEnum):
    """What the second step asks for: a code of the authenticator, or one sent by mail."""

    TOTP = "totp"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class SignInStep:
    """A password was right; one more proof is missing. ``digest`` is that of its token."""

    digest: str
    person_id: str
    epoch: int
    method: StepMethod
    expires_at: datetime
    used: bool = False

    def is_open(self, now: datetime, person_epoch: int) -> bool:
        """Whether it can still be finished."""
        return not self.used and now < self.expires_at and self.epoch == person_epoch


def code_at(secret: bytes, step: int) -> str:
    """The code of one half minute.

    Source: RFC 4226 section 5.3 and RFC 6238 section 4.

    >>> code_at(b"12345678901234567890", 59 // 30)
    '287082'
    """
    mac = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(now: datetime) -> int:
    """Number of the half minute of an instant."""
    return int(now.timestamp()) // PERIOD


def matching_step(secret: bytes, code: str, now: datetime, last_step: int) -> int | None:
    """The half minute a code belongs to; None for a wrong code and for one that was used.

    All candidates are compared, each in constant time.
    """
    current, found = step_of(now), None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > last_step:
            found = step
    return found


def clean_code(text: str) -> str:
    """A typed code without blanks and hyphens, in capitals."""
    return "".join(text.split()).replace("-", "").upper()


def looks_like_recovery(code: str) -> bool:
    """Whether a cleaned code has the length of a recovery code."""
    return len(code) == _RECOVERY_LENGTH


def recovery_code(raw: bytes) -> str:
    """A recovery code of 80 random bits in groups of four, as it is shown."""
    text = base64.b32encode(raw).decode("ascii")
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def base32_of(secret: bytes) -> str:
    """The secret as people type it into an authenticator."""
    return base64.b32encode(secret).decode("ascii")


def secret_of(base32: str) -> bytes:
    """The secret behind its typed form."""
    return base64.b32decode(base32)


def otpauth_uri(base32: str, account: str) -> str:
    """The address an authenticator reads from the picture."""
    label = _quoted(f"{ISSUER}:{account}")
    facts = f"secret={base32}&issuer={_quoted(ISSUER)}&digits={DIGITS}&period={PERIOD}"
    return f"otpauth://totp/{label}?{facts}"


def _quoted(text: str) -> str:
    """Percent encoding of everything but letters, digits and ``-._~`` (RFC 3986)."""
    return "".join(
        chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in text.encode()
    )


def started(known: SecondFactor | None, sealed: bytes) -> SecondFactor:
    """A new secret that waits for its first code; one that was never confirmed is replaced.

    Raises: ConflictError("second_factor_active").
    """
    if known is None:
        return SecondFactor(FactorState.PENDING, sealed, 1, version=1)
    if known.is_active:
        raise ConflictError("second_factor_active", "The second factor is set up already.")
    return replace(
        known, sealed=sealed, secret_version=known.secret_version + 1, version=known.version + 1
    )


def confirmed(factor: SecondFactor, step: int, recovery: Iterable[str], at: str) -> SecondFactor:
    """The factor in force from now on; ``recovery`` are the hashes of its codes."""
    return replace(
        factor,
        state=FactorState.ACTIVE,
        last_step=step,
        recovery=tuple(recovery),
        confirmed_at=at,
        version=factor.version + 1,
    )


def without_secret(factor: SecondFactor) -> SecondFactor:
    """The factor taken away; its versions go on, so that no older secret comes back."""
    return SecondFactor(
        FactorState.PENDING,
        b"",
        factor.secret_version,
        last_step=factor.last_step,
        version=factor.version + 1,
    )


def proven(
    factor: SecondFactor,
    secret: bytes,
    typed: str,
    now: datetime,
    digest: Callable[[str], str],
) -> SecondFactor | None:
    """The factor after a code proved it: the code is used up. None for a wrong one."""
    code = clean_code(typed)
    if looks_like_recovery(code):
        hashed = digest(code)
        if hashed not in factor.recovery:
            return None
        left = tuple(each for each in factor.recovery if each != hashed)
        return replace(factor, recovery=left, version=factor.version + 1)
    step = matching_step(secret, code, now, factor.last_step)
    return None if step is None else replace(factor, last_step=step, version=factor.version + 1)


def code_wrong() -> Exception:
    """One refusal for a wrong, used or expired code."""
    text = "This code is wrong, used or too old."
    return invalid(Problem("/code", "code_wrong", text))
