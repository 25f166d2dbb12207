"""Whether a request came through the front door: CloudFront, with its firewall, and nobody else.

CloudFront adds a header whose value only it knows. A function knows its SHA-256 and nothing more:
what a function never holds it cannot leak, and no call is needed to check it. While the value is
being changed two are accepted. What came through also says whose address it came from; the
gateway sees CloudFront's.
Source: security.md S17, S21 and §13.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self

HEADER: Final = "kopru-origin"
VISITOR: Final = "kopru-visitor"
_MAX_VALUE: Final = 256
_DIGESTS: Final = re.compile(r"[0-9a-f]{64}(,[0-9a-f]{64})?")


def digest_of(value: str) -> str:
    """What a function is told about the value of the header."""
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Origin:
    """What this stage takes for its front door.

    Shapes: one digest, or two while the value changes; none where there is no CloudFront, which is
    the local stack and nothing else (``CommonSettings.origin``).
    """

    digests: tuple[str, ...]

    @classmethod
    @cache
    def parse(cls, text: str) -> Self:
        """Read one or two digests with a comma between; raises ValueError for anything else.

        The same text is read once in a process: every request asks twice.
        """
        if _DIGESTS.fullmatch(text) is None:
            message = "one or two SHA-256 digests in hexadecimal, with a comma between"
            raise ValueError(message)
        return cls(tuple(text.split(",")))

    def vouches_for(self, event: Mapping[str, Any]) -> bool:
        """Whether the request of payload 2.0 came through the front door.

        Every accepted value is compared, in constant time, also after one has matched.
        """
        if not self.digests:
            return True
        sent = _header(event, HEADER)
        digest = digest_of(sent if len(sent) <= _MAX_VALUE else "")
        found = [hmac.compare_digest(digest, accepted) for accepted in self.digests]
        return any(found)

    def visitor(self, event: Mapping[str, Any]) -> str:
        """Address the request came from: the gateway's word, behind CloudFront CloudFront's.

        Only for a request that ``vouches_for`` let pass: CloudFront overwrites the header.
        """
        if not self.digests:
            return str(event["requestContext"]["http"].get("sourceIp", ""))
        return _header(event, VISITOR)


def _header(event: Mapping[str, Any], name: str) -> str:
    headers = event.get("headers") or {}
    return next((str(value) for key, value in headers.items() if str(key).lower() == name), "")
