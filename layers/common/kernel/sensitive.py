"""Personal values and secrets that mask themselves wherever text is made of them.

``str``, ``repr``, f-strings and JSON (through ``default=str``) show the mask; a value is copied but
never pickled; ``dataclasses.asdict`` keeps the object. The clear value needs ``reveal(reason)``.
The caller that reveals on behalf of a person writes the audit entry; the reason must be in it.
"""

from __future__ import annotations

import hmac
import re
from typing import Any, Final, NoReturn, Self

from kernel.errors import ParseError
from kernel.identifiers import email, iban, tckn
from kernel.masking import HIDDEN, mask_email, mask_iban, mask_phone, mask_tckn

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


class Sensitive:
    """Base of all values that mask themselves; immutable, comparable, hashable."""

    __slots__ = ("_clear",)
    _clear: str

    def __init__(self, value: str) -> None:
        object.__setattr__(self, "_clear", self._canonical(value))

    def _canonical(self, value: str) -> str:
        if not isinstance(value, str):
            raise ParseError("TYPE", "the value must be text")
        return value

    @property
    def masked(self) -> str:
        """What may be shown."""
        return HIDDEN

    def reveal(self, reason: str) -> str:
        """The clear value, for a stated purpose such as ``send to insurer``."""
        if not reason.strip():
            raise ValueError("revealing a personal value needs a reason")
        return self._clear

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked})"

    def __format__(self, spec: str) -> str:
        return format(self.masked, spec)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._clear.encode(), other._clear.encode())

    def __hash__(self) -> int:
        return hash((type(self), self._clear))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} must not be pickled")


class Tckn(Sensitive):
    """Identity number of a person; shown as ``123******50``.

    Raises: ParseError, see ``kernel.identifiers.tckn.parse``.
    """

    __slots__ = ()

    def _canonical(self, value: str) -> str:
        return tckn.parse(value)

    @property
    def masked(self) -> str:
        """``123******50``."""
        return mask_tckn(self._clear)


class Iban(Sensitive):
    """IBAN of Türkiye or Greece; shown as ``TR33…1326``.

    Raises: ParseError, see ``kernel.identifiers.iban.parse``.
    """

    __slots__ = ()

    def _canonical(self, value: str) -> str:
        return iban.parse(value)

    @property
    def masked(self) -> str:
        """``TR33…1326``."""
        return mask_iban(self._clear)


class Phone(Sensitive):
    """Telephone number in E.164 form, as ``toolkit.phones`` returns it; shown as ``+90******4567``.

    Raises: ParseError("SHAPE").
    """

    __slots__ = ()

    def _canonical(self, value: str) -> str:
        if _E164.fullmatch(super()._canonical(value)) is None:
            raise ParseError("SHAPE", "the number is in international form, +905321234567")
        return value

    @property
    def masked(self) -> str:
        """``+90******4567``."""
        return mask_phone(self._clear)


class Email(Sensitive):
    """Mail address; shown as ``a***@ornek.com.tr``.

    Raises: ParseError, see ``kernel.identifiers.email.parse``.
    """

    __slots__ = ()

    def _canonical(self, value: str) -> str:
        return email.parse(value)

    @property
    def masked(self) -> str:
        """``a***@ornek.com.tr``."""
        return mask_email(self._clear)


class Unchecked(Sensitive):
    """A personal value that failed its check and waits for correction; nothing of it is shown."""

    __slots__ = ()


class Secret(Sensitive):
    """Password, key or token; nothing of it is shown."""

    __slots__ = ()
