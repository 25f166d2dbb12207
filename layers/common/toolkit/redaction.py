"""Last line of defence for logs: identity numbers, accounts, secrets and addresses are masked by
shape.

Typed values mask themselves (``kernel.sensitive``); this catches what arrives as plain text, for
example inside an exception of a library.
"""

import re
from typing import Any, Final

from kernel.identifiers import iban as iban_rule
from kernel.identifiers import tckn as tckn_rule

_DIGITS: Final = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{10}(?![0-9A-Za-z])")
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30}(?![0-9A-Za-z])")
_KEY: Final = re.compile(r"kopru_(?:test|live)_[0-9A-Za-z_-]+")
_SECRET_NAMES: Final = frozenset(
    {
        "password",
        "parola",
        "sifre",
        "secret",
        "token",
        "authorization",
        "cookie",
        "set-cookie",
        "api_key",
    }
)
MASK: Final = "***"


def redact_text(text: str) -> str:
    """The text with valid identity numbers, IBANs and API keys masked."""
    masked = _KEY.sub("kopru_***", text)
    masked = _DIGITS.sub(lambda match: _mask_number(match.group()), masked)
    return _IBAN.sub(lambda match: _mask_iban(match.group()), masked)


def _mask_number(digits: str) -> str:
    return f"{digits[:3]}******{digits[-2:]}" if tckn_rule.is_valid(digits) else digits


def _mask_iban(text: str) -> str:
    compact = text.replace(" ", "")
    return f"{compact[:4]}…{compact[-4:]}" if iban_rule.is_valid(compact) else text


def redact(value: Any, *, name: str = "") -> Any:
    """A copy of plain data with secrets dropped by name and numbers masked by shape."""
    if name.lower() in _SECRET_NAMES:
        return MASK
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {key: redact(item, name=str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    # Whatever else the writer would turn into text later (an exception, for example) is text now.
    return redact_text(str(value))
