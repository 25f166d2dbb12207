"""Finds what must never be written: identity numbers, IBANs, secrets, another tenant's words.

Active in every test (``tests/conftest.py``, security.md §5): captured output (logs and metrics) of
each test, and at the end of each test with the ``aws`` fixture the stored rows of ``flow``,
``ledger``, ``audit`` and history, messages in queues, and names of objects. Secrets and canaries
are looked for in every table. Answers of handlers are scanned by ``tests.support.events.invoke``.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.identifiers import iban, tckn
from kernel.masking import mask_iban, mask_tckn

_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{10}(?![0-9A-Za-z])")
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])(?:TR|GR)[0-9]{2}(?: ?[0-9A-Z]){11,30}(?![0-9A-Za-z])")
_CANARY: Final = re.compile(r" ?Kanarya[0-9]{3}Ltd")
_API_KEY: Final = re.compile(r"kopru_(?:test|live)_[0-9A-Za-z_-]{20,}")
CANARY_PASSWORD: Final = "Kanarya-Parola-7f3a91"
"""A password for tests; its appearance anywhere is a leak."""


class LeakError(AssertionError):
    """Something personal or secret was written where it must not be."""


@dataclass
class Scanner:
    """What to look for besides the shapes: secrets of this test, words of each tenant."""

    secrets: set[str] = field(default_factory=lambda: {CANARY_PASSWORD})
    canaries: dict[str, str] = field(default_factory=dict)

    def secret(self, text: str) -> str:
        """Remember a secret of this test (a token, a key); returns it."""
        self.secrets.add(text)
        return text

    def canary(self, tenant_id: str) -> str:
        """A word that belongs to one tenant: put it into names, and nobody else may ever see it."""
        return self.canaries.setdefault(tenant_id, f"Kanarya{len(self.canaries) + 1:03d}Ltd")

    def identities(self, text: str) -> Iterator[str]:
        """Complaints about identity numbers and accounts; the values themselves are not quoted."""
        for match in _NUMBER.finditer(text):
            if tckn.is_valid(match.group()):
                yield f"an identity number at position {match.start()}"
        for match in _IBAN.finditer(text):
            if iban.is_valid(match.group().replace(" ", "")):
                yield f"an IBAN at position {match.start()}"

    def secrets_in(self, text: str) -> Iterator[str]:
        """Complaints about keys, passwords and tokens."""
        if _API_KEY.search(text):
            yield "an API key"
        for secret in self.secrets:
            if secret and secret in text:
                yield "a secret of this test"

    def strangers_in(self, text: str, tenant_id: str) -> Iterator[str]:
        """Complaints about words of other tenants."""
        for owner, word in self.canaries.items():
            if owner != tenant_id and word in text:
                yield f"a word of tenant {owner}"

    def check(self, text: str, where: str, *, tenant_id: str | None = None) -> None:
        """Fail for anything found in ``text``.

        Raises: LeakError.
        """
        found = [*self.identities(text), *self.secrets_in(text)]
        if tenant_id is not None:
            found += self.strangers_in(text, tenant_id)
        if found:
            raise LeakError(f"{where} contains {', '.join(found)}")


def cleaned(text: str) -> str:
    """The text without identities and words of tenants: to be kept outside of its test."""
    text = _CANARY.sub("", text)
    text = _NUMBER.sub(lambda found: _masked(found[0], tckn.is_valid, mask_tckn), text)
    return _IBAN.sub(lambda found: _masked(found[0], iban.is_valid, mask_iban), text)


def _masked(text: str, is_valid: Callable[[str], bool], mask: Callable[[str], str]) -> str:
    return mask(text) if is_valid(text.replace(" ", "")) else text


SCANNER: Final = Scanner()
"""The scanner of the running test; ``tests/conftest.py`` empties it before each."""


def reset() -> None:
    """Forget the secrets and canaries of the test before."""
    SCANNER.secrets = {CANARY_PASSWORD}
    SCANNER.canaries = {}


def scan_world(world: Any) -> None:
    """Look through everything a world stores; see the module's docstring.

    Raises: LeakError naming table and key.
    """
    for role in ("core", "ledger", "flow", "secrets", "audit", "edge"):
        for row in world.rows(role):
            where = f"row {row['pk']} / {row['sk']} of {role}"
            text = json.dumps(row, ensure_ascii=False, default=str)
            if role in ("flow", "ledger", "audit") or "#HIST#" in row["pk"]:
                SCANNER.check(text, where)
            else:
                _fail(SCANNER.secrets_in(text), where)
    for name, body in _queued():
        SCANNER.check(body, f"a message in {name}")
    for key in _object_names():
        SCANNER.check(key, "an object name")


def _fail(found: Iterable[str], where: str) -> None:
    complaints = list(found)
    if complaints:
        raise LeakError(f"{where} contains {', '.join(complaints)}")


def _queued() -> Iterator[tuple[str, str]]:
    from moto.sqs.models import sqs_backends

    for account in sqs_backends.values():
        for backend in account.values():
            for queue in backend.queues.values():
                for message in queue._messages:
                    yield queue.name, message.body


def _object_names() -> Iterator[str]:
    from moto.s3.models import s3_backends

    for account in s3_backends.values():
        for backend in account.values():
            for bucket in backend.buckets.values():
                yield from bucket.keys
